"""Pages, relevance, attachments, counts and people; and that nothing of another account shows."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from integration.archives import ALL, Archive
from integration.mailmaker import NOON, mail, placed
from mailquery.domain.messages import Attachment, Flag
from mailquery.domain.queries import And, Everything, InMailbox, Is, Not, Query, SizeBetween, State, TextField, Words
from mailquery.repositories.groups import GroupBy
from mailquery.repositories.records import Position, Sort, Visibility

SEOUL = ZoneInfo("Asia/Seoul")
HOME, WORK = Visibility(frozenset({"home"})), Visibility(frozenset({"work"}))


async def fill(archive: Archive, count: int, *, first: int = 0, body: str = "common text") -> None:
    messages = [
        mail(f"n{n}", body + " common" * (n % 5), date=NOON + timedelta(minutes=n), message_id=f"{n}@x")
        for n in range(first, first + count)
    ]
    await archive.add(*((message, [placed(message)]) for message in messages))


@pytest.mark.parametrize("sort", list(Sort))
@pytest.mark.parametrize("query", [Words("common"), Everything(), Not(Words("absent"))], ids=repr)
async def test_pages_fit_together_while_mail_arrives(archive: Archive, sort: Sort, query: Query) -> None:
    await fill(archive, 57)
    expected = [row.key for row in (await archive.find(query, sort=sort)).rows]
    found: list[int] = []
    start: Position | None = None
    for number in range(20):
        page = await archive.search.search(query, ALL, sort=sort, limit=10, start=start)
        assert page.total.value == 57
        found += [row.key for row in page.rows]
        start = page.next
        if start is None:
            break
        await fill(archive, 3, first=1000 + 10 * number)  # newer
        await fill(archive, 3, first=-1000 - 10 * number)  # older
    assert found == expected
    assert len(found) == 57


async def test_relevance_looks_at_the_newest_thousand_and_goes_on_by_date(archive: Archive) -> None:
    await fill(archive, 1100)
    page = await archive.find(Words("common"), sort=Sort.RELEVANCE, limit=100)
    assert page.ranked_newest == 1000
    found = [row.row for row in page.rows]
    while page.next is not None:
        page = await archive.search.search(Words("common"), ALL, sort=Sort.RELEVANCE, limit=100, start=page.next)
        found += [row.row for row in page.rows]
    assert len(found) == len(set(found)) == 1100
    assert found[1000:] == sorted(found)[:100][::-1]


async def test_relevance_prefers_the_subject_and_what_is_said_often(archive: Archive) -> None:
    once = mail("x one", "alpha and many other words that say nothing at all", date=NOON)
    often = mail("x two", "alpha alpha alpha", date=NOON)
    subject = mail("alpha", "other words", date=NOON)
    filler = [mail(f"filler {n}", "nothing of it") for n in range(20)]
    await archive.add(*((m, [placed(m)]) for m in (once, often, subject, *filler)))
    page = await archive.find(Words("alpha"), sort=Sort.RELEVANCE)
    assert [row.subject for row in page.rows] == ["alpha", "x two", "x one"]
    assert page.ranked_newest is None


async def test_totals_are_exact_up_to_ten_thousand(archive: Archive) -> None:
    for start in range(0, 10_020, 3340):
        messages = [mail(f"m{n}", "all", date=NOON + timedelta(seconds=n), size=n) for n in range(start, start + 3340)]
        await archive.add(*((m, [placed(m)]) for m in messages), finish=False)
    for query in (Words("all"), Everything(), InMailbox("inbox")):
        total = (await archive.find(query, limit=1)).total
        assert (total.value, total.exact) == (10_000, False)
    for least, value, exact in ((19, 10_000, False), (20, 10_000, True), (10_015, 5, True)):
        page = await archive.find(SizeBetween(least, None), limit=4)
        assert (page.total.value, page.total.exact) == (value, exact)
        assert [row.size for row in page.rows] == [10_019, 10_018, 10_017, 10_016]
        oldest = await archive.find(SizeBetween(least, None), sort=Sort.OLDEST, limit=3)
        assert [row.size for row in oldest.rows] == [least, least + 1, least + 2]
        following = await archive.search.search(
            SizeBetween(least, None), ALL, sort=Sort.OLDEST, limit=2, start=oldest.next
        )
        assert (following.total, [row.size for row in following.rows]) == (page.total, [least + 3, least + 4])
    total = (await archive.find(And((Everything(), Words("m5*", prefix=True))), limit=1)).total
    assert total.exact


async def test_attachments_page_by_attachment(archive: Archive) -> None:
    parts = tuple(Attachment(str(n), f"Résumé {n}.pdf", "application/pdf", n) for n in range(2, 7))
    other = Attachment("9", "photo.jpg", "image/jpeg", 1)
    messages = [mail(f"n{n}", "word", attachments=(*parts, other), date=NOON + timedelta(n)) for n in range(3)]
    bare = mail("bare", "word")
    await archive.add(*((m, [placed(m)]) for m in (*messages, bare)))
    found = []
    start: Position | None = None
    while True:
        rows, total, start = await archive.search.attachments(
            Words("word"), ALL, filename="resume", media_type="pdf", limit=4, start=start
        )
        assert (total.value, total.exact) == (15, True)
        found += [(row.message.subject, row.attachment.part) for row in rows]
        if start is None:
            break
    assert found == [(f"n{n}", str(part)) for n in (2, 1, 0) for part in range(2, 7)]
    rows, total, _ = await archive.search.attachments(
        InMailbox("inbox"), ALL, filename="", media_type="image/jpeg", limit=10
    )
    assert total.value == len(rows) == 3
    assert (await archive.search.attachments(InMailbox("no"), ALL, filename="", media_type="", limit=9))[1].value == 0


async def test_statistics_count_each_message_once_for_each_key(archive: Archive) -> None:
    one = mail("one", "w", from_=("Ann <ANN@acme.io>",), to=("b@x.org", "B <b@x.org>", "c@y.org"), size=10)
    two = mail("two", "w", from_=("Annie <ann@acme.io>",), to=("b@x.org",), size=5, date=NOON + timedelta(days=40))
    three = mail("three", from_=("zed@mail.acme.io",), to=("c@y.org",), size=1, date=NOON - timedelta(days=400))
    await archive.add(
        (one, [placed(one, "INBOX", "Work", flags=Flag(0))]), (two, [placed(two)]), (three, [placed(three)])
    )

    async def count(group_by: GroupBy, query: Query, limit: int = 10) -> list[tuple[str, int, int, int]]:
        found = await archive.search.statistics(query, ALL, group_by=group_by, zone=SEOUL, limit=limit)
        return [(g.key, g.messages, g.bytes, g.unread) for g in found.groups]

    assert await count(GroupBy.SENDER, Everything()) == [("ann@acme.io", 2, 15, 1), ("zed@mail.acme.io", 1, 1, 0)]
    assert await count(GroupBy.DOMAIN, Words("w")) == [("acme.io", 2, 15, 1)]
    assert await count(GroupBy.RECIPIENT, Everything()) == [("b@x.org", 2, 15, 1), ("c@y.org", 2, 11, 1)]
    assert await count(GroupBy.MAILBOX, Everything()) == [("INBOX", 3, 16, 1), ("Work", 1, 10, 1)]
    assert await count(GroupBy.YEAR, Everything()) == [("2026", 2, 15, 1), ("2025", 1, 1, 0)]
    assert await count(GroupBy.MONTH, Words("w")) == [("2026-04", 1, 5, 0), ("2026-03", 1, 10, 1)]
    assert await count(GroupBy.WEEK, Words("one")) == [("2026-W11", 1, 10, 1)]
    assert await count(GroupBy.DAY, Words("one"), 1) == [("2026-03-09", 1, 10, 1)]
    found = await archive.search.statistics(Everything(), ALL, group_by=GroupBy.SENDER, zone=SEOUL, limit=1)
    assert (len(found.groups), found.group_count, found.messages, found.bytes) == (1, 2, 3, 16)
    assert (found.groups[0].first, found.groups[0].last) == (one.parsed.date, two.parsed.date)
    nothing = await archive.search.statistics(Words("absent"), ALL, group_by=GroupBy.DAY, zone=SEOUL, limit=1)
    assert (nothing.groups, nothing.group_count, nothing.messages, nothing.bytes) == ((), 0, 0, 0)


async def test_every_message_is_in_a_group(archive: Archive) -> None:
    bare = mail("bare", from_=(), to=())
    named = mail("named", from_=("Somebody",), to=("b@x.org",))
    full = mail("full", from_=("ann@acme.io",), to=("b@x.org", "c@x.org"))
    await archive.add(*((each, [placed(each)]) for each in (bare, named, full)))

    async def groups(group_by: GroupBy) -> dict[str, int]:
        found = await archive.search.statistics(Everything(), ALL, group_by=group_by, zone=SEOUL, limit=9)
        assert found.placed == sum(group.messages for group in found.groups)
        return {group.key: group.messages for group in found.groups}

    assert await groups(GroupBy.SENDER) == {"": 1, "somebody": 1, "ann@acme.io": 1}
    assert await groups(GroupBy.DOMAIN) == {"": 2, "acme.io": 1}
    assert await groups(GroupBy.RECIPIENT) == {"": 1, "b@x.org": 2, "c@x.org": 1}


async def test_days_begin_at_midnight_in_the_readers_zone(archive: Archive) -> None:
    evening = mail("evening", date=NOON.replace(hour=15, minute=0))  # midnight in Seoul
    before = mail("before", date=NOON.replace(hour=14, minute=59))
    await archive.add((evening, [placed(evening)]), (before, [placed(before)]))
    found = await archive.search.statistics(Everything(), ALL, group_by=GroupBy.DAY, zone=SEOUL, limit=9)
    assert [group.key for group in found.groups] == ["2026-03-10", "2026-03-09"]


async def test_people_are_counted_by_address(archive: Archive) -> None:
    messages = [
        mail("1", from_=("Ann Lee <ann@acme.io>",), to=("Bob <bob@x.org>",)),
        mail("2", from_=("Ann Lee <ann@acme.io>",), to=("bob@x.org",), date=NOON + timedelta(days=1)),
        mail("3", from_=("A. Lee <Ann@acme.io>",), cc=("Ann Lee <ann@acme.io>",), to=()),
        mail("4", from_=("Bob <bob@x.org>",), bcc=("José <jose@y.org>",), to=()),
    ]
    await archive.add(*((m, [placed(m)]) for m in messages))
    (ann,), total = await archive.directory.people("lee", ALL, 10)
    assert (ann.address, ann.names, ann.sent, ann.received) == ("ann@acme.io", ("Ann Lee", "A. Lee"), 3, 1)
    assert (ann.first, ann.last, total.value) == (NOON, NOON + timedelta(days=1), 1)
    people, total = await archive.directory.people("", ALL, 2)
    assert ([p.address for p in people], total.value) == (["ann@acme.io", "bob@x.org"], 3)
    ((jose,), _) = await archive.directory.people("JOSE", ALL, 5)
    assert (jose.sent, jose.received) == (0, 1)


async def test_nothing_of_another_account_shows(archive: Archive) -> None:
    own = mail("mine", "word", message_id="m@x", from_=("Me <me@home.org>",), attachments=(PDF,))
    secret = mail("secret", "word", message_id="s@x", references=("m@x",), from_=("Boss <boss@corp.org>",))
    shared = mail("both", "word", message_id="b@x", references=("m@x",))
    await archive.add(
        (own, [placed(own, "INBOX")]),
        (secret, [placed(secret, "Board", account="work", flags=Flag(0))]),
        (shared, [placed(shared, "INBOX", flags=Flag(0)), placed(shared, "Board", account="work", flags=Flag.FLAGGED)]),
    )
    every = {row.subject: row for row in (await archive.find_all()).rows}
    assert len(every) == 3

    for query in (Everything(), Words("word"), Not(Words("absent")), Words("word", TextField.BODY)):
        for sort in Sort:
            page = await archive.find(query, HOME, sort=sort)
            assert ({row.subject for row in page.rows}, page.total.value) == ({"mine", "both"}, 2)
    assert not (await archive.find(InMailbox("board"), HOME)).rows
    assert {row.subject for row in (await archive.find(Is(State.UNREAD), HOME)).rows} == {"both"}
    assert not (await archive.find(Is(State.STARRED), HOME)).rows
    assert {row.subject for row in (await archive.find(Not(InMailbox("board")), HOME)).rows} == {"mine", "both"}

    both = next(row for row in (await archive.find(Everything(), HOME)).rows if row.subject == "both")
    assert (both.mailboxes, both.flags) == (("INBOX",), Flag(0))
    assert every["both"].mailboxes == ("Board", "INBOX")
    stored = await archive.messages.get(both.key, HOME)
    assert stored is not None
    assert (stored.accounts, stored.row) == (("home",), both)
    assert await archive.messages.get(every["secret"].key, HOME) is None
    assert await archive.messages.raw(every["secret"].key, HOME) is None
    thread = await archive.messages.thread(both.thread_key, HOME)
    assert [message.row.subject for message in thread] == ["mine", "both"] or {m.row.subject for m in thread} == {
        "mine",
        "both",
    }
    assert len(await archive.messages.thread_rows(both.thread_key, HOME)) == 2

    assert (await archive.directory.people("corp", HOME, 9))[0] == ()
    (bob,), _ = await archive.directory.people("bob", HOME, 9)
    assert bob.received == 2
    assert [a.name for a in await archive.directory.accounts(HOME)] == ["home"]
    assert {m.name for m in await archive.directory.mailboxes(HOME)} == {"INBOX"}
    assert await archive.directory.mailboxes(HOME, "work") == ()
    assert (await archive.directory.version(HOME)).messages == 2
    assert (await archive.directory.version(Visibility(frozenset({"home", "work"})))).messages == 3
    assert (await archive.directory.version(Visibility(frozenset()))).messages == 0

    for group_by in GroupBy:
        found = await archive.search.statistics(Everything(), HOME, group_by=group_by, zone=SEOUL, limit=9)
        assert found.messages == 2
        assert not {g.key for g in found.groups} & {"Board", "boss@corp.org", "corp.org"}
    rows, total, _ = await archive.search.attachments(Everything(), WORK, filename="", media_type="", limit=9)
    assert (rows, total.value) == ((), 0)


PDF = Attachment("2", "a.pdf", "application/pdf", 1)
