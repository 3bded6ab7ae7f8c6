"""Every grouping, and any two, against plain counting over the messages themselves."""

import itertools
import random
import sqlite3
from collections.abc import AsyncIterator, Iterable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from integration.archives import ALL, Archive
from integration.mailmaker import mail, placed
from integration.truth import Known, holds
from mailquery.domain.media import kind_of
from mailquery.domain.messages import Attachment, Flag
from mailquery.domain.queries import And, DateBetween, Everything, InMailbox, Is, Not, Or, Query, State, Words
from mailquery.domain.words import fold
from mailquery.repositories.groups import Group, GroupBy, Statistics
from mailquery.repositories.records import Visibility
from mailquery.repositories.sqlite.archive import open_archive
from mcpkit.database.migrations import load_migrations

ZONES = [ZoneInfo(name) for name in ("Europe/Berlin", "Asia/Seoul", "America/St_Johns", "Europe/London", "UTC")]
PEOPLE = ["Ann <ann@acme.io>", "Annie <ANN@acme.io>", "José <jose@example.org>", "Newsletter", "김 <kim@notacme.io>"]
PARTS = [
    Attachment("2", "a.pdf", "application/pdf", 1),
    Attachment("3", "b.pdf", "application/pdf", 1),
    Attachment("4", "logo.png", "image/png", 1, inline=True),
]
PLACES = [("home", "INBOX"), ("home", "Work"), ("work", "INBOX"), ("work", "Archive")]
VISIBLE = [ALL, Visibility(frozenset({"home"})), Visibility(frozenset({"work"})), Visibility(frozenset())]
QUERIES: list[Query] = [
    Everything(),
    Words("plan"),
    Not(Words("plan")),
    InMailbox("inbox"),
    Is(State.UNREAD),
    Or((Words("plan"), Is(State.STARRED))),
    And((Words("plan"), InMailbox("archive"), Is(State.UNREAD))),
    InMailbox("archive"),
    DateBetween(datetime(2025, 10, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC)),
]
# Where clocks change, where years and weeks begin, and where nobody's calendar reaches.
MOMENTS = [
    datetime(2026, 3, 29, 0, 59, 59, tzinfo=UTC),
    datetime(2026, 3, 29, 1, 0, tzinfo=UTC),
    datetime(2025, 10, 26, 0, 30, tzinfo=UTC),
    datetime(2025, 10, 26, 1, 30, tzinfo=UTC),
    datetime(2026, 3, 29, 0, 0, tzinfo=UTC),  # in London this UTC day holds two midnights
    datetime(2026, 3, 29, 23, 30, tzinfo=UTC),
    datetime(2026, 3, 8, 5, 30, tzinfo=UTC),  # St John's, half past the hour
    datetime(2009, 3, 8, 3, 31, tzinfo=UTC),  # there clocks changed at one minute past midnight
    datetime(2009, 3, 8, 3, 30, 59, tzinfo=UTC),
    datetime(2025, 12, 31, 15, 0, tzinfo=UTC),
    datetime(2025, 12, 31, 14, 59, 59, tzinfo=UTC),
    datetime(2026, 1, 1, 3, 29, 59, tzinfo=UTC),
    datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC),
    datetime(1914, 7, 1, tzinfo=UTC),  # an offset of odd seconds
    datetime(1, 1, 1, 0, 0, 1, tzinfo=UTC),
    datetime(9999, 12, 31, 23, 59, 58, tzinfo=UTC),
]


def generated(count: int) -> list[Known]:
    """The same messages every time."""
    rng = random.Random(20260329)
    known = []
    for number in range(count):
        date = rng.choice(MOMENTS) if rng.random() < 0.6 else MOMENTS[0] + timedelta(hours=rng.randrange(-9_000, 900))
        message = mail(
            rng.choice(["plan", "budget"]),
            f"number {number}",
            message_id=f"{number}@acme.io",
            date=date,
            from_=tuple(rng.sample(PEOPLE, rng.choice([0, 1, 1, 1, 2]))),
            to=tuple(rng.sample(PEOPLE, rng.randrange(3))),
            cc=tuple(rng.sample(PEOPLE, rng.randrange(2))),
            list_id=rng.choice(["", "", "dev.acme.io", "users.acme.io"]),
            attachments=tuple(rng.sample(PARTS, rng.choice([0, 0, 1, 2, 3]))),
            size=rng.randrange(1_000),
        )
        placements = [
            placed(message, box, account=account, flags=rng.choice([None, Flag(0), Flag.SEEN, Flag.FLAGGED]))
            for account, box in rng.sample(PLACES, rng.choice([1, 1, 2, 3]))
        ]
        known.append(Known(message, placements, {("home", "INBOX"): "inbox", ("work", "INBOX"): "inbox"}))
    return known


