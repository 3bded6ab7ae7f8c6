"""The database file: who may read it, and what happens when it is new, full, damaged, busy or from the future."""

import asyncio
import gc
import os
import sqlite3
import stat
import threading
import time
import weakref
from contextlib import suppress
from pathlib import Path

import pytest

from integration.archives import Archive
from integration.mailmaker import mail, placed
from mailquery.domain.queries import Everything
from mailquery.repositories.sqlite.archive import open_archive
from mcpkit.database.migrations import Migration, load_migrations
from mcpkit.database.sqlite import Database
from mcpkit.errors import ErrorCode, Fault

NOTES = (Migration(1, "0001_notes.sql", "CREATE TABLE notes (text TEXT NOT NULL);"),)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def insert(connection: sqlite3.Connection) -> None:
    connection.execute("INSERT INTO notes VALUES ('x')")


def count(connection: sqlite3.Connection) -> int:
    found: int = connection.execute("SELECT count(*) FROM notes").fetchone()[0]
    return found


def endless(connection: sqlite3.Connection) -> object:
    return connection.execute(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
    ).fetchone()


async def test_every_file_is_the_owners_alone_whatever_the_umask(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "home" / "notes.db"
    before = os.umask(0)
    try:
        async with await Database.open(path, migrations=NOTES) as database:
            async with database.exclusive():
                await database.write(insert)
                assert await database.read(count) == 1
            assert {p.name for p in path.parent.iterdir()} == {
                "notes.db", "notes.db-wal", "notes.db-shm", "notes.db.lock",
            }  # fmt: skip
            assert {mode(p) for p in path.parent.iterdir()} == {0o600}
            assert (mode(path.parent), mode(path.parent.parent)) == (0o700, 0o700)
    finally:
        os.umask(before)


async def test_rights_that_were_widened_are_narrowed_and_a_folder_of_the_user_is_left_alone(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    path = tmp_path / "notes.db"
    await (await Database.open(path, migrations=NOTES)).close()
    path.chmod(0o644)
    await (await Database.open(path, migrations=NOTES)).close()
    assert (mode(path), mode(tmp_path)) == (0o600, 0o755)


async def test_opening_an_archive_is_quick_and_does_not_wait_for_a_writer(archive: Archive) -> None:
    message = mail("one")
    await archive.add((message, [placed(message)]))
    async with archive.imports.writing():
        best = 1.0
        for _ in range(5):
            began = time.perf_counter()
            async with await open_archive(archive.database.path) as second:
                best = min(best, time.perf_counter() - began)
                assert (await Archive(second).find(Everything())).total.value == 1
    assert best < 0.03


async def test_migrations_are_applied_once_in_order_and_a_failed_one_leaves_the_step_before(tmp_path: Path) -> None:
    path = tmp_path / "notes.db"
    await (await Database.open(path, migrations=NOTES)).close()
    broken = (*NOTES, Migration(2, "2", "CREATE TABLE more (a);"), Migration(3, "3", "CREATE TABLE x (a); NONSENSE;"))
    with pytest.raises(sqlite3.OperationalError):
        await Database.open(path, migrations=broken)
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (2,)
        names = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
    connection.close()
    assert names == {"notes", "more"}
    mended = (*broken[:2], Migration(3, "3", "ALTER TABLE more ADD COLUMN b;"))
    async with await Database.open(path, migrations=mended) as database:
        await database.write(insert)
        assert await database.read(count) == 1


async def test_two_openers_of_a_new_archive_both_get_it(tmp_path: Path) -> None:
    path = tmp_path / "archive.db"
    databases = await asyncio.gather(*(open_archive(path) for _ in range(4)))
    for database in databases:
        assert (await Archive(database).find(Everything())).total.value == 0
        await database.close()


def test_migrations_with_a_gap_are_refused() -> None:
    assert [m.version for m in load_migrations("mailquery.repositories.sqlite")][:1] == [1]
    with pytest.raises(FileNotFoundError):
        load_migrations("mailquery.repositories.sqlite", "nowhere")


async def test_an_archive_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "archive.db"
    await (await open_archive(path)).close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(Fault) as caught:
        await open_archive(path)
    assert caught.value.code is ErrorCode.STORAGE_TOO_NEW
    assert path.read_bytes() == before


async def test_a_file_that_is_no_archive_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "archive.db"
    path.write_bytes(b"this is no database at all " * 100)
    with pytest.raises(Fault) as caught:
        await open_archive(path)
    assert caught.value.code is ErrorCode.STORAGE_DAMAGED
    other = tmp_path / "other.db"
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE bookmarks (url)")
    connection.close()
    with pytest.raises(Fault) as caught:
        await open_archive(other)
    assert caught.value.code is ErrorCode.STORAGE_DAMAGED


async def test_damage_inside_the_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "archive.db"
    async with await open_archive(path) as database:
        messages = [mail(f"n{n}", "word " * 50) for n in range(200)]
        await Archive(database).add(*((m, [placed(m)]) for m in messages))
    content = bytearray(path.read_bytes())
    content[3 * 8192 :] = b"\xde\xad\xbe\xef" * ((len(content) - 3 * 8192) // 4)
    path.write_bytes(content)
    with pytest.raises(Fault) as caught:
        async with await open_archive(path) as database:
            await Archive(database).find(Everything())
    assert caught.value.code is ErrorCode.STORAGE_DAMAGED
    assert "import again" in caught.value.message
    assert str(tmp_path) not in caught.value.message


async def test_a_full_disk_loses_nothing_that_was_stored(archive: Archive) -> None:
    first = mail("kept")
    await archive.add((first, [placed(first)]))

    async def allow(pages: int) -> None:
        await archive.database.maintain(lambda c: c.execute(f"PRAGMA max_page_count = {pages}").fetchone())

    await allow(1)  # SQLite takes the present size where the limit is below it
    large = [mail(f"big {n}", os.urandom(4000).hex()) for n in range(100)]
    async with archive.imports.writing():
        with pytest.raises(Fault) as caught:
            await archive.imports.add(large, [placed(m) for m in large], [])
        assert caught.value.code is ErrorCode.STORAGE_FULL
        assert [row.subject for row in (await archive.find(Everything())).rows] == ["kept"]
        await allow(1_000_000)
        assert await archive.imports.add(large, [placed(m) for m in large], []) == 100
    assert (await archive.find(Everything())).total.value == 101
    check = await archive.database.maintain(lambda c: c.execute("PRAGMA integrity_check").fetchall())
    assert check == [("ok",)]


async def test_a_disk_without_room_is_told_apart_from_a_broken_one(tmp_path: Path) -> None:
    if os.geteuid() != 0 or os.system(f"mount -t tmpfs -o size=2m tmpfs {tmp_path} 2>/dev/null") != 0:
        pytest.skip("mounting a small file system needs to be root")
    try:
        async with await open_archive(tmp_path / "archive.db") as database:
            archive = Archive(database)
            async with archive.imports.writing():
                kept = mail("kept")
                await archive.imports.add([kept], [placed(kept)], [])
                large = [mail(f"big {n}", os.urandom(4000).hex()) for n in range(600)]
                with pytest.raises(Fault) as caught:
                    await archive.imports.add(large, [placed(m) for m in large], [])
            assert caught.value.code is ErrorCode.STORAGE_FULL
            assert [row.subject for row in (await archive.find(Everything())).rows] == ["kept"]
    finally:
        os.system(f"umount {tmp_path}")


async def test_a_place_where_nothing_can_be_created_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Fault) as caught:
        await open_archive(tmp_path / "file" / "archive.db")
    assert caught.value.code is ErrorCode.SERVICE_UNAVAILABLE


async def test_a_transaction_of_another_process_that_does_not_end_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "notes.db"
    monkeypatch.setattr("mcpkit.database.connections.BUSY_TIMEOUT", 0.05)
    async with await Database.open(path, migrations=NOTES) as database:
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Fault) as caught:
            await database.write(insert)
        assert caught.value.code is ErrorCode.SERVICE_UNAVAILABLE
        assert caught.value.retry_after
        assert await database.read(count) == 0
        other.execute("ROLLBACK")
        other.close()
        await database.write(insert)
        assert await database.read(count) == 1


async def test_a_read_that_takes_too_long_is_stopped_and_the_reader_serves_on(tmp_path: Path) -> None:
    async with await Database.open(tmp_path / "n.db", migrations=NOTES, readers=1, read_timeout=0.05) as database:
        with pytest.raises(Fault) as caught:
            await database.read(endless)
        assert caught.value.code is ErrorCode.TIMEOUT
        assert "Narrow" in caught.value.message
        assert await database.read(count) == 0


async def test_a_read_that_hangs_in_the_system_is_not_waited_for_and_neither_is_its_reader(tmp_path: Path) -> None:
    async with await Database.open(tmp_path / "n.db", migrations=NOTES, readers=1, read_timeout=0.05) as database:
        answers = threading.Event()

        def hang(connection: sqlite3.Connection) -> int:
            answers.wait(30)
            return count(connection)

        with pytest.raises(Fault) as hanging:
            await database.read(hang)
        assert (hanging.value.code, hanging.value.retry_after is not None) == (ErrorCode.TIMEOUT, True)
        assert "disk is slow" in hanging.value.message
        with pytest.raises(Fault) as waiting:
            await database.read(count)
        assert (waiting.value.code, waiting.value.retry_after is not None) == (ErrorCode.SERVICE_UNAVAILABLE, True)
        answers.set()
        found = None
        while found is None:
            with suppress(Fault):
                found = await database.read(count)
        assert found == 0


async def test_writes_that_wait_behind_one_that_another_process_holds_up_wait_no_longer_than_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mcpkit.database.connections.BUSY_TIMEOUT", 0.4)
    monkeypatch.setattr("mcpkit.database.sqlite._LEAST_BUSY_TIMEOUT", 0.01)
    async with await Database.open(tmp_path / "n.db", migrations=NOTES) as database:
        await database.write(insert)
        other = sqlite3.connect(tmp_path / "n.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        began = time.monotonic()
        ended = await asyncio.gather(*(database.write(insert) for _ in range(20)), return_exceptions=True)
        assert [isinstance(each, Fault) and each.code is ErrorCode.SERVICE_UNAVAILABLE for each in ended] == [True] * 20
        assert time.monotonic() - began < 4  # 20 times 0.4 s are 8
        other.execute("ROLLBACK")
        other.close()
        await database.write(insert)
        assert await database.read(count) == 2


async def test_a_cancelled_read_gives_its_reader_back(tmp_path: Path) -> None:
    async with await Database.open(tmp_path / "n.db", migrations=NOTES, readers=1, read_timeout=60) as database:
        loop = asyncio.get_running_loop()
        for _ in range(3):
            running = asyncio.Event()

            def start(connection: sqlite3.Connection, running: asyncio.Event = running) -> object:
                loop.call_soon_threadsafe(running.set)
                return endless(connection)

            task = asyncio.create_task(database.read(start))
            await running.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert await database.read(count) == 0


async def test_a_cancelled_write_is_undone(tmp_path: Path) -> None:
    async with await Database.open(tmp_path / "n.db", migrations=NOTES) as database:
        running = asyncio.Event()
        loop = asyncio.get_running_loop()

        def write(connection: sqlite3.Connection) -> object:
            insert(connection)
            loop.call_soon_threadsafe(running.set)
            return endless(connection)

        task = asyncio.create_task(database.write(write))
        await running.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await database.write(insert)
        assert await database.read(count) == 1


async def test_more_reads_than_connections_are_served_in_turn(tmp_path: Path) -> None:
    async with await Database.open(tmp_path / "n.db", migrations=NOTES, readers=1) as database:
        order: list[int] = []

        async def read(number: int) -> None:
            await database.read(count)
            order.append(number)

        await asyncio.gather(*(read(number) for number in range(50)))
        assert order == list(range(50))


async def test_a_read_sees_one_state(tmp_path: Path) -> None:
    async with await Database.open(tmp_path / "n.db", migrations=NOTES) as database:
        other = sqlite3.connect(tmp_path / "n.db", isolation_level=None, check_same_thread=False)

        def twice(connection: sqlite3.Connection) -> tuple[int, int]:
            before = count(connection)
            insert(other)
            return before, count(connection)

        assert await database.read(twice) == (0, 0)
        assert await database.read(count) == 1
        other.close()


async def test_a_reader_cannot_write(tmp_path: Path) -> None:
    async with await Database.open(tmp_path / "n.db", migrations=NOTES) as database:
        with pytest.raises(Fault):
            await database.read(insert)


async def test_a_file_that_is_taken_away_or_replaced_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "n.db"
    async with await Database.open(path, migrations=NOTES) as database:
        database.place.check()
        assert database.place.size() > 0
        path.rename(tmp_path / "elsewhere.db")
        with pytest.raises(Fault, match="cannot be found any more") as caught:
            database.place.check()
        assert caught.value.code is ErrorCode.SERVICE_UNAVAILABLE
        path.write_bytes((tmp_path / "elsewhere.db").read_bytes())
        with pytest.raises(Fault, match="was replaced"):
            database.place.check()
        path.unlink()
        (tmp_path / "elsewhere.db").rename(path)
        database.place.check()


async def test_none_is_begun_beside_the_log_of_one_that_was_moved_away(tmp_path: Path) -> None:
    path = tmp_path / "n.db"
    async with await Database.open(path, migrations=NOTES) as database:
        await database.write(insert)  # which is in the log alone
        path.rename(tmp_path / "elsewhere.db")
        with pytest.raises(Fault, match=r"Put n\.db back") as caught:
            await Database.open(path, migrations=NOTES)
        assert caught.value.code is ErrorCode.SERVICE_UNAVAILABLE
        assert not path.exists()
        (tmp_path / "elsewhere.db").rename(path)
        async with await Database.open(path, migrations=NOTES) as other:
            assert await other.read(count) == 1
        assert await database.read(count) == 1


async def test_readers_that_are_busy_are_counted_and_their_waits_told(tmp_path: Path) -> None:
    async with await Database.open(tmp_path / "n.db", migrations=NOTES, readers=2) as database:
        waits: list[float] = []
        database.waited = waits.append
        reading, go_on = threading.Event(), threading.Event()

        def hold(connection: sqlite3.Connection) -> None:
            reading.set()
            go_on.wait(10)

        held = asyncio.create_task(database.read(hold))
        await asyncio.to_thread(reading.wait, 10)
        assert (database.readers.busy, database.readers.idle) == (1, 1)
        go_on.set()
        await held
        assert (database.readers.busy, database.readers.idle) == (0, 2)
        assert len(waits) == 1


@pytest.mark.parametrize("fails", [False, True])
async def test_what_a_read_gave_or_raised_is_in_memory_no_longer_than_its_caller_keeps_it(
    tmp_path: Path, fails: bool
) -> None:
    class Large:
        pass

    def read(connection: sqlite3.Connection) -> Large:
        large = Large()
        made.append(weakref.ref(large))
        if fails:
            raise MemoryError
        return large

    made: list[weakref.ref[Large]] = []
    async with await Database.open(tmp_path / "n.db", migrations=NOTES) as database:
        gc.disable()  # it would come late: a message can take all the memory there is
        try:
            with suppress(MemoryError):
                await database.read(read)
            await asyncio.sleep(0)  # callbacks of the task
            assert [each() for each in made] == [None]
        finally:
            gc.enable()
