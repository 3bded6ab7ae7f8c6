"""Whatever a server does, and whenever the process ends, the archive has what a plain model says."""

import asyncio
import sqlite3
import tempfile
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from integration.archives import Archive
from integration.mailmaker import NOON, mail, placed
from mailquery.domain.accounts import WhenGone
from mailquery.domain.mailboxes import MailboxRole
from mailquery.domain.messages import Flag
from mailquery.domain.queries import (
    And,
    Everything,
    InAccount,
    InMailbox,
    Is,
    Not,
    Or,
    Query,
    State,
    Words,
    asks_for_gone,
)
from mailquery.domain.uids import UidSet
from mailquery.repositories.groups import GroupBy
from mailquery.repositories.records import Sort, Visibility
from mailquery.repositories.sqlite.archive import open_archive
from mailquery.repositories.sqlite.synchronising import SqliteSync
from mailquery.repositories.synchronising import Arrival

T = TypeVar("T")

MESSAGES = [mail(f"Letter {n}", f"word{n % 3} text", date=NOON + timedelta(days=n % 4)) for n in range(7)]
ACCOUNTS, MAILBOXES, LABELS = ("home", "work"), ("INBOX", "Archive"), ("Work", "INBOX")
ZONE = ZoneInfo("UTC")
MARKS = Flag.GONE | Flag.HIDDEN
VIEWS = (Visibility(), Visibility(frozenset({"home"})), Visibility(frozenset({"work"})))
QUERIES: tuple[Query, ...] = (
    Everything(),
    Words("word1"),
    InMailbox("INBOX"),
    InMailbox("Archive"),
    Not(InMailbox("INBOX")),
    InAccount("home"),
    Is(State.UNREAD),
    Is(State.STARRED),
    Is(State.GONE),
    Not(Is(State.GONE)),
    And((InMailbox("INBOX"), Is(State.GONE))),
    And((InMailbox("INBOX"), Is(State.STARRED))),
    Or((Is(State.GONE), Words("word2"))),
    Or((InMailbox("Archive"), Is(State.UNREAD))),
)

Box = tuple[str, str]
numbers = st.integers(0, len(MESSAGES) - 1)
flags = st.sampled_from([Flag(0), Flag.SEEN, Flag.FLAGGED, Flag.SEEN | Flag.ANSWERED])
boxes = st.tuples(st.sampled_from(ACCOUNTS), st.sampled_from(MAILBOXES))
when = st.sampled_from(list(WhenGone))
uids = st.integers(1, 9)


@dataclass
class Row:
    """A UID that is stored."""

    message: int
    flags: Flag
    labels: tuple[str, ...]
    current: bool = True


@dataclass
class Lying:
    flags: Flag
    imported: bool


