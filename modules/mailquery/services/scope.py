"""What a query ranges over: which accounts and mailboxes there are, and which of them it names.

A name that nothing bears is an error and never an empty answer: "nothing found" would be taken for the truth.
"""

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from mailquery.domain.mailboxes import folded_name, is_called
from mailquery.domain.queries import And, InAccount, InMailbox, Not, Or, Query, asks_for_gone
from mailquery.repositories.interfaces import DirectoryRepository
from mailquery.repositories.records import MailboxSummary, Version, Visibility
from mcpkit.errors import ErrorCode, Fault
from mcpkit.security.untrusted import safe_line

_KEPT_SNAPSHOTS = 64
_NAMES_IN_ERROR = 8
_NAME_CHARS = 100
# The language reads each of these as the other one too, so one of them is enough.
_SYNONYMS = frozenset({"spam", "junk", "bin", "trash"})


Name = InAccount | InMailbox
Known = Callable[[Name], bool]


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

    def knows(self, node: Name) -> bool:
        if isinstance(node, InMailbox):
            return any(_bears(mailbox, node.name) for mailbox in self.mailboxes)
        return node.name.casefold() in {name.casefold() for name in self.accounts}

    def unknown(self, node: Name, argument: str) -> Fault:
        if isinstance(node, InMailbox):
            return unknown_name(argument, "mailbox", node.name, [mailbox.name for mailbox in self.mailboxes])
        return unknown_name(argument, "account", node.name, self.accounts)


def _bears(mailbox: MailboxSummary, name: str) -> bool:
    return is_called(mailbox.name, mailbox.role, folded_name(name))


def _nearest(name: str, known: Iterable[str]) -> list[str]:
    """The names that were perhaps meant, else the first ones that there are."""
    by_folded = {each.casefold(): each for each in known}
    wanted = name.casefold()
    close = difflib.get_close_matches(wanted, by_folded, n=_NAMES_IN_ERROR, cutoff=0.6)
    close += [each for each in by_folded if wanted and wanted in each and each not in close]
    return [by_folded[each] for each in (close or list(by_folded))[:_NAMES_IN_ERROR]]


def unknown_name(argument: str, what: str, name: str, known: Iterable[str]) -> Fault:
    names = list(dict.fromkeys(known))
    # A label can come from a message's own header, so that anybody may have named it.
    nearest = [safe_line(each, _NAME_CHARS) for each in _nearest(name, names)]
    listed = ", ".join(f"`{each}`" for each in nearest)
    # In a query there may be many, and `is:important` is one too.
    called = f': none is called "{name}"' if argument == "query" else ""
    if not names:
        remedy = "The archive has none yet: import mail first."
    elif len(nearest) < len(names):
        remedy = f"There are {len(names)}; perhaps one of these is meant."
    else:
        remedy = "These are all."
    return Fault(
        ErrorCode.VALIDATION_ERROR,
        f"`{argument}` names no {what} of this archive{called}. {remedy}",
        details={"argument": argument, "allowed": nearest, "allowed_count": len(names)},
        others=listed,
    )


def _missing(query: Query, known: Known, required: bool = True) -> Iterator[tuple[Name, bool]]:
    """The names that nothing bears, each with whether the query can match nothing for want of it."""
    match query:
        case InAccount() | InMailbox():
            if not known(query):
                yield query, required
        case Not(part):
            yield from _missing(part, known, False)
        case And(parts):
            for part in parts:
                yield from _missing(part, known, required)
        case Or(parts):
            # One alternative is enough: only where each lacks its name is there nothing to find.
            lacking = [list(_missing(part, known, required)) for part in parts]
            hopeless = all(any(needed for _, needed in names) for names in lacking)
            for names in lacking:
                yield from ((name, needed and hopeless) for name, needed in names)
        case _:
            return


def _conjuncts(query: Query) -> tuple[Query, ...]:
    return query.parts if isinstance(query, And) else (query,)


