"""What is asked for: a query text and structured conditions, joined by AND into one tree."""

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from typing import NoReturn
from zoneinfo import ZoneInfo

from mailquery.domain import words
from mailquery.domain.ourselves import Ourselves
from mailquery.domain.queries import (
    And,
    DateBetween,
    Feature,
    Has,
    InAccount,
    Is,
    Not,
    Query,
    State,
    TextField,
    Words,
    all_of,
    asks_for_gone,
)
from mailquery.query.dates import FORMS, DateError, read_period
from mailquery.query.explain import explain
from mailquery.query.parser import parse
from mailquery.query.spaced_numbers import conjunction
from mailquery.repositories.interfaces import DirectoryRepository
from mailquery.repositories.records import Visibility
from mailquery.repositories.steps import Steps
from mailquery.services.ourselves import FindOurselves
from mailquery.services.scope import Coverage, Scope
from mcpkit.errors import ErrorCode, Fault

Clock = Callable[[], datetime]
Me = Callable[[], Ourselves]


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Filters:
    """Conditions on messages; all of them hold. None is no condition.

    `query` is in the search language. `account` and `mailbox` are names (a mailbox also by its last path element or
    role), `from_` and `to` parts of a name or an address, or a domain as `@acme.io`. `subject` is words, or a phrase in
    quotation marks. `after` (inclusive) and `before` (exclusive) are dates of the search language.
    """

    query: str = ""
    account: str | None = None
    mailbox: str | None = None
    from_: str | None = None
    to: str | None = None
    subject: str | None = None
    after: str | None = None
    before: str | None = None
    has_attachment: bool | None = None
    unread: bool | None = None

    def digest(self, *more: str) -> str:
        """Equal for equal conditions. `more` is what else must not change between two pages."""
        canonical = json.dumps([asdict(self), *more], sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()[:12]


@dataclass(frozen=True, slots=True)
class Reading:
    """How the conditions were understood. `words` are the free words, for highlighting; `read_as` the tree in words."""

    tree: Query
    words: tuple[str, ...]
    has_free_terms: bool
    read_as: str
    notes: tuple[str, ...]
    coverage: Coverage
    sequence: int  # of the archive's version that was current


_TERMS = {
    "mailbox": "the name of a mailbox, or inbox, sent, drafts, archive, junk or trash",
    "from": "a name, an address, a part of one with at least one letter or digit, or @domain",
    "to": "a name, an address, a part of one with at least one letter or digit, or @domain",
}


def _malformed(argument: str, expected: str) -> Fault:
    return Fault(
        ErrorCode.INVALID_FORMAT,
        f"`{argument}` must be {expected}.",
        details={"argument": argument, "expected": expected},
    )


_MAYBE_ME = re.compile(r"[:：].*\bme\b", re.IGNORECASE | re.DOTALL)  # whose mail it is is asked the archive for this


class FilterReader:
    """Reads `Filters`. `zone` is the user's: dates begin at its midnight. `ourselves` tells what `from:me` means, and
    `written` whether the archive was written to (`Scope`)."""

    def __init__(
        self,
        directory: DirectoryRepository,
        zone: ZoneInfo,
        ourselves: FindOurselves | None = None,
        written: Callable[[], int | None] = lambda: None,
    ) -> None:
        self.zone = zone
        self._scope = Scope(directory, written)
        self._ourselves = ourselves

    async def read(self, filters: Filters, visible: Visibility, now: datetime, steps: Steps | None = None) -> Reading:
        """Raises `QUERY_SYNTAX` for the query, `INVALID_FORMAT` and `VALIDATION_ERROR` naming another argument, and
        `CONFIGURATION` where it says `me` and nobody knows who that is."""
        steps = steps or Steps()
        me = await self._me(filters, visible)
        with steps.step("reading the query"):
            parsed = parse(filters.query, zone=self.zone, now=now, me=me)
            structured = self._structured(filters, now, me)
            tree = all_of(parsed.tree, *structured)
        with steps.step("names of accounts and mailboxes"):
            snapshot, notes = await self._scope.check(tree, visible, structured)
        if snapshot.version.unjudged:
            notes.append("A policy is being applied to the archive: until that is done, not all messages are shown.")
        elif not (snapshot.version.messages or snapshot.version.hidden):
            notes.append("The archive is empty: import mail first.")
        if (hidden := snapshot.version.hidden) and not asks_for_gone(tree):
            what = "1 message that is" if hidden == 1 else f"{hidden:,} messages that are"
            notes.append(f"{what} gone from the mail server, and hidden for it: left out here. is:gone finds them.")
        return Reading(
            tree=tree,
            words=tuple(parsed.free_words),
            has_free_terms=parsed.has_free_terms,
            read_as=explain(tree, self.zone),
            notes=(*parsed.notes, *notes),
            coverage=self._scope.coverage(tree, snapshot),
            sequence=snapshot.version.sequence,
        )

    async def _me(self, filters: Filters, visible: Visibility) -> Me | None:
        people = [(each or "").strip().lower() for each in (filters.from_, filters.to)]
        if self._ourselves is None or not (_MAYBE_ME.search(filters.query) or "me" in people):
            return None
        try:
            found = await self._ourselves(visible)
        except Fault as fault:
            return partial(_raise, fault)  # only where the query turns out to need it
        return lambda: found

    def _structured(self, filters: Filters, now: datetime, me: Me | None) -> dict[Query, str]:
        """Each condition with the argument that it came from."""
        nodes: dict[Query, str] = {}
        if filters.account is not None:
            nodes[InAccount(_name("account", filters.account))] = "account"
        for argument, value in (("mailbox", filters.mailbox), ("from", filters.from_), ("to", filters.to)):
            if value is not None:
                nodes[self._term(argument, value, now, me)] = argument
        if filters.subject is not None:
            nodes |= dict.fromkeys(_subject(filters.subject), "subject")
        nodes |= self._dates(filters, now)
        if filters.has_attachment is not None:
            has = Has(Feature.ATTACHMENT)
            nodes[has if filters.has_attachment else Not(has)] = "has_attachment"
        if filters.unread is not None:
            nodes[Is(State.UNREAD if filters.unread else State.READ)] = "unread"
        return nodes

    def _term(self, argument: str, value: str, now: datetime, me: Me | None) -> Query:
        """What the field of the same name means with this value, `me` and `spam` and the like included."""
        text = _name(argument, value).replace('"', " ")
        field = "in" if argument == "mailbox" else argument
        term = f"{field}:{text}" if text.isalnum() else f'{field}:"{text}"'
        try:
            return parse(term, zone=self.zone, now=now, me=me).tree
        except Fault as fault:
            if fault.code is not ErrorCode.QUERY_SYNTAX:
                raise
            raise _malformed(argument, _TERMS[argument]) from fault

    def _dates(self, filters: Filters, now: datetime) -> dict[Query, str]:
        after = self._start("after", filters.after, now)
        before = self._start("before", filters.before, now)
        if after is not None and before is not None and before <= after:
            raise Fault(
                ErrorCode.VALIDATION_ERROR,
                "`after` must be earlier than `before`. `after` includes its day; `before` ends where its day begins.",
                details={"argument": "after"},
            )
        nodes: dict[Query, str] = {}
        if after is not None:
            nodes[DateBetween(start=after)] = "after"
        if before is not None:
            nodes[DateBetween(end=before)] = "before"
        return nodes

    def _start(self, argument: str, value: str | None, now: datetime) -> datetime | None:
        """Where the period begins that `value` names: `after` includes it, `before` leaves it out."""
        if value is None:
            return None
        try:
            return read_period(value, self.zone, now).start
        except DateError as error:
            raise Fault(
                ErrorCode.INVALID_FORMAT,
                f"`{argument}` must be a date such as 2024-03-15, 2024-03, 2024, yesterday or 7d.",
                details={"argument": argument, "allowed": list(FORMS), **_suggestion(error)},
            ) from error


def _raise(fault: Fault) -> NoReturn:
    raise fault


def _suggestion(error: DateError) -> dict[str, str]:
    return {"did_you_mean": error.did_you_mean} if error.did_you_mean else {}


def _name(argument: str, value: str) -> str:
    stripped = value.strip()
    if not stripped:
        raise _malformed(argument, "a name or a part of one, or left out")
    return stripped


def _subject(value: str) -> tuple[Query, ...]:
    """Words that all stand in the subject; what is in quotation marks stands there side by side."""
    nodes: list[Query] = []
    for quoted, plain in re.findall(r'"([^"]*)"|([^\s"]+)', value):
        text = quoted or plain
        if words.phrase(text) is not None:
            prefix = plain.endswith("*")
            nodes.append(Words(text.rstrip("*"), TextField.SUBJECT, prefix=prefix, quoted=bool(quoted)))
    if not nodes:
        raise _malformed("subject", "words with at least one letter or digit")
    subject = conjunction(*nodes)
    return subject.parts if isinstance(subject, And) else (subject,)
