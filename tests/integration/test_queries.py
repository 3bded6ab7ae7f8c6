"""Every kind of query, and any nesting of them, against what it means."""

import random
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from integration.archives import ALL, Archive
from integration.mailmaker import NOON, mail, placed
from integration.truth import Known, find_mates, holds
from mailquery.domain.handles import message_handle, thread_handle
from mailquery.domain.mailboxes import MailboxRole
from mailquery.domain.messages import Attachment, Flag, Link
from mailquery.domain.queries import (
    And,
    DateBetween,
    Everything,
    Feature,
    Has,
    InAccount,
    InMailbox,
    InThread,
    Is,
    Not,
    OfType,
    OnList,
    Or,
    Participant,
    ParticipantField,
    Query,
    SizeBetween,
    State,
    TextField,
    WithMessageId,
    Words,
)
from mailquery.repositories.records import Sort, Visibility
from mailquery.repositories.sqlite.archive import open_archive
from mcpkit.errors import ErrorCode, Fault

WORDS = [
    "budget",
    "plan",
    "planning",
    "café",
    "Straße",
    "회의",
    "예산안",
    "会議資料",
    "发票",
    "งบประมาณ",
    "हिन्दी",
    "C++",
    "v2",
]
PEOPLE = [
    "Ann Lee <ann@acme.io>",
    "Ann Lee <ann@mail.acme.io>",
    "José Núñez <jose@example.org>",
    "김철수 <cs.kim@notacme.io>",
    "Newsletter",
    "root@localhost",
]
PARTS = [
    Attachment("2", "Report 2026.pdf", "application/pdf", 100),
    Attachment("3", "예산안.hwp", "application/octet-stream", 200),
    Attachment("4", "logo.png", "image/png", 300, inline=True),
    Attachment("5", "", "text/calendar", 400),
]
PLACES = [("home", "INBOX"), ("home", "Work/Budget"), ("home", "Gesendet"), ("work", "INBOX"), ("work", "Archive")]
ROLES = {("home", "Gesendet"): "sent", ("home", "INBOX"): "inbox"}


def generated(count: int) -> list[Known]:
    """Messages in which every feature occurs alone and together with others; the same ones every time."""
    rng = random.Random(20260309)
    known = []
    for number in range(count):
        # Many share a second, so that row ids are counted up and differ from dates.
        date = NOON + timedelta(seconds=rng.choice([0, 0, 0, 1, 2, 40, 86_400, 86_401, 400_000 + number]))
        message = mail(
            " ".join(rng.choices(WORDS, k=2)),
            " ".join(rng.choices(WORDS, k=6)) + rng.choice(["", " see https://example.org"]),
            quoted=rng.choice(["", " ".join(rng.choices(WORDS, k=3))]),
            message_id=f"{number}@acme.io",
            references=rng.choice([(), (), (f"{rng.randrange(count)}@acme.io",)]),
            date=date,
            from_=(rng.choice(PEOPLE),),
            sender=rng.choice([(), (rng.choice(PEOPLE),)]),
            reply_to=rng.choice([(), (rng.choice(PEOPLE),)]),
            to=tuple(rng.sample(PEOPLE, 2)),
            cc=tuple(rng.sample(PEOPLE, rng.randrange(2))),
            bcc=tuple(rng.sample(PEOPLE, rng.randrange(2))),
            list_id=rng.choice(["", "", "Developers <dev.lists.acme.io>"]),
            attachments=tuple(rng.sample(PARTS, rng.choice([0, 0, 1, 2]))),
            links=rng.choice([(), (Link("https://acme.io", "here"),)]),
            size=rng.choice([10, 1000, 1_000_000]),
        )
        placements = [
            placed(
                message,
                box,
                account=account,
                flags=rng.choice([None, Flag(0), Flag.SEEN, Flag.FLAGGED, Flag.ANSWERED | Flag.SEEN, Flag.DRAFT]),
            )
            for account, box in rng.sample(PLACES, rng.choice([1, 1, 2]))
        ]
        known.append(Known(message, placements, ROLES))
    return known


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def stored(tmp_path_factory: pytest.TempPathFactory, anyio_backend: str):  # type: ignore[no-untyped-def]  # a generator of a pair
    known = generated(240)
    async with await open_archive(tmp_path_factory.mktemp("queries") / "archive.db") as database:
        archive = Archive(database)
        await archive.add(*((entry.message, entry.placements) for entry in known))
        async with archive.imports.writing():
            for (account, box), role in ROLES.items():
                await archive.imports.set_role(account, box, MailboxRole(role))
        by_message_id = {row.message_id: row for row in (await archive.find(Everything(), limit=1000)).rows}
        for entry in known:
            row = by_message_id[entry.message.parsed.message_id]
            assert row.key == entry.key
            entry.thread = row.thread_key
        find_mates(known)
        yield archive, known