class Scope:
    """Knows the names in the archive, as long as its version stays the same. `written` is another number whenever
    anything was written to the archive, or None where that cannot be told: while it is the same, so is the version."""

    def __init__(self, directory: DirectoryRepository, written: Callable[[], int | None] = lambda: None) -> None:
        self._directory = directory
        self._written = written
        self._snapshots: dict[frozenset[str] | None, Snapshot] = {}
        self._looked: dict[frozenset[str] | None, int] = {}  # what `written` was before a snapshot was looked at

    async def snapshot(self, visible: Visibility) -> Snapshot:
        written = self._written()
        kept = self._snapshots.get(visible.accounts)
        if kept is not None and written is not None and self._looked.get(visible.accounts) == written:
            return kept
        version = await self._directory.version(visible)
        kept = self._snapshots.get(visible.accounts)
        if kept is None or kept.version != version:
            kept = await self._take(version, visible)
        if written is None:
            self._looked.pop(visible.accounts, None)
        else:
            self._looked[visible.accounts] = written
        return kept

    async def _take(self, version: Version, visible: Visibility) -> Snapshot:
        accounts = await self._directory.accounts(visible)
        mailboxes = await self._directory.mailboxes(visible)
        taken = Snapshot(version, tuple(account.name for account in accounts), mailboxes)
        if len(self._snapshots) >= _KEPT_SNAPSHOTS:
            self._snapshots.clear()
            self._looked.clear()
        self._snapshots[visible.accounts] = taken
        return taken

    async def check(
        self, query: Query, visible: Visibility, arguments: Mapping[Query, str]
    ) -> tuple[Snapshot, list[str]]:
        """The names in the archive, and notes on names in `query` that nothing bears but that it can do without.

        `arguments` says of a node which argument it came from, where that is not the query text. Raises
        `VALIDATION_ERROR` for a name that the query requires and nothing bears.
        """
        snapshot = await self.snapshot(visible)
        missing = list(_missing(query, snapshot.knows))
        if missing:
            # A running import may have added the mailbox without the version showing it yet.
            snapshot = await self._take(snapshot.version, visible)
            missing = list(_missing(query, snapshot.knows))
        for node, required in missing:
            if required:
                raise snapshot.unknown(node, arguments.get(node, "query"))
        if snapshot.mailboxes and not self.coverage(query, snapshot).mailboxes:
            raise Fault(
                ErrorCode.VALIDATION_ERROR,
                "The account that is named has no mailbox of the name that is given beside it.",
                details={"argument": "mailbox"},
            )
        unneeded = dict.fromkeys(node.name for node, _ in missing if node.name.casefold() not in _SYNONYMS)
        return snapshot, [f'Nothing in this archive is called "{name}".' for name in unneeded]

    @staticmethod
    def coverage(query: Query, snapshot: Snapshot) -> Coverage:
        """The accounts and mailboxes to which the query's outermost conditions narrow the search."""
        named_accounts = [part for part in _conjuncts(query) if isinstance(part, InAccount)]
        named_mailboxes = [part for part in _conjuncts(query) if isinstance(part, InMailbox)]
        searched = [
            mailbox
            for mailbox in snapshot.mailboxes
            if all(mailbox.account.casefold() == named.name.casefold() for named in named_accounts)
            # A message can lie in several mailboxes, so that of several names each one counts.
            and (not named_mailboxes or any(_bears(mailbox, named.name) for named in named_mailboxes))
        ]
        return Coverage(
            accounts=tuple(dict.fromkeys(mailbox.account for mailbox in searched)),
            mailboxes=tuple(dict.fromkeys(mailbox.name for mailbox in searched)),
            messages=snapshot.version.messages + (snapshot.version.hidden if asks_for_gone(query) else 0),
            newest=snapshot.version.newest,
            refreshed=snapshot.version.refreshed,
        )
