"""The database is locked, cannot be written, is full or damaged, and the server is killed under load.

What must hold: no wrong answer, an error that says what helps, and recovery without hands.
"""

import errno
import json
import random
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import httpx2
import pytest

from chaos.conftest import COUNT, small_disk
from chaos.servers import PATIENCE, QUIET, Server, serving, until
from end_to_end.conftest import CommandLine, letter, write_mbox
from support.faults import Faults

QUERIES = {f"word{number}": [f"Letter number {number}"] for number in range(0, COUNT, 7)}


@pytest.fixture(scope="module")
def mailquery(copy_of: Callable[[Path], CommandLine], tmp_path_factory: pytest.TempPathFactory) -> CommandLine:
    return copy_of(tmp_path_factory.mktemp("storage"))


@pytest.fixture(scope="module")
def faults(mailquery: CommandLine) -> Iterator[Faults]:
    with closing(Faults(mailquery.home.parent, str(mailquery.home))) as faults:
        yield faults


@pytest.fixture(scope="module")
def server(mailquery: CommandLine, faults: Faults) -> Iterator[Server]:
    with serving(mailquery, **faults.environment) as server:
        server.search("badgers")
        yield server


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """As by another program that writes, and takes its time."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            other.execute("ROLLBACK")


def fresh_letter(mailquery: CommandLine, number: int) -> Path:
    file = mailquery.home.parent / f"{number}.eml"
    file.write_bytes(letter(number, body=f"A letter of its own, with word{number}."))
    return file


def test_a_locked_archive_is_read_on_and_written_once_it_is_free(server: Server, mailquery: CommandLine) -> None:
    file = fresh_letter(mailquery, 1000)
    with locked(mailquery.home / "archive.db"):
        began = time.monotonic()
        importing = mailquery.start("import", file, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for query, subjects in QUERIES.items():
            assert server.search(query) == subjects
        assert server.ready()[0] == 200
        assert time.monotonic() - began < 9  # sooner than the import gives up
        assert server.search("word1000") == []
    _, told = importing.communicate(timeout=PATIENCE)
    assert importing.returncode == 0, told
    assert server.search("word1000") == ["Letter number 1000"]


def test_calls_wait_for_records_that_another_program_holds_up_and_none_is_lost(
    server: Server, mailquery: CommandLine
) -> None:
    with ThreadPoolExecutor(8) as pool:
        with locked(mailquery.home / "control.db"):
            waiting = [pool.submit(server.search, query) for query in list(QUERIES)[:8]]
            time.sleep(0.5)
            assert not any(each.done() for each in waiting)
            assert server.is_alive()
        assert [each.result(PATIENCE) for each in waiting] == list(QUERIES.values())[:8]
    assert audit_holds(mailquery)


@pytest.mark.parametrize("error", [errno.EROFS, errno.EIO, errno.ENOSPC])
def test_what_cannot_be_recorded_is_not_answered_until_it_can_be(server: Server, faults: Faults, error: int) -> None:
    with faults.failing_writes(error):
        refused = server.call("search_messages", query="word7")
        assert refused["error"]["code"] == "SERVICE_UNAVAILABLE"
        assert "could not be recorded" in refused["error"]["message"]
        until(lambda: server.ready()[0] == 503, "it says that it is not ready")
        checks = server.ready()[1]
        assert (checks["records"], checks["database"]) == ("unhealthy", "healthy")
        assert server.is_alive()
    assert server.search("word7") == ["Letter number 7"]
    until(lambda: server.ready()[0] == 200, "it is ready again")


def test_a_read_only_file_system_is_named_at_the_start(copy_of: Callable[[Path], CommandLine], tmp_path: Path) -> None:
    with small_disk(tmp_path, 16) as disk:
        mailquery = copy_of(disk)
        mailquery.environment |= QUIET
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        done = mailquery("serve", "--transport", "http", "--port", "0")
        assert done.code == 4
        assert "Traceback" not in done.err
        assert str(mailquery.home) in done.err
        assert "Mount it for writing." in done.err
        assert b"mounted read-only" in mailquery("doctor").out
        subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)
        with serving(mailquery) as server:
            assert server.search("word7") == ["Letter number 7"]


def test_a_full_disk_is_told_and_loses_nothing(copy_of: Callable[[Path], CommandLine], tmp_path: Path) -> None:
    with small_disk(tmp_path, 12) as disk:
        mailquery = copy_of(disk)
        large = write_mbox(tmp_path / "large.mbox", [letter(n, size=60_000) for n in range(2000, 2100)])
        with serving(mailquery) as server:
            assert server.search("word7") == ["Letter number 7"]
            filler = disk / "filler"
            fill(filler)
            until(lambda: server.error("search_messages", query="badgers") == "SERVICE_UNAVAILABLE", "it is full")
            until(lambda: server.ready()[1]["records"] == "unhealthy", "it says that it is not ready")
            done = mailquery("import", large)
            assert done.code == 4, done.err
            assert "There is no room left" in done.err
            assert "Traceback" not in done.err
            filler.unlink()
            assert server.search("word7") == ["Letter number 7"]
            until(lambda: server.ready()[1]["records"] == "healthy", "it is ready again")
        assert audit_holds(mailquery)
        with closing(sqlite3.connect(mailquery.home / "archive.db")) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def fill(path: Path) -> None:
    with path.open("wb", buffering=0) as file:
        for size in (1 << 16, 1 << 12, 1):
            with suppress(OSError):
                while True:
                    file.write(bytes(size))


def audit_holds(mailquery: CommandLine) -> bool:
    done = mailquery("audit", "verify", "--json")
    assert done.code == 0, done.text + done.err
    return True


PAGE = 8192  # bytes


def damaged(content: bytes, chance: random.Random) -> bytes:
    """Some pages after the first are noise, or nothing."""
    found = bytearray(content)
    pages = len(content) // PAGE
    for page in chance.sample(range(1, pages), chance.choice((3, 20, pages // 2))):
        found[page * PAGE : (page + 1) * PAGE] = chance.choice((bytes(PAGE), chance.randbytes(PAGE)))
    return bytes(found)


def test_a_damaged_archive_answers_right_or_says_that_it_is_damaged(server: Server, mailquery: CommandLine) -> None:
    path = mailquery.home / "archive.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        good = path.read_bytes()
        told = 0

        def put(content: bytes) -> None:
            with path.open("r+b") as file:  # in place, as a disk damages it
                file.write(content)
            (version,) = other.execute("PRAGMA user_version").fetchone()
            other.execute(f"PRAGMA user_version = {version}")  # after which nothing is cached

        for seed in range(12):
            put(damaged(good, random.Random(seed)))
            for query, subjects in [*list(QUERIES.items())[seed::12], ("nothinglikeit", [])]:
                found = server.call("search_messages", query=query)
                if "error" in found:
                    assert found["error"]["code"] == "STORAGE_DAMAGED"
                    assert "put back a copy" in found["error"]["message"]
                    told += 1
                else:
                    assert [row["subject"] for row in found["rows"]] == subjects
            assert server.is_alive()
            put(good)
            assert server.search("word7") == ["Letter number 7"]
        assert told > 12
    assert server.ready()[0] == 200


def test_damaged_records_end_the_start_with_a_sentence(copy_of: Callable[[Path], CommandLine], tmp_path: Path) -> None:
    mailquery = copy_of(tmp_path)
    mailquery.environment |= QUIET
    path = mailquery.home / "control.db"
    path.write_bytes(bytes(range(256)) * 400)
    done = mailquery("serve", "--transport", "http", "--port", "0")
    assert done.code == 4
    assert "control.db is damaged" in done.err
    assert "Traceback" not in done.err


def test_a_server_that_is_killed_under_load_is_whole_at_once_when_it_is_begun_again(
    copy_of: Callable[[Path], CommandLine], tmp_path: Path
) -> None:
    mailquery = copy_of(tmp_path)
    written: list[Path] = [write_mbox(tmp_path / "more.mbox", [letter(n, size=3_000) for n in range(3000, 3400)])]
    answered = 0
    ended = threading.Event()

    def ask(url: str) -> None:
        nonlocal answered
        body = {
            "jsonrpc": "2.0",
            "id": 1,
            "method": "tools/call",
            "params": {"name": "search_messages", "arguments": {"query": "word7"}},
        }
        with httpx2.Client(timeout=PATIENCE) as client:
            while not ended.is_set():
                try:
                    answer = client.post(url, json=body).json()
                except (httpx2.HTTPError, json.JSONDecodeError):
                    return
                assert [row["subject"] for row in answer["result"]["structuredContent"]["rows"]] == ["Letter number 7"]
                answered += 1

    with serving(mailquery) as server, ThreadPoolExecutor(6) as pool:
        asking = [pool.submit(ask, server.url) for _ in range(6)]
        importing = mailquery.start("import", *written, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        until(lambda: answered > 50, "it is under load")
        server.kill()
        importing.kill()
        importing.communicate(timeout=PATIENCE)
        ended.set()
        for each in asking:
            each.result(PATIENCE)
    began = time.monotonic()
    with serving(mailquery) as server:
        assert server.search("word7") == ["Letter number 7"]
        assert time.monotonic() - began < PATIENCE
        assert server.ready()[0] == 200
        assert mailquery("import", *written).code == 0
        assert mailquery.count() == COUNT + 400
    records = int(sqlite3.connect(mailquery.home / "control.db").execute("SELECT count(*) FROM audit").fetchone()[0])
    assert records >= answered
    assert audit_holds(mailquery)