@dataclass
class Model:
    """What the archive should have: for each mailbox its UIDs, and where each message lies."""

    rows: dict[Box, dict[tuple[int, int], Row]] = field(default_factory=dict)  # by UIDVALIDITY and UID
    validity: dict[Box, int] = field(default_factory=dict)
    lying: dict[tuple[int, Box], Lying] = field(default_factory=dict)
    stored: set[int] = field(default_factory=set)
    boxes: set[Box] = field(default_factory=set)

    def held(self, message: int) -> dict[Box, Flag]:
        """Where UIDs hold it, and with which flags: those of another UIDVALIDITY count where there are no others."""
        found: dict[Box, dict[bool, Flag]] = {}
        for (account, mailbox), rows in self.rows.items():
            for (validity, _), row in rows.items():
                if row.message != message:
                    continue
                current = validity == self.validity[account, mailbox]
                for name in {mailbox, *row.labels}:
                    by_age = found.setdefault((account, name), {})
                    by_age[current] = by_age.get(current, Flag(0)) | row.flags
        return {box: by_age.get(True, by_age.get(False, Flag(0))) for box, by_age in found.items()}

    def place(self, message: int) -> None:
        """After UIDs of it came, or changed."""
        for box, its in self.held(message).items():
            known = self.lying.get((message, box))
            self.lying[message, box] = Lying(its, known.imported if known else False)
            self.boxes.add(box)
        self._drop_gone(message)

    def release(self, message: int, released: set[Box], when_gone: WhenGone) -> bool:
        """After UIDs of it went; whether it is gone somewhere as of now."""
        held = self.held(message)
        lost = [
            box
            for box in released - held.keys()
            if (known := self.lying.get((message, box))) and not known.imported and not known.flags & Flag.GONE
        ]
        self.place(message)
        elsewhere = {
            account
            for (one, (account, mailbox)), each in self.lying.items()
            if one == message and (account, mailbox) not in lost and not each.flags & Flag.GONE
        }
        is_gone = [box for box in lost if box[0] not in elsewhere]
        for box in lost:
            mine = self.lying.pop((message, box))
            if when_gone is WhenGone.REMOVE:
                continue
            self.lying[message, box] = Lying(mine.flags | Flag.GONE, False)
            if when_gone is WhenGone.HIDE:
                self.lying[message, box].flags |= Flag.HIDDEN
        self._drop_gone(message)
        if not any(one == message for one, _ in self.lying):
            self.stored.discard(message)
        return bool(is_gone)

    def bring_in(self, message: int, box: Box, its: Flag) -> None:
        self.stored.add(message)
        self.boxes.add(box)
        self.lying[message, box] = Lying(self.held(message).get(box, its), True)
        self._drop_gone(message)

    def _drop_gone(self, message: int) -> None:
        live = {
            account for (one, (account, _)), each in self.lying.items() if one == message and not each.flags & Flag.GONE
        }
        for key in list(self.lying):
            if key[0] == message and key[1][0] in live and self.lying[key].flags & Flag.GONE:
                del self.lying[key]

    def of(self, message: int, visible: Visibility) -> dict[Box, Flag]:
        return {
            box: each.flags
            for (one, box), each in self.lying.items()
            if one == message and (visible.accounts is None or box[0] in visible.accounts)
        }

    def find(self, query: Query, visible: Visibility) -> set[int]:
        asked = asks_for_gone(query)
        found = set()
        for message in self.stored:
            places = self.of(message, visible)
            if not asked:
                places = {box: each for box, each in places.items() if not each & Flag.HIDDEN}
            if places and holds(query, message, places):
                found.add(message)
        return found


def flags_over(places: dict[Box, Flag]) -> Flag:
    live = [each for each in places.values() if not each & Flag.GONE]
    union = Flag(0)
    for each in live or places.values():
        union |= each & ~MARKS
    if not live:
        union |= Flag.GONE
    if all(each & Flag.HIDDEN for each in places.values()):
        union |= Flag.HIDDEN
    return union


def holds(query: Query, message: int, places: dict[Box, Flag]) -> bool:
    match query:
        case Everything():
            return True
        case Words(text):
            return text == f"word{message % 3}"
        case InMailbox(name):
            return any(box[1] == name for box in places)
        case InAccount(name):
            return any(box[0] == name for box in places)
        case Is(State.UNREAD):
            return not flags_over(places) & Flag.SEEN
        case Is(State.STARRED):
            return bool(flags_over(places) & Flag.FLAGGED)
        case Is(State.GONE):
            return bool(flags_over(places) & Flag.GONE)
        case Not(part):
            return not holds(part, message, places)
        case And(parts):
            return all(holds(part, message, places) for part in parts)
        case Or(parts):
            return any(holds(part, message, places) for part in parts)
        case _:
            raise TypeError(query)


