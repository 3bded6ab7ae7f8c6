"""What a mailbox holds now: its counts and its newest messages."""

from dataclasses import dataclass
from typing import Protocol

from mailquery.repositories.interfaces import SearchRepository
from mailquery.repositories.records import MailboxSummary, MessageRow, Visibility
from mailquery.services.searching import Hit, hits_of
from mcpkit.errors import ErrorCode, Fault

NEWEST_ROWS = 20


class NewestRepository(Protocol):
    async def newest(
        self, visible: Visibility, account: str, mailbox: str, limit: int
    ) -> tuple[MailboxSummary, tuple[MessageRow, ...]] | None:
        """The mailbox of exactly these names, and its newest messages, the newest first. None where the caller sees
        none."""
        ...


@dataclass(frozen=True, slots=True)
class NewestMail:
    mailbox: MailboxSummary
    hits: tuple[Hit, ...]


class ReadMailbox:
    def __init__(self, mailboxes: NewestRepository, search: SearchRepository) -> None:
        self._mailboxes = mailboxes
        self._search = search

    async def __call__(self, visible: Visibility, account: str, mailbox: str) -> NewestMail:
        """Codes and links that open an account are masked, as in a search. Raises NOT_FOUND."""
        found = await self._mailboxes.newest(visible, account, mailbox, NEWEST_ROWS)
        if found is None:
            raise Fault(
                ErrorCode.NOT_FOUND,
                "There is no such mailbox. list_mailboxes gives the names of accounts and mailboxes; in a URI each is "
                'percent-encoded, "/" as %2F.',
            )
        summary, rows = found
        return NewestMail(summary, await hits_of(self._search, rows))
