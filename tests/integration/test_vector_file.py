"""The file of vectors: the same is found with it as without, and it is never believed against the archive."""

import os
import shutil
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from integration.archives import Archive
from integration.embedded import MODEL, Filled
from integration.mailmaker import placed
from mailquery.domain.queries import Everything
from mailquery.repositories.sqlite.archive import open_archive
from mailquery.repositories.sqlite.removal import remove
from mailquery.repositories.sqlite.vectors import file as vector_file
from mailquery.repositories.sqlite.vectors.codes import BLOCK_CHUNKS
from mailquery.repositories.sqlite.vectors.nearest import NearestVectors
from mailquery.repositories.sqlite.vectors.records import Form
from mailquery.repositories.sqlite.vectors.repository import SqliteVectors
from mcpkit.database.writer_lock import WriterLock

MESSAGES = 2_500  # 4,999 chunks: more than a block, and the border lies within a message

Cosines = dict[int, float]


def file_of(archive: Archive) -> Path:
    return archive.database.path.with_name(archive.database.path.name + ".vectors")


async def cosines(filled: Filled, index: NearestVectors | None = None, *, model: str = MODEL) -> Cosines:
    """Of all messages by row id, with the first question."""

    def read(connection: sqlite3.Connection) -> Cosines:
        rows = [row for (row,) in connection.execute("SELECT id FROM messages")]
        return (index or filled.vectors.index).cosines(connection, model, filled.questions[0], rows)

    return await filled.archive.database.read(read)


async def by_database(filled: Filled, monkeypatch: pytest.MonkeyPatch, *, model: str = MODEL) -> Cosines:
    """The same without a file."""
    with monkeypatch.context() as patched:
        patched.setattr(vector_file, "WORTHWHILE", 10**9)
        return await cosines(filled, NearestVectors(), model=model)


async def spoil(filled: Filled) -> None:
    """Makes what the database has of vectors useless, so that only the file can give what was."""
    await filled.archive.database.write(
        lambda connection: connection.execute("UPDATE vectors SET vectors = zeroblob(length(vectors))")
    )


@pytest.fixture
async def filled(archive: Archive) -> Filled:
    made = Filled(archive, MESSAGES)
    await made.store()
    return made


