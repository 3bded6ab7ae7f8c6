"""Removing an account's mail from the archive."""

from collections.abc import Callable
from dataclasses import dataclass

from mailquery.repositories.removing import RemovalRepository
from mcpkit.errors import ErrorCode, Fault

_AT_ONCE = 2_000  # messages, in one transaction


@dataclass(frozen=True, slots=True)
class RemovalProgress:
    """How far it is, in messages."""

    messages: int
    total: int


@dataclass(frozen=True, slots=True)
class RemovalSummary:
    """`removed` messages are in the archive no more; `kept` lie in other accounts too. Words of `left_in_index` removed
    messages stay in the index, where nobody finds them, until it is made anew."""

    removed: int
    kept: int
    left_in_index: int


class RemoveAccountMail:
    """Takes an account out of the archive with all that only it has, newest mail first.

    To be called when nothing brings mail into it any more: once its server is forgotten. What ends it, in whatever way,
    costs one transaction at most: it is completed by running it again."""

    def __init__(self, removals: RemovalRepository) -> None:
        self._removals = removals

    async def __call__(self, account: str, progress: Callable[[RemovalProgress], None] | None = None) -> RemovalSummary:
        """`progress` is called after every transaction. Raises Fault NOT_FOUND where the archive has no such account;
        CONFLICT where another process writes for long, or where mail comes into the account meanwhile; STORAGE_FULL,
        STORAGE_DAMAGED."""
        total = await self._removals.messages(account)
        if total is None:
            raise Fault(
                ErrorCode.NOT_FOUND,
                f"There is no account {account!r} in the archive. `mailquery status` shows those that there are.",
                details={"account": account},
            )
        removed = kept = 0
        while (part := await self._removals.remove_next(account, _AT_ONCE)).messages:
            removed, kept = removed + part.removed, kept + part.kept
            if progress is not None:
                progress(RemovalProgress(removed + kept, max(total, removed + kept)))
        await self._removals.remove_account(account)
        return RemovalSummary(removed, kept, await self._removals.put_in_order())