@dataclass
class Stored:
    archive: Archive
    known: list[Known]


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def stored(tmp_path_factory: pytest.TempPathFactory, anyio_backend: str) -> AsyncIterator[Stored]:
    known = generated(180)
    async with await open_archive(tmp_path_factory.mktemp("statistics") / "archive.db") as database:
        archive = Archive(database)
        await archive.add(*((entry.message, entry.placements) for entry in known))
        yield Stored(archive, known)


def keys(known: Known, by: GroupBy, zone: ZoneInfo) -> set[tuple[str, str]]:
    """(key, account) of each group that a message stands in."""
    parsed = known.message.parsed
    match by:
        case GroupBy.MAILBOX:
            return {(box, account) for account, box in known.mailboxes()}
        case GroupBy.SENDER:
            found = [fold(person.address) or fold(person.name) for person in parsed.from_]
        case GroupBy.RECIPIENT:
            found = [fold(p.address) or fold(p.name) for p in (*parsed.to, *parsed.cc, *parsed.bcc)]
        case GroupBy.DOMAIN:
            found = [fold(person.domain) for person in parsed.from_]
        case GroupBy.LIST:
            found = [parsed.list_id]
        case GroupBy.ATTACHMENT_TYPE:
            found = [kind_of(part.content_type, part.filename).value for part in parsed.attachments]
        case _:
            found = [_period(parsed.date, by, zone)]
    return {(key, "") for key in found or [""]}


def _period(date: datetime, by: GroupBy, zone: ZoneInfo) -> str:
    try:
        local = date.astimezone(zone)
    except OverflowError:
        local = date
    match by:
        case GroupBy.HOUR:
            return f"{local.hour:02}"
        case GroupBy.DAY:
            return local.date().isoformat()
        case GroupBy.WEEK:
            return "{:04}-W{:02}".format(*local.isocalendar()[:2])
        case GroupBy.MONTH:
            return local.date().isoformat()[:7]
        case _:
            return f"{local.year:04}"


Figures = tuple[int, int, int, datetime, datetime]


def figures(known: Iterable[Known]) -> Figures:
    every = list(known)
    dates = [each.message.parsed.date for each in every]
    unread = sum(not each.flags() & Flag.SEEN for each in every)
    return len(every), sum(each.message.raw_size for each in every), unread, min(dates), max(dates)


def counted(known: list[Known], by: GroupBy, zone: ZoneInfo) -> dict[tuple[str, str], list[Known]]:
    groups: dict[tuple[str, str], list[Known]] = {}
    for each in known:
        for key in keys(each, by, zone):
            groups.setdefault(key, []).append(each)
    return groups


def given_figures(group: Group) -> Figures:
    return group.messages, group.bytes, group.unread, group.first, group.last


def check(found: Statistics, known: list[Known], by: GroupBy, then: GroupBy | None, zone: ZoneInfo) -> None:
    """`found` is the whole answer over `known`: nothing was cut."""
    if not known:
        assert (found.groups, found.group_count, found.messages, found.first) == ((), 0, 0, None)
        return
    assert (found.messages, found.bytes, found.unread, found.first, found.last) == figures(known)
    expected = counted(known, by, zone)
    assert {(g.key, g.account): given_figures(g) for g in found.groups} == {k: figures(v) for k, v in expected.items()}
    assert found.group_count == len(expected) == len(found.groups)
    assert found.placed == sum(map(len, expected.values()))
    for group in found.groups:
        if then is None:
            assert (group.parts, group.part_count) == ((), 0)
            continue
        parts = counted(expected[group.key, group.account], then, zone)
        assert {(p.key, p.account): given_figures(p) for p in group.parts} == {k: figures(v) for k, v in parts.items()}
        assert (group.part_count, group.placed) == (len(parts), sum(map(len, parts.values())))


