"""What a query ranges over: which accounts and mailboxes there are, and which of them it names.

A name that nothing bears is an error and never an empty answer: "nothing found" would be taken for the truth.
"""

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from mailquery.domain.queries import And, InAccount, InMailbox, Not, Or, Query
from mailquery.repositories.interfaces import DirectoryRepository
from mailquery.repositories.records import MailboxSummary, Version, Visibility
from mcpkit.errors import ErrorCode, Fault

_KEPT_SNAPSHOTS = 64
_NAMES_IN_ERROR = 8


@dataclass(frozen=True, slots=True)
class Coverage:
    """What an answer looked at. `messages` is how many the archive holds for the caller, `refreshed` when an import or
    a synchronisation last finished (UTC)."""

    accounts: tuple[str, ...]
    mailboxes: tuple[str, ...]
    messages: int
    newest: datetime | None
    refreshed: datetime | None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The archive's version, and the names in it."""

    version: Version
    accounts: tuple[str, ...]
    mailboxes: tuple[MailboxSummary, ...]


def _bears(mailbox: MailboxSummary, name: str) -> bool:
    wanted = name.casefold()
    full = mailbox.name.casefold()
    return wanted in (full, full.rpartition("/")[2]) or wanted == mailbox.role.value


def _nearest(name: str, known: Iterable[str]) -> list[str]:
    """The names that were perhaps meant, else the first ones that there are."""
    by_folded = {each.casefold(): each for each in known}
    wanted = name.casefold()
    close = difflib.get_close_matches(wanted, by_folded, n=_NAMES_IN_ERROR, cutoff=0.6)
    close += [each for each in by_folded if wanted and wanted in each and each not in close]
    return [by_folded[each] for each in (close or list(by_folded))[:_NAMES_IN_ERROR]]


def unknown_name(argument: str, what: str, name: str, known: Iterable[str]) -> Fault:
    names = list(dict.fromkeys(known))
    nearest = _nearest(name, names)
    listed = ", ".join(f"`{each}`" for each in nearest)
    if not names:
        remedy = "The archive has none yet: import mail first."
    elif len(nearest) < len(names):
        remedy = f"Perhaps {listed}; there are {len(names)}."
    else:
        remedy = f"There is: {listed}."
    return Fault(
        ErrorCode.VALIDATION_ERROR,
        f"`{argument}` names no {what} of this archive. {remedy}",
        details={"argument": argument, "allowed": nearest, "allowed_count": len(names)},
    )


def _named(query: Query, negated: bool = False) -> Iterator[tuple[InAccount | InMailbox, bool]]:
    """The nodes that name an account or a mailbox, each with whether it excludes."""
    match query:
        case InAccount() | InMailbox():
            yield query, negated
        case Not(part):
            yield from _named(part, not negated)
        case And(parts) | Or(parts):
            for part in parts:
                yield from _named(part, negated)
        case _:
            return


def _conjuncts(query: Query) -> tuple[Query, ...]:
    return query.parts if isinstance(query, And) else (query,)


class Scope:
    """Knows the names in the archive, as long as its version stays the same."""

    def __init__(self, directory: DirectoryRepository) -> None:
        self._directory = directory
        self._snapshots: dict[frozenset[str] | None, Snapshot] = {}

    async def snapshot(self, visible: Visibility) -> Snapshot:
        version = await self._directory.version(visible)
        kept = self._snapshots.get(visible.accounts)
        if kept is not None and kept.version == version:
            return kept
        return await self._take(version, visible)

    async def _take(self, version: Version, visible: Visibility) -> Snapshot:
        accounts = await self._directory.accounts(visible)
        mailboxes = await self._directory.mailboxes(visible)
        taken = Snapshot(version, tuple(account.name for account in accounts), mailboxes)
        if len(self._snapshots) >= _KEPT_SNAPSHOTS:
            self._snapshots.clear()
        self._snapshots[visible.accounts] = taken
        return taken

    async def check(
        self, query: Query, visible: Visibility, arguments: Mapping[Query, str]
    ) -> tuple[Snapshot, list[str]]:
        """The names in the archive, and notes on names in `query` that exclude nothing.

        `arguments` says of a node which argument it came from, where that is not the query text. Raises
        `VALIDATION_ERROR` for a name that the query requires and nothing bears.
        """
        snapshot = await self.snapshot(visible)
        missing = self._missing(query, snapshot)
        if missing:
            # A running import may have added the mailbox without the version showing it yet.
            snapshot = await self._take(snapshot.version, visible)
            missing = self._missing(query, snapshot)
        notes = []
        for node, negated in missing:
            if negated:
                notes.append(f"`{node.name}` is excluded, but nothing in this archive has that name.")
                continue
            what, names = (
                ("account", list(snapshot.accounts))
                if isinstance(node, InAccount)
                else ("mailbox", [mailbox.name for mailbox in snapshot.mailboxes])
            )
            raise unknown_name(arguments.get(node, "query"), what, node.name, names)
        return snapshot, notes

    @staticmethod
    def _missing(query: Query, snapshot: Snapshot) -> list[tuple[InAccount | InMailbox, bool]]:
        accounts = {name.casefold() for name in snapshot.accounts}
        return [
            (node, negated)
            for node, negated in _named(query)
            if (
                node.name.casefold() not in accounts
                if isinstance(node, InAccount)
                else not any(_bears(mailbox, node.name) for mailbox in snapshot.mailboxes)
            )
        ]

    @staticmethod
    def coverage(query: Query, snapshot: Snapshot) -> Coverage:
        """The accounts and mailboxes to which the query's outermost conditions narrow the search."""
        accounts: Iterable[str] = snapshot.accounts
        mailboxes: Iterable[MailboxSummary] = snapshot.mailboxes
        for part in _conjuncts(query):
            if isinstance(part, InAccount):
                wanted = part.name.casefold()
                accounts = [name for name in accounts if name.casefold() == wanted]
            elif isinstance(part, InMailbox):
                name = part.name
                mailboxes = [mailbox for mailbox in mailboxes if _bears(mailbox, name)]
        searched = [mailbox for mailbox in mailboxes if mailbox.account in accounts]
        narrowed = any(isinstance(part, InMailbox) for part in _conjuncts(query))
        used = {mailbox.account for mailbox in searched}
        return Coverage(
            accounts=tuple(name for name in accounts if not narrowed or name in used),
            mailboxes=tuple(dict.fromkeys(mailbox.name for mailbox in searched)),
            messages=snapshot.version.messages,
            newest=snapshot.version.newest,
            refreshed=snapshot.version.refreshed,
        )