async def test_all_cosines_are_those_that_the_database_gives(filled: Filled, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = await by_database(filled, monkeypatch)
    assert not file_of(filled.archive).exists()
    assert len(expected) == MESSAGES
    found = await cosines(filled)
    assert found == pytest.approx(expected, abs=1e-6)
    await spoil(filled)
    assert await cosines(filled) == found  # out of the file
    assert await cosines(filled, NearestVectors()) == found  # as another process does


async def test_the_nearest_are_the_same(filled: Filled, monkeypatch: pytest.MonkeyPatch) -> None:
    for question in filled.questions:
        found = await filled.nearest(question, Everything(), limit=40)
        with monkeypatch.context() as patched:
            patched.setattr(vector_file, "WORTHWHILE", 10**9)
            expected = await filled.nearest(question, Everything(), limit=40)
        assert [number for number, _ in found] == [number for number, _ in expected]
        assert [cosine for _, cosine in found] == pytest.approx([cosine for _, cosine in expected], abs=1e-6)


async def test_the_file_is_its_owners_alone(filled: Filled) -> None:
    await cosines(filled)
    assert file_of(filled.archive).stat().st_mode & 0o777 == 0o600
    left = {path.name for path in file_of(filled.archive).parent.iterdir()}
    assert "archive.db.vectors.new" not in left


async def test_a_small_archive_has_none(archive: Archive) -> None:
    filled = Filled(archive, 30)
    await filled.store()
    assert len(await cosines(filled)) == 30
    assert not file_of(archive).exists()


async def test_it_is_written_some_blocks_at_a_time(filled: Filled, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vector_file, "_WRITTEN_AT_ONCE", 1)
    expected = await by_database(filled, monkeypatch)
    whole = Form(1, 96).at(2 * BLOCK_CHUNKS)
    for blocks in (1, 2):
        assert await cosines(filled) == pytest.approx(expected, abs=1e-6)
        assert file_of(filled.archive).stat().st_size == Form(1, 96).at(blocks * BLOCK_CHUNKS)
    assert file_of(filled.archive).stat().st_size == whole


async def test_what_is_embedded_later_is_appended_and_found(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    filled = Filled(archive, MESSAGES)
    entries = [(each, [placed(each)]) for each in filled.mails]
    for end in (2_200, 2_201, MESSAGES):
        await archive.add(*entries[:end])
        await filled.embed(batch=97)
        expected = await by_database(filled, monkeypatch)
        assert len(expected) == end
        assert await cosines(filled) == pytest.approx(expected, abs=1e-6)
    await spoil(filled)
    assert await cosines(filled) == pytest.approx(expected, abs=1e-6)


async def test_what_another_process_embeds_is_found_while_this_one_searches(filled: Filled) -> None:
    """Each of the two sees what the other one has written to the archive, and to the file."""
    first = NearestVectors()
    before = await cosines(filled, first)
    other = await open_archive(filled.archive.database.path)
    try:
        vectors = SqliteVectors(other)
        more = Filled(filled.archive, MESSAGES + 3)
        added = [(each, [placed(each)]) for each in more.mails[MESSAGES:]]
        await filled.archive.add(*added)
        pending = await vectors.pending(MODEL, 10)
        assert await vectors.add(MODEL, [(each.sequence, more.chunks[each.sequence - 1]) for each in pending])
    finally:
        await other.close()
    second = NearestVectors()
    for index in (first, second, first):
        after = await cosines(filled, index)
        assert len(after) == len(before) + 3
        assert {row: after[row] for row in before} == pytest.approx(before, abs=1e-6)


async def removed(filled: Filled, sequences: Sequence[int]) -> None:
    def write(connection: sqlite3.Connection) -> None:
        rows = [
            row
            for (row,) in connection.execute(
                f"SELECT id FROM messages WHERE sequence IN ({', '.join(map(str, sequences))})"
            )
        ]
        assert remove(connection, rows) == len(sequences)

    await filled.archive.database.write(write)


def record_of(filled: Filled, sequence: int) -> bytes:
    place = sum(len(chunks) for chunks in filled.chunks[: sequence - 1])
    form = Form(1, 96)
    return file_of(filled.archive).read_bytes()[form.at(place) : form.at(place) + form.record]


async def test_of_a_message_that_is_removed_nothing_is_left_in_it(
    filled: Filled, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await cosines(filled)
    assert any(record_of(filled, 7))
    assert any(record_of(filled, 2_400))
    nearest = await filled.nearest(filled.questions[0], Everything(), limit=2)
    gone = [7, 2_400, *(number + 1 for number, _ in nearest)]
    await removed(filled, gone)
    assert not any(record_of(filled, 7))
    assert not any(record_of(filled, 2_400))
    for index in (filled.vectors.index, NearestVectors()):  # one that had the signs, and one that reads them now
        found = await cosines(filled, index)
        assert len(found) == MESSAGES - len(gone)
        assert found == pytest.approx({row: before[row] for row in found}, abs=1e-6)
    assert found == pytest.approx(await by_database(filled, monkeypatch), abs=1e-6)
    assert not any(record_of(filled, 7))
    after = await filled.nearest(filled.questions[0], Everything(), limit=5)
    assert len(after) == 5
    assert not {number + 1 for number, _ in after} & set(gone)


async def test_a_removal_that_is_undone_leaves_all_to_be_found(filled: Filled) -> None:
    before = await cosines(filled)

    def write(connection: sqlite3.Connection) -> None:
        rows = [row for (row,) in connection.execute("SELECT id FROM messages WHERE sequence < 50")]
        remove(connection, rows)
        raise LookupError

    with pytest.raises(LookupError):
        await filled.archive.database.write(write)
    assert not any(record_of(filled, 7))
    assert await cosines(filled) == pytest.approx(before, abs=1e-6)


async def test_a_row_id_that_a_later_message_took_means_that_message(
    filled: Filled, monkeypatch: pytest.MonkeyPatch
) -> None:
    await cosines(filled)
    await removed(filled, [10])
    again = Filled(filled.archive, 1)
    again.mails[0] = Filled(filled.archive, 10).mails[9]
    await filled.archive.add((again.mails[0], [placed(again.mails[0])]))
    filled.chunks.append(filled.chunks[77])
    await filled.embed()
    assert await cosines(filled) == pytest.approx(await by_database(filled, monkeypatch), abs=1e-6)


async def test_another_model_gets_a_file_of_its_own(filled: Filled, monkeypatch: pytest.MonkeyPatch) -> None:
    await cosines(filled)
    old = file_of(filled.archive).stat().st_ino
    filled.chunks = filled.chunks[::-1]
    await filled.embed("other/1")
    assert await cosines(filled) == {}
    found = await cosines(filled, model="other/1")
    assert found == pytest.approx(await by_database(filled, monkeypatch, model="other/1"), abs=1e-6)
    assert file_of(filled.archive).stat().st_ino != old
    await removed(filled, [5])
    assert await cosines(filled, model="other/1") == pytest.approx(
        await by_database(filled, monkeypatch, model="other/1"), abs=1e-6
    )


async def test_a_file_of_an_earlier_model_goes_with_a_message_that_is_removed(filled: Filled) -> None:
    await cosines(filled)
    pending = await filled.vectors.pending("other/1", 100)
    await filled.vectors.add("other/1", [(each.sequence, filled.chunks[each.sequence - 1]) for each in pending])
    await removed(filled, [5])
    assert not file_of(filled.archive).exists()


def truncated(file: Path) -> None:
    content = file.read_bytes()
    file.unlink()
    file.write_bytes(content[: len(content) // 3])


def emptied(file: Path) -> None:
    file.unlink()
    file.touch()


def of_another_archive(file: Path) -> None:
    """As well formed, with other vectors and the labels of those."""
    shutil.copy(file.with_name("other.vectors"), file.with_name("copied"))
    file.with_name("copied").replace(file)


def full_of_zeros(file: Path) -> None:
    content = file.read_bytes()
    file.unlink()
    file.write_bytes(content[:4096] + bytes(len(content) - 4096))


def not_what_it_should_be(file: Path) -> None:
    file.unlink()
    file.write_bytes(os.urandom(300_000))


def a_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


def a_link(file: Path) -> None:
    file.rename(file.with_name("elsewhere"))
    file.symlink_to(file.with_name("elsewhere"))


@pytest.mark.parametrize(
    "harm",
    [Path.unlink, truncated, emptied, of_another_archive, full_of_zeros, not_what_it_should_be, a_folder, a_link],
)
async def test_whatever_becomes_of_the_file_the_answers_stay(
    filled: Filled, monkeypatch: pytest.MonkeyPatch, harm: Callable[[Path], None], tmp_path: Path
) -> None:
    file = file_of(filled.archive)
    if harm is of_another_archive:
        await another_archive_of_the_same_size(tmp_path, file.with_name("other.vectors"))
    expected = await by_database(filled, monkeypatch)
    assert await cosines(filled) == pytest.approx(expected, abs=1e-6)
    harm(file)
    for index in (filled.vectors.index, NearestVectors()):
        for _ in range(3):
            assert await cosines(filled, index) == pytest.approx(expected, abs=1e-6)
    if harm not in (a_folder, a_link):
        await spoil(filled)
        assert await cosines(filled) == pytest.approx(expected, abs=1e-6)  # it was written anew


async def another_archive_of_the_same_size(folder: Path, target: Path) -> None:
    database = await open_archive(folder / "other" / "archive.db")
    try:
        other = Filled(Archive(database), MESSAGES)
        other.chunks.reverse()
        await other.store()
        await cosines(other)
        shutil.copy(file_of(other.archive), target)
    finally:
        await database.close()


async def test_while_another_process_writes_it_the_database_answers(
    filled: Filled, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = file_of(filled.archive)
    lock = WriterLock(file.with_name(file.name + ".lock"))
    lock.acquire()
    expected = await by_database(filled, monkeypatch)
    assert await cosines(filled) == pytest.approx(expected, abs=1e-6)
    assert not file.exists()
    lock.release()
    monkeypatch.setattr(vector_file, "_BUSY", 0.0)
    assert await cosines(filled, NearestVectors()) == pytest.approx(expected, abs=1e-6)
    assert file.exists()


async def test_a_full_disk_costs_no_answer(filled: Filled, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int, content: bytes, at: int) -> int:
        raise OSError(28, os.strerror(28))

    expected = await by_database(filled, monkeypatch)
    with monkeypatch.context() as patched:
        patched.setattr(os, "pwrite", full)
        for _ in range(2):
            assert await cosines(filled) == pytest.approx(expected, abs=1e-6)
    assert await cosines(filled, NearestVectors()) == pytest.approx(expected, abs=1e-6)


async def test_a_crash_while_it_is_written_leaves_nothing_that_counts(
    filled: Filled, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The records are there in part, and no label says that they are."""
    writing = os.fsync

    def dies(descriptor: int) -> None:
        monkeypatch.setattr(os, "fsync", writing)
        os.pwrite(descriptor, b"\x55" * 500_000, 5_000)
        raise OSError("as if it had been killed")

    expected = await by_database(filled, monkeypatch)
    monkeypatch.setattr(os, "fsync", dies)
    assert await cosines(filled) == pytest.approx(expected, abs=1e-6)
    assert await cosines(filled, NearestVectors()) == pytest.approx(expected, abs=1e-6)
