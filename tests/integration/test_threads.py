"""Which messages make a thread, whatever the order in which they arrive."""

from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from integration.archives import ALL, Archive
from integration.mailmaker import NOON, mail, placed
from mailquery.domain.threading import split_subject, tells_apart
from mailquery.repositories.prepared import PreparedMessage
from mailquery.repositories.sqlite.archive import open_archive

DAY = timedelta(days=1)


async def add_each(archive: Archive, messages: list[PreparedMessage]) -> None:
    for message in messages:
        await archive.add((message, [placed(message)]), finish=False)
    await finish(archive)


async def finish(archive: Archive) -> None:
    async with archive.imports.writing():
        await archive.imports.finished("home", ["INBOX"])


async def threads(archive: Archive) -> set[frozenset[str]]:
    groups: dict[int, set[str]] = {}
    for row in (await archive.find_all()).rows:
        groups.setdefault(row.thread_key, set()).add(row.message_id)
    return {frozenset(group) for group in groups.values()}


async def threads_of(messages: list[PreparedMessage]) -> set[frozenset[str]]:
    with TemporaryDirectory() as folder:
        async with await open_archive(Path(folder) / "archive.db") as database:
            archive = Archive(database)
            await add_each(archive, messages)
            return await threads(archive)


def chain() -> list[PreparedMessage]:
    return [
        mail("Plan for spring", message_id="a@x", date=NOON),
        mail("Re: Plan for spring", message_id="b@x", references=("a@x",), date=NOON + DAY),
        mail("Re: Plan for spring", message_id="c@x", in_reply_to=("b@x",), date=NOON + 2 * DAY),
        mail("New title entirely", message_id="d@x", references=("a@x", "b@x", "c@x"), date=NOON + 3 * DAY),
        mail("Two siblings", message_id="e@x", references=("missing@x",), date=NOON),
        mail("Of a missing parent", message_id="f@x", references=("missing@x",), date=NOON),
        # Joined by subject only.
        mail("Quarterly numbers", message_id="g@x", date=NOON),
        mail("AW: Quarterly numbers", message_id="h@x", date=NOON + 2 * DAY),
        mail("답장: Quarterly numbers", message_id="i@x", date=NOON + 30 * DAY),
        mail("Quarterly numbers", message_id="j@x", date=NOON + 100 * DAY),
        mail("Re: Quarterly numbers", message_id="k@x", date=NOON + 101 * DAY),
        mail("Re: Quarterly numbers", message_id="l@x", date=NOON + 300 * DAY),
        mail("Re: hi", message_id="m@x", date=NOON),
        mail("hi", message_id="n@x", date=NOON - DAY),
        # Gmail's own threads.
        mail("Lunch on Friday", message_id="o@x", gmail="111", date=NOON),
        mail("Re: Lunch on Friday", message_id="p@x", gmail="222", references=("o@x",), date=NOON + DAY),
        mail("Re: Lunch on Friday", message_id="q@x", gmail="111", date=NOON + DAY),
    ]


EXPECTED = {
    frozenset(ids)
    for ids in (
        {"a@x", "b@x", "c@x", "d@x"},
        {"e@x", "f@x"},
        {"g@x", "h@x", "i@x"},
        {"j@x", "k@x"},
        {"l@x"},
        {"m@x"},
        {"n@x"},
        {"o@x", "q@x"},
        {"p@x"},
    )
}


@settings(max_examples=40, deadline=None)
@given(messages=st.permutations(chain()))
async def test_threads_do_not_depend_on_the_order_of_arrival(messages: list[PreparedMessage]) -> None:
    assert await threads_of(messages) == EXPECTED


async def test_one_batch_gives_the_same_threads_as_many(archive: Archive) -> None:
    messages = chain()[::-1]
    await archive.add(*((message, [placed(message)]) for message in messages))
    assert await threads(archive) == EXPECTED


