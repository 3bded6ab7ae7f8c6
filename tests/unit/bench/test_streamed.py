"""A streamed archive: the same from the same seed, however it is built, and its sample is of all of it."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailbench.answering import answer
from mailbench.archive import BLOCK, SHORT, Plan
from mailbench.questions import Sample, questions
from mailbench.streamed import Streamed, build, known_sample, make_block
from mailquery.repositories.compression import decompress

PLAN = Plan(600, seed=4, measure=SHORT)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("bench")
        patch.setenv("MAILQUERY_BENCH_DIR", str(folder))
        yield folder


async def built(plan: Plan = PLAN, *, anew: bool = False) -> Streamed:
    made = await build(plan, processes=1, anew=anew)
    assert made is not None
    return made


def stored(home: Path) -> dict[bytes, tuple[int, str]]:
    """Raw messages with their row ids and mailboxes."""
    with sqlite3.connect(home / "archive.db") as connection:
        rows = connection.execute(
            "SELECT r.frame, m.id, b.name FROM messages m JOIN raws r ON r.sequence = m.sequence"
            " JOIN placements p ON p.message = m.id JOIN mailboxes b ON b.id = p.mailbox"
        )
        return {decompress(frame): (row, name) for frame, row, name in rows}


async def test_the_messages_of_the_plan_are_in_the_archive_byte_for_byte(folder: Path) -> None:
    archive = await built()
    found = stored(archive.home)
    made = [message for number in PLAN.blocks() for message in PLAN.block(number)]
    assert set(found) == {message.raw for message in made}
    assert {name for _, name in found.values()} == {"INBOX", "Sent", "Archive", "Lists"}
    assert archive.written.messages == 600
    assert archive.written.bytes == sum(len(message.raw) for message in made)
    assert archive.written.truth["회의"] == sum("회의" in message.text for message in made)
    assert 2_000 < archive.written.bytes / 600 < 3_600


async def test_the_sample_is_complete_and_survives_being_stored(folder: Path) -> None:
    archive = await built()
    whole = Sample()
    for number in PLAN.blocks():
        whole.add(make_block(PLAN, number).sample)
    assert archive.sample == whole == known_sample(archive.home)
    assert whole.size == 600  # all of an archive that is smaller than a sample
    assert set(whole.mailboxes) == {"", "Sent", "Archive", "Lists"}
    assert questions(whole, 5) == questions(known_sample(archive.home), 5)


def test_a_large_archive_is_sampled_evenly_from_all_of_it() -> None:
    plan = Plan(40_000, seed=4, measure=SHORT)
    assert [make_block(plan, number).sample.size for number in (0, 80, 159)] == [BLOCK // 10] * 3


async def test_a_build_that_was_stopped_is_completed_to_the_same_archive(folder: Path) -> None:
    whole = await built()
    expected = stored(whole.home)
    assert await build(PLAN, processes=1, anew=True, blocks=1) is None
    assert len(stored(whole.home)) == BLOCK
    assert await built() == whole
    assert stored(whole.home) == expected


async def test_what_was_written_and_not_noted_is_not_there_twice(folder: Path) -> None:
    whole = await built()
    expected = stored(whole.home)
    assert await build(PLAN, processes=1, anew=True, blocks=1) is None
    (whole.home / "build.json").unlink()  # killed between the two
    assert await built() == whole
    assert stored(whole.home) == expected


async def test_a_complete_archive_is_taken_as_it_is(folder: Path) -> None:
    home = (await built()).home
    before = (home / "archive.db").stat().st_mtime_ns
    await built()
    assert (home / "archive.db").stat().st_mtime_ns == before


async def test_a_searching_process_tells_latencies_and_memory(folder: Path) -> None:
    archive = await built()
    figures = await answer(archive.home, rounds=1, terms=2, only="common word")
    memory, latencies = figures["memory"], figures["latencies"]
    assert isinstance(memory, dict)
    assert isinstance(latencies, list)
    assert memory["peak_rss"] > memory["anonymous"] > 10_000_000
    assert {one["kind"] for one in latencies} >= {"common word", "relevance, common word"}
    assert all(0 < one["latency"]["p50"] <= one["latency"]["p99"] for one in latencies)