@pytest.mark.parametrize("zone", ZONES, ids=str)
@pytest.mark.parametrize("by", list(GroupBy))
async def test_a_grouping_counts_what_plain_counting_does(stored: Stored, by: GroupBy, zone: ZoneInfo) -> None:
    for query, visible in itertools.product(QUERIES, VISIBLE):
        found = await stored.archive.search.statistics(query, visible, group_by=by, zone=zone, limit=500)
        check(found, seen(stored, query, visible), by, None, zone)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
async def test_two_groupings_count_what_plain_counting_does(stored: Stored, data: st.DataObject) -> None:
    by, then = data.draw(st.permutations(list(GroupBy)))[:2]
    query, visible = data.draw(st.sampled_from(QUERIES)), data.draw(st.sampled_from(VISIBLE))
    zone = data.draw(st.sampled_from(ZONES))
    found = await stored.archive.search.statistics(
        query, visible, group_by=by, zone=zone, limit=500, then_by=then, then_limit=500
    )
    check(found, seen(stored, query, visible), by, then, zone)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
async def test_a_cut_answer_is_the_beginning_of_the_whole_one(stored: Stored, data: st.DataObject) -> None:
    by, then = data.draw(st.permutations(list(GroupBy)))[:2]
    visible, zone = data.draw(st.sampled_from(VISIBLE)), data.draw(st.sampled_from(ZONES))
    limit, then_limit = data.draw(st.integers(1, 9)), data.draw(st.integers(1, 9))

    async def ask(limit: int, then_limit: int) -> Statistics:
        return await stored.archive.search.statistics(
            Everything(), visible, group_by=by, zone=zone, limit=limit, then_by=then, then_limit=then_limit
        )

    whole, cut = await ask(500, 500), await ask(limit, then_limit)
    assert (cut.group_count, cut.messages, cut.placed) == (whole.group_count, whole.messages, whole.placed)
    assert len(cut.groups) == min(limit, whole.group_count)
    for group, full in zip(cut.groups, whole.groups, strict=False):
        assert (group.key, group.account, given_figures(group)) == (full.key, full.account, given_figures(full))
        assert (group.part_count, group.placed) == (full.part_count, full.placed)
        assert group.parts == full.parts[:then_limit]


async def test_the_largest_groups_come_first_and_the_newest_periods(stored: Stored) -> None:
    for by in GroupBy:
        found = await stored.archive.search.statistics(Everything(), ALL, group_by=by, zone=ZONES[0], limit=500)
        if by in (GroupBy.DAY, GroupBy.WEEK, GroupBy.MONTH, GroupBy.YEAR):
            order = [group.last for group in found.groups]
        else:
            order = [group.messages for group in found.groups]  # type: ignore[misc]  # either can be compared
        assert order == sorted(order, reverse=True), by


def seen(stored: Stored, query: Query, visible: Visibility) -> list[Known]:
    """The messages that the query means, as the caller sees them."""
    views = (each.seen_by(visible.accounts) for each in stored.known)
    return [view for view in views if view is not None and holds(query, view)]


async def test_an_archive_from_before_knows_who_is_named_twice(tmp_path: Path) -> None:
    path = tmp_path / "archive.db"
    kept = "SELECT m.subject, r.role, r.position FROM repeated_recipients r JOIN messages m ON m.id = r.message"
    once = mail("once", to=("a@x.org", "b@x.org"), cc=("c@x.org",), from_=("a@x.org",))
    twice = mail("twice", to=("A <a@x.org>", "Bob"), cc=("a@X.ORG", "b@x.org", "bob"), bcc=("B <b@x.org>", "a@x.org"))
    expected = [("twice", 5, 0), ("twice", 5, 2), ("twice", 6, 0), ("twice", 6, 1)]
    async with await open_archive(path) as database:
        await Archive(database).add((once, [placed(once)]), (twice, [placed(twice)]))
        assert await database.read(lambda connection: connection.execute(kept).fetchall()) == expected
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript("DROP TABLE repeated_recipients; DROP INDEX messages_by_size;")
        connection.executescript(load_migrations("mailquery.repositories.sqlite")[4].sql)
    async with await open_archive(path) as database:
        assert await database.read(lambda connection: connection.execute(kept).fetchall()) == expected
