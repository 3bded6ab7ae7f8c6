"""What the removal of an account's mail needs of a store."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class RemovedPart:
    """Of the messages that lay in the account, `removed` are in the archive no more, and `kept` lie in other accounts
    too. None of either: nothing was left."""

    removed: int
    kept: int

    @property
    def messages(self) -> int:
        return self.removed + self.kept


class RemovalRepository(Protocol):
    """Every method is a transaction of its own, so that a process may be killed between any two: the next run goes on.
    They wait for other writers, and raise Fault CONFLICT where one does not end; STORAGE_FULL, STORAGE_DAMAGED."""

    async def messages(self, account: str) -> int | None:
        """How many lie in the account. None where there is no such account in the archive."""
        ...

    async def remove_next(self, account: str, limit: int) -> RemovedPart:
        """Takes the newest `limit` messages out of the account's mailboxes."""
        ...

    async def remove_account(self, account: str) -> None:
        """Takes the account itself out, with its mailboxes and what is known of its server. Raises CONFLICT where
        messages are left in it."""
        ...

    async def put_in_order(self) -> int:
        """Merges the index, so that no words of removed messages are left in it, in as many transactions as that takes.
        How many removed messages have words in it still, which only making the index anew takes out."""
        ...