async def test_a_thread_keeps_its_key_and_a_joined_one_is_found_by_its_old_key(archive: Archive) -> None:
    first = mail("first part", message_id="a@x")
    second = mail("second part", message_id="b@x", references=("bridge@x",))
    third = mail("third part", message_id="c@x", references=("b@x",))
    await add_each(archive, [first, second, third])
    before = {row.message_id: row.thread_key for row in (await archive.find_all()).rows}
    bridge = mail("bridging", message_id="bridge@x", references=("a@x",))
    await add_each(archive, [bridge])
    after = {row.message_id: row.thread_key for row in (await archive.find_all()).rows}
    assert set(after.values()) == {before["b@x"]}  # the smaller was joined to the larger
    for key in set(before.values()):
        rows = await archive.messages.thread_rows(key, ALL)
        assert {row.message_id for row in rows} == {"a@x", "b@x", "c@x", "bridge@x"}
        assert len(await archive.messages.thread(key, ALL)) == 4
    assert await archive.messages.thread(99, ALL) == ()


async def test_threads_joined_again_are_found_by_every_key_they_ever_had(archive: Archive) -> None:
    singles = [mail(f"topic number {n}", message_id=f"{n}@x") for n in range(6)]
    await add_each(archive, singles)
    keys = {row.thread_key for row in (await archive.find_all()).rows}
    for low, high in ((0, 1), (2, 3), (1, 2), (4, 5), (3, 4)):
        bridge = mail(f"bridge {low}", message_id=f"b{low}{high}@x", references=(f"{low}@x", f"{high}@x"))
        await add_each(archive, [bridge])
    assert len(await threads(archive)) == 1
    for key in keys:
        assert len(await archive.messages.thread_rows(key, ALL)) == 11


async def test_a_message_that_refers_to_everything_joins_little_of_it(archive: Archive) -> None:
    victims = [mail(f"private topic {n}", message_id=f"{n}@x") for n in range(60)]
    hostile = mail("spam", message_id="spam@x", references=tuple(f"{n}@x" for n in range(60)))
    await add_each(archive, victims)
    await add_each(archive, [hostile])
    assert max(len(group) for group in await threads(archive)) <= 10
    flood = mail("flood", message_id="flood@x", references=tuple(f"r{n}@x" for n in range(100_000)))
    await add_each(archive, [flood])
    keys = await archive.database.read(lambda c: c.execute("SELECT count(*) FROM thread_keys").fetchone()[0])
    assert keys < 200


async def test_words_that_are_no_message_id_join_nothing(archive: Archive) -> None:
    await add_each(
        archive,
        [
            mail("one topic", message_id="a@x", in_reply_to=("message", "Monday")),
            mail("another topic", message_id="b@x", in_reply_to=("message", "Monday")),
        ],
    )
    assert len(await threads(archive)) == 2


async def test_a_late_original_takes_in_its_orphan_reply_of_an_earlier_import(archive: Archive) -> None:
    await add_each(archive, [mail("Re: Garden party", message_id="r@x", date=NOON + DAY)])
    await add_each(archive, [mail("Garden party", message_id="o@x", date=NOON)])
    assert await threads(archive) == {frozenset({"r@x", "o@x"})}


@pytest.mark.parametrize(
    ("subject", "base", "reply"),
    [
        ("Budget", "budget", False),
        ("Re: Budget", "budget", True),
        ("RE[2]: AW: Re^3: Budget", "budget", True),
        ("Fwd: Budget (fwd)", "budget", False),
        ("[devel] Re: [devel] Budget", "budget", True),
        ("답장: 예산안 검토", "예산안 검토", True),
        ("回复：发票", "发票", True),
        ("返信: Re: 会議資料", "会議資料", True),
        ("SV: Antw: VS:  Möte  i  dag", "mote i dag", True),
        ("Re Zero", "re zero", False),
        ("Regarding: x", "regarding: x", False),
        ("Re:", "", True),
        ("", "", False),
    ],
)
def test_the_base_of_a_subject(subject: str, base: str, reply: bool) -> None:
    assert split_subject(subject) == (base, reply)


def test_a_subject_of_little_substance_does_not_tell_conversations_apart() -> None:
    assert [tells_apart(text) for text in ("hi", "2026-03-09", "", "预算", "budget", "예산안")] == [
        False,
        False,
        False,
        False,
        True,
        True,
    ]


@given(st.text(max_size=300))
def test_any_subject_has_a_base(subject: str) -> None:
    split_subject(subject)
    split_subject("Re: " * 500 + subject)