LEAVES: list[Query] = [
    Everything(),
    *(Words(word) for word in WORDS),
    Words("plan", prefix=True),
    Words("budget plan"),
    Words("cafe"),
    Words("strasse", TextField.SUBJECT),
    Words("会議", TextField.BODY),
    Words("議資"),
    Words("산"),
    Words("ประมาณ"),
    Words("예산", TextField.FILENAME),
    Words("예산", TextField.ATTACHMENT),
    Words("report 2026", TextField.FILENAME),
    Words("ann acme"),
    Words("lee ann"),
    Words('"quoted" AND (x) NEAR'),
    Words("budget\0plan"),
    Words("!?"),
    Words(""),
    *(
        Participant(field, value)
        for field in ParticipantField
        for value in ("ann", "JOSE", "nunez", "@acme.io", "@io", "@nowhere.io", "ann@acme", "철수", "newsletter", "zz")
    ),
    *(InMailbox(name) for name in ("inbox", "INBOX", "budget", "work/budget", "sent", "archive", "nowhere")),
    InAccount("home"),
    InAccount("WORK"),
    InAccount("nobody"),
    WithMessageId("<7@acme.io>"),
    WithMessageId("8@acme.io"),
    WithMessageId("none@acme.io"),
    OnList("dev"),
    OnList("LISTS.acme"),
    OnList("other"),
    *(Has(feature) for feature in Feature),
    *(Is(state) for state in State),
    *(OfType(value) for value in ("pdf", "image", "calendar", "text/calendar", "document", "video", "x/y")),
    SizeBetween(1000, None),
    SizeBetween(None, 1000),
    SizeBetween(11, 1_000_000),
    SizeBetween(),
    DateBetween(NOON, None),
    DateBetween(None, NOON + timedelta(seconds=1)),
    DateBetween(NOON + timedelta(seconds=1), NOON + timedelta(seconds=3)),
    DateBetween(NOON + timedelta(milliseconds=1), NOON + timedelta(seconds=40)),
    DateBetween(NOON + timedelta(days=1), None),
    DateBetween(),
]

TREES = st.recursive(
    st.sampled_from(LEAVES),
    lambda inner: st.one_of(
        inner.map(Not),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: And(tuple(parts))),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: Or(tuple(parts))),
    ),
    max_leaves=8,
)
VISIBILITIES = [ALL, Visibility(frozenset({"home"})), Visibility(frozenset({"work"})), Visibility(frozenset())]


async def agree(archive: Archive, known: list[Known], query: Query, visible: Visibility) -> None:
    seen = [entry for entry in known if (entry.seen_by(visible.accounts)) is not None]
    expected = {
        entry.message.parsed.message_id
        for entry in seen
        if (own := entry.seen_by(visible.accounts)) is not None and holds(query, own)
    }
    newest = await archive.find(query, visible, limit=1000)
    assert {row.message_id for row in newest.rows} == expected
    assert (newest.total.value, newest.total.exact) == (len(expected), True)
    rows = [row.row for row in newest.rows]
    assert rows == sorted(rows, reverse=True)
    first = await archive.find(query, visible, limit=2)
    assert ([row.row for row in first.rows], first.total) == (rows[:2], newest.total)
    oldest = await archive.find(query, visible, sort=Sort.OLDEST, limit=1000)
    assert [row.row for row in oldest.rows] == rows[::-1]
    ranked = await archive.find(query, visible, sort=Sort.RELEVANCE, limit=1000)
    lacking = {row.row for row, standing in zip(ranked.rows, ranked.standings, strict=False) if standing.missing}
    assert sorted(row.row for row in ranked.rows if row.row not in lacking) == rows[::-1]
    assert lacking.isdisjoint(rows)
    assert len(lacking) == ranked.near