class Synchronised(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.folder = tempfile.TemporaryDirectory()
        self.model = Model()
        self.open()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    def open(self) -> None:
        self.archive = Archive(self.run(open_archive(Path(self.folder.name) / "archive.db", readers=1)))
        self.sync = SqliteSync(self.archive.database)

    def teardown(self) -> None:
        self.run(self.archive.database.close())
        self.runner.close()
        self.folder.cleanup()

    @initialize()
    def begin_all(self) -> None:
        for account in ACCOUNTS:
            for mailbox in MAILBOXES:
                self.begin((account, mailbox), 1)

    @rule(box=boxes, validity=st.integers(1, 2))
    def begin(self, box: Box, validity: int) -> None:
        found = self.run(self.sync.begin(*box, box[1], MailboxRole.NONE, validity))
        self.model.validity[box] = validity
        self.model.boxes.add(box)
        rows = self.model.rows.setdefault(box, {})
        assert set(found) == {uid for each, uid in rows if each == validity}

    @rule(
        box=boxes,
        given=st.lists(
            st.tuples(uids, numbers, flags, st.lists(st.sampled_from(LABELS), max_size=2, unique=True)),
            min_size=1,
            max_size=5,
        ),
    )
    def add(self, box: Box, given: list[tuple[int, int, Flag, list[str]]]) -> None:
        validity, rows = self.model.validity[box], self.model.rows[box]
        by_uid = {uid: (number, its, tuple(labels)) for uid, number, its, labels in given}
        arrivals = [
            Arrival(uid, MESSAGES[number].fingerprint, its, labels=labels)
            for uid, (number, its, labels) in by_uid.items()
        ]
        new = {number for uid, (number, _, _) in by_uid.items() if (validity, uid) not in rows} - self.model.stored
        assert self.run(self.sync.add(*box, arrivals, MESSAGES, [])) == len(new)
        for uid, (number, its, labels) in by_uid.items():
            if (validity, uid) not in rows:
                rows[validity, uid] = Row(number, its, labels)
                self.model.stored.add(number)
        for number, _, _ in by_uid.values():
            if number in self.model.stored:
                self.model.place(number)

    @rule(box=boxes, changes=st.dictionaries(uids, st.tuples(flags, st.sampled_from([(), ("Work",)])), max_size=4))
    def set_flags(self, box: Box, changes: dict[int, tuple[Flag, tuple[str, ...]]]) -> None:
        validity, rows = self.model.validity[box], self.model.rows[box]
        arrivals = [Arrival(uid, b"", its, labels=labels) for uid, (its, labels) in changes.items()]
        differ = 0
        released: dict[int, set[Box]] = {}
        for uid, (its, labels) in changes.items():
            row = rows.get((validity, uid))
            if row is None or (row.flags, set(row.labels)) == (its, set(labels)):
                continue
            differ += 1
            lost = {(box[0], name) for name in set(row.labels) - set(labels)}
            released.setdefault(row.message, set()).update(lost)
            row.flags, row.labels = its, labels
        assert self.run(self.sync.set_flags(*box, arrivals)) == differ
        for message, lost in released.items():
            self.model.release(message, lost, WhenGone.KEEP)

    @rule(box=boxes, present=st.sets(uids), when_gone=when)
    def settle(self, box: Box, present: set[int], when_gone: WhenGone) -> None:
        validity, rows = self.model.validity[box], self.model.rows[box]
        gone: dict[int, set[Box]] = {}
        for (each, uid), row in list(rows.items()):
            if each != validity or uid not in present:
                gone.setdefault(row.message, set()).update((box[0], name) for name in {box[1], *row.labels})
                del rows[each, uid]
        missing = self.run(self.sync.missing(*box, UidSet.of(present)))
        treated = sum([self.model.release(message, lost, when_gone) for message, lost in gone.items()])
        assert self.run(self.sync.settle(*box, UidSet.of(present), when_gone)) == treated
        assert missing.unplaced <= missing.missing <= missing.stored
        assert missing.unplaced == treated

    @rule(box=boxes, number=numbers, its=flags)
    def bring_in(self, box: Box, number: int, its: Flag) -> None:
        message = MESSAGES[number]
        self.run(self.archive.add((message, [placed(message, box[1], account=box[0], flags=its)])))
        self.model.bring_in(number, box, its)

    @rule()
    def end_the_process(self) -> None:
        self.run(self.archive.database.close())
        self.open()

    @rule(box=boxes, number=numbers)
    def fail_in_the_middle(self, box: Box, number: int) -> None:
        arrivals = [Arrival(20, MESSAGES[number].fingerprint, Flag(0)), Arrival(21, b"unknown", Flag(0))]
        with suppress(ValueError):
            self.run(self.sync.add(*box, arrivals, MESSAGES, []))
            raise AssertionError("a message that nobody knows was stored")

    @invariant()
    def placements_and_flags_are_those_of_the_model(self) -> None:
        def read(connection: sqlite3.Connection) -> tuple[list[Any], list[Any], list[Any]]:
            lying = connection.execute(
                "SELECT m.fingerprint, a.name, b.name, p.flags, p.imported FROM placements p"
                " JOIN messages m ON m.id = p.message JOIN mailboxes b ON b.id = p.mailbox"
                " JOIN accounts a ON a.id = b.account"
            ).fetchall()
            stored = connection.execute("SELECT fingerprint, flags FROM messages").fetchall()
            counted = connection.execute(
                "SELECT a.name, b.name, r.stored FROM remote_mailboxes r JOIN mailboxes b ON b.id = r.mailbox"
                " JOIN accounts a ON a.id = b.account"
            ).fetchall()
            return lying, stored, counted

        lying, stored, counted = self.run(self.archive.database.read(read))
        number_of = {message.fingerprint: number for number, message in enumerate(MESSAGES)}
        assert {(number_of[mark], (account, box)): (its, bool(own)) for mark, account, box, its, own in lying} == {
            key: (int(each.flags), each.imported) for key, each in self.model.lying.items()
        }
        assert {number_of[mark]: its for mark, its in stored} == {
            message: int(flags_over(self.model.of(message, Visibility()))) for message in self.model.stored
        }
        assert {(account, box): count for account, box, count in counted} == {
            box: sum(validity == self.model.validity[box] for validity, _ in rows)
            for box, rows in self.model.rows.items()
        }

    @invariant()
    def counts_are_those_of_the_model(self) -> None:
        for visible in VIEWS:
            found = {message: MESSAGES[message].parsed.date for message in self.model.find(Everything(), visible)}
            version = self.run(self.archive.directory.version(visible))
            hidden = [m for m in self.model.stored if self.model.of(m, visible) and m not in found]
            assert (version.messages, version.hidden) == (len(found), len(hidden))
            assert version.newest == max(found.values(), default=None)
            for box in self.run(self.archive.directory.mailboxes(visible)):
                here = {
                    message: each.flags
                    for (message, place), each in self.model.lying.items()
                    if place == (box.account, box.name) and not each.flags & Flag.HIDDEN
                }
                assert (box.messages, box.unread) == (len(here), sum(not each & Flag.SEEN for each in here.values()))
                assert box.newest == max((MESSAGES[message].parsed.date for message in here), default=None)
            for account in self.run(self.archive.directory.accounts(visible)):
                mine = Visibility(frozenset({account.name}))
                dates = [MESSAGES[message].parsed.date for message in self.model.find(Everything(), mine)]
                unread = self.model.find(Is(State.UNREAD), mine)
                assert (account.messages, account.unread) == (len(dates), len(unread))
                assert (account.oldest, account.newest) == (min(dates, default=None), max(dates, default=None))

    @invariant()
    def searches_find_what_the_model_does(self) -> None:
        number_of = {message.parsed.subject: number for number, message in enumerate(MESSAGES)}
        for visible in VIEWS:
            for query in QUERIES:
                expected = self.model.find(query, visible)
                page = self.run(self.archive.search.search(query, visible, sort=Sort.NEWEST, limit=50))
                assert {number_of[row.subject] for row in page.rows} == expected, (query, visible)
                assert page.total.value == len(expected)
                for row in page.rows:
                    places = self.model.of(number_of[row.subject], visible)
                    shown = {box: its for box, its in places.items() if not its & Flag.HIDDEN} or places
                    assert row.mailboxes == tuple(sorted({name for _, name in shown}))
                    assert row.flags == flags_over(places)
            by_mailbox = self.run(
                self.archive.search.statistics(Everything(), visible, group_by=GroupBy.MAILBOX, zone=ZONE, limit=50)
            )
            expected_groups = {
                (box.account, box.name): box.messages
                for box in self.run(self.archive.directory.mailboxes(visible))
                if box.messages
            }
            assert {(group.account, group.key): group.messages for group in by_mailbox.groups} == expected_groups


TestSynchronised = Synchronised.TestCase
TestSynchronised.settings = settings(
    max_examples=10, stateful_step_count=20, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
