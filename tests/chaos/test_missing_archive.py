"""The archive is taken away from a running server, or another file is put in its place.

What must hold: nobody is told that nothing was found, `/ready` says what helps, and the server goes on by itself when
the archive is back.
"""

import json
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest

from chaos.servers import Server, serving, until
from end_to_end.conftest import CommandLine, letter, write_mbox
from mailquery.cli.output.exits import exit_code_for
from mcpkit.errors import ErrorCode
from support.worker_processes import workers_of

FILES = ("archive.db", "archive.db-wal", "archive.db-shm")


def move(home: Path, elsewhere: Path) -> None:
    elsewhere.mkdir(exist_ok=True)
    for name in FILES:
        if (home / name).exists():
            os.rename(home / name, elsewhere / name)


def begin(mailquery: CommandLine, folder: Path) -> None:
    done = mailquery("import", write_mbox(folder / "begun.mbox", [letter(1)]), "--no-embed")
    assert done.code == 0, done.err


def asked(server: Server, word: str) -> tuple[int, list[str] | None]:
    """The status, and the subjects that were found where it is an answer."""
    params = {"name": "search_messages", "arguments": {"query": word}}
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    answer = httpx2.post(server.url, json=body, timeout=60)
    assert "/archive.db" not in answer.text  # where it lies is nothing for callers
    content = answer.json()["result"]["structuredContent"] if answer.status_code == 200 else {}
    return answer.status_code, [row["subject"] for row in content["rows"]] if "rows" in content else None


def remedy(server: Server) -> str:
    """What `/ready` says of the database; nothing where it is ready."""
    answer = httpx2.get(f"{server.root}/ready", timeout=60)
    return "" if answer.status_code == 200 else str(answer.json()["checks"]["database"]["detail"])


@pytest.fixture
def mailquery(copy_of: Callable[[Path], CommandLine], tmp_path: Path) -> CommandLine:
    return copy_of(tmp_path)


def test_one_process_never_finds_nothing_in_an_archive_that_is_gone(mailquery: CommandLine, tmp_path: Path) -> None:
    with serving(mailquery) as server:
        assert asked(server, "word7") == (200, ["Letter number 7"])
        move(mailquery.home, tmp_path / "away")
        until(lambda: "Put archive.db back" in remedy(server), "/ready says what helps")
        for number in range(8, 12):
            assert asked(server, f"word{number}")[1] in (None, [f"Letter number {number}"])
        move(tmp_path / "away", mailquery.home)
        until(lambda: server.ready()[0] == 200, "it is ready again")
        assert asked(server, "word12") == (200, ["Letter number 12"])


def test_one_process_does_not_go_over_to_a_file_that_was_put_in_place(mailquery: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = CommandLine(tmp_path / "other")
    begin(other, tmp_path / "other")
    with serving(mailquery) as server:
        move(mailquery.home, tmp_path / "away")
        shutil.copy(other.home / "archive.db", mailquery.home / "archive.db")
        until(lambda: "start the server anew" in remedy(server), "/ready says what helps")
        for number in range(8, 12):
            assert asked(server, f"word{number}")[1] in (None, [f"Letter number {number}"])


def test_a_worker_that_is_replaced_waits_for_the_archive_and_begins_none(
    mailquery: CommandLine, tmp_path: Path
) -> None:
    with serving(mailquery, MAILQUERY_HTTP__WORKERS="2") as server:
        assert asked(server, "word7") == (200, ["Letter number 7"])
        before = workers_of(server.process.pid)
        move(mailquery.home, tmp_path / "away")
        for worker in before:
            os.kill(worker, signal.SIGKILL)
        until(lambda: not set(before) & set(workers_of(server.process.pid)), "they are replaced")
        until(lambda: "Put archive.db back" in remedy(server), "/ready says what helps")
        for _ in range(4):
            status, found = asked(server, "word8")
            assert (status, found) == (503, None)
        assert not (mailquery.home / "archive.db").exists()
        move(tmp_path / "away", mailquery.home)
        # One of them may go on while the other still waits.
        until(lambda: all(asked(server, "word9") == (200, ["Letter number 9"]) for _ in range(10)), "both go on")
        until(lambda: server.ready()[0] == 200, "it is ready again")


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_server_does_not_begin_an_empty_archive_beside_the_records_of_another(
    mailquery: CommandLine, tmp_path: Path, workers: str
) -> None:
    move(mailquery.home, tmp_path / "away")
    done = mailquery("serve", "--transport", "http", "--port", "0", "--workers", workers)
    assert done.code == exit_code_for(ErrorCode.SERVICE_UNAVAILABLE)
    assert "Put archive.db back" in done.err
    assert not (mailquery.home / "archive.db").exists()


def test_an_import_may_begin_one_anew(mailquery: CommandLine, tmp_path: Path) -> None:
    move(mailquery.home, tmp_path / "away")
    begin(mailquery, tmp_path)
    assert json.loads(mailquery("status", "--json").out)
    assert (mailquery.home / "archive.db").exists()


@pytest.mark.parametrize("command", [("status",), ("search", "word7"), ("keys", "list")], ids=" ".join)
def test_a_command_that_reads_begins_none(mailquery: CommandLine, tmp_path: Path, command: tuple[str, ...]) -> None:
    move(mailquery.home, tmp_path / "away")
    done = mailquery(*command)
    assert done.code == exit_code_for(ErrorCode.SERVICE_UNAVAILABLE)
    assert "Put archive.db back" in done.err
    assert str(mailquery.home / "archive.db") in done.err  # whoever runs it is told where
    assert not (mailquery.home / "archive.db").exists()
    move(tmp_path / "away", mailquery.home)
    assert mailquery(*command).code == 0


def test_where_none_ever_was_a_command_that_reads_says_how_to_begin_one(tmp_path: Path) -> None:
    mailquery = CommandLine(tmp_path)
    done = mailquery("status")
    assert done.code == exit_code_for(ErrorCode.NOT_FOUND)
    assert "mailquery import PATH" in done.err
    assert not (mailquery.home / "archive.db").exists()
    begin(mailquery, tmp_path)
    assert mailquery("status").code == 0


def test_doctor_says_that_one_is_gone(mailquery: CommandLine, tmp_path: Path) -> None:
    move(mailquery.home, tmp_path / "away")
    done = mailquery("doctor", "--json")
    assert done.code == exit_code_for(ErrorCode.SERVICE_UNAVAILABLE)
    (database,) = [check for check in done.json["checks"] if check["name"] == "database"]
    assert database["status"] == "error"
    assert "Put archive.db back" in database["finding"]
    assert done.json["readiness"]["status"] == "unhealthy"
    assert not (mailquery.home / "archive.db").exists()
    move(tmp_path / "away", mailquery.home)
    assert mailquery("doctor").code == 0