@pytest.mark.parametrize("query", LEAVES, ids=repr)
async def test_a_single_condition_finds_what_it_means(stored: tuple[Archive, list[Known]], query: Query) -> None:
    for visible in VISIBILITIES:
        await agree(*stored, query, visible)


@pytest.mark.parametrize(
    "parts",
    [
        (InMailbox("archive"), Is(State.UNREAD)),
        (InMailbox("archive"), InMailbox("work/budget")),
        (InMailbox("archive"), InMailbox("archive")),
        (InMailbox("archive"), Not(InMailbox("work/budget"))),
        (Is(State.UNREAD), Is(State.UNREAD), Is(State.DRAFT)),
        (Is(State.STARRED), Is(State.UNREAD), InMailbox("archive"), SizeBetween(1000, None)),
        (Is(State.ANSWERED), Is(State.READ), DateBetween(NOON + timedelta(seconds=1), None)),
    ],
    ids=repr,
)
async def test_mailboxes_and_flags_beside_words_all_hold(
    stored: tuple[Archive, list[Known]], parts: tuple[Query, ...]
) -> None:
    for visible in VISIBILITIES:
        await agree(*stored, And(parts), visible)
        await agree(*stored, And((Words("budget"), *parts)), visible)


@settings(
    max_examples=150, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(query=TREES, visible=st.sampled_from(VISIBILITIES))
async def test_any_nesting_finds_what_it_means(
    stored: tuple[Archive, list[Known]], query: Query, visible: Visibility
) -> None:
    await agree(*stored, query, visible)


async def test_a_thread_is_found_by_its_id_and_by_its_messages(stored: tuple[Archive, list[Known]]) -> None:
    archive, known = stored
    largest = max(known, key=lambda entry: sum(other.thread == entry.thread for other in known))
    expected = {entry.key for entry in known if entry.thread == largest.thread}
    assert len(expected) > 1
    for handle in (thread_handle(largest.thread), message_handle(largest.key)):
        found = await archive.find(InThread(handle))
        assert {row.key for row in found.rows} == expected
    assert not (await archive.find(InThread("nonsense"))).rows
    assert not (await archive.find(InThread(message_handle(12345)))).rows


async def test_many_people_who_match_are_found_too(archive: Archive) -> None:
    entries = []
    for number in range(400):
        message = mail(f"n{number}", from_=(f"person{number}@many.example",), to=("solo@example.org",))
        entries.append((message, [placed(message)]))
    await archive.add(*entries)
    found = await archive.find(Participant(ParticipantField.FROM, "person"), limit=1000)
    assert len(found.rows) == found.total.value == 400
    both = And((Participant(ParticipantField.FROM, "person"), Words("n17")))
    assert len((await archive.find(both)).rows) == 1


async def test_a_monstrous_query_is_refused(archive: Archive) -> None:
    deep: Query = Words("x")
    for _ in range(200):
        deep = Not(And((deep, Words("y"))))
    for query in (deep, Or(tuple(Words(f"w{n}") for n in range(2000)))):
        with pytest.raises(Fault) as caught:
            await archive.find(query)
        assert caught.value.code is ErrorCode.TOO_LARGE


async def test_a_query_as_deep_as_is_allowed_runs(archive: Archive) -> None:
    deep: Query = Words("x")
    for number in range(30):
        deep = Or((And((deep, Words(f"y{number}"))), Words(f"z{number}")))
    assert not (await archive.find(deep)).rows


async def test_people_who_came_later_are_found_by_a_query_asked_before(archive: Archive) -> None:
    query = Participant(ParticipantField.FROM, "ann")
    first = mail("one")
    await archive.add((first, [placed(first)]))
    assert len((await archive.find(query)).rows) == 1
    second = mail("two", from_=("Annette <a2@acme.io>",))
    await archive.add((second, [placed(second)]))
    assert len((await archive.find(query)).rows) == 2
