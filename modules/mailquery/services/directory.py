"""Accounts, mailboxes and the people in the mail."""

from dataclasses import dataclass, replace

from mailquery.repositories.interfaces import DirectoryRepository
from mailquery.repositories.records import AccountSummary, MailboxSummary, Person, Total, Visibility
from mailquery.services.limits import checked_limit
from mailquery.services.masking import masked_name
from mailquery.services.scope import Scope, unknown_name
from mcpkit.errors import ErrorCode, Fault

MOST_PEOPLE = 100


class ListAccounts:
    def __init__(self, directory: DirectoryRepository) -> None:
        self._directory = directory

    async def __call__(self, visible: Visibility) -> tuple[AccountSummary, ...]:
        return await self._directory.accounts(visible)


class AccountNames:
    """The names alone, which are looked up again only when the archive has changed."""

    def __init__(self, directory: DirectoryRepository) -> None:
        self._scope = Scope(directory)

    async def __call__(self, visible: Visibility) -> tuple[str, ...]:
        return (await self._scope.snapshot(visible)).accounts


class ListMailboxes:
    def __init__(self, directory: DirectoryRepository) -> None:
        self._directory = directory

    async def __call__(self, visible: Visibility, account: str | None = None) -> tuple[MailboxSummary, ...]:
        """The mailboxes of all accounts, or of one. Raises `VALIDATION_ERROR` naming the nearest known accounts."""
        if account is None:
            return await self._directory.mailboxes(visible)
        names = [each.name for each in await self._directory.accounts(visible)]
        known = next((name for name in names if name.casefold() == account.strip().casefold()), None)
        if known is None:
            raise unknown_name("account", "account", account.strip(), names)
        return await self._directory.mailboxes(visible, known)


@dataclass(frozen=True, slots=True)
class FoundPeople:
    people: tuple[Person, ...]
    total: Total


class FindPeople:
    def __init__(self, directory: DirectoryRepository) -> None:
        self._directory = directory

    async def __call__(self, visible: Visibility, text: str, *, limit: int = 20) -> FoundPeople:
        """Addresses of which `text` is a part, in name or address; those with most messages first. One-time codes in
        their names are masked."""
        checked_limit(limit, MOST_PEOPLE)
        wanted = text.strip()
        if not wanted:
            raise Fault(
                ErrorCode.INVALID_FORMAT,
                "`text` must be a part of a name or of an address.",
                details={"argument": "text"},
            )
        people, total = await self._directory.people(wanted, visible, limit)
        shown = tuple(replace(person, names=tuple(map(masked_name, person.names))) for person in people)
        return FoundPeople(shown, total)
