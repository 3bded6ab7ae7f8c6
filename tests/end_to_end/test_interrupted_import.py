"""An import that ends before its end, in whatever way, is completed by the next one."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from end_to_end.conftest import CommandLine, letter, write_mbox

MESSAGES = 6_000


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("mail") / "large.mbox"
    return write_mbox(path, [letter(number, size=3000) for number in range(MESSAGES)])


def _import_until_something_is_stored(mailquery: CommandLine, mbox: Path) -> "subprocess.Popen[bytes]":
    """An import that has written some messages and is still running."""
    process = mailquery.start("import", mbox, stdout=subprocess.PIPE, stderr=subprocess.PIPE, process_group=0)
    log = mailquery.home / "archive.db-wal"
    while process.poll() is None and not (log.exists() and log.stat().st_size > 1_000_000):
        time.sleep(0.005)
    assert process.poll() is None, "the import ended before it could be stopped"
    return process


def _complete(mailquery: CommandLine, mbox: Path) -> None:
    done = mailquery("import", mbox, "--no-embed", "--json")
    assert done.code == 0, done.err
    assert done.json["imported"] + done.json["already_there"] == MESSAGES
    assert mailquery.count() == MESSAGES
    rows = mailquery("search", f'"letter {MESSAGES - 1}"', "--json").json
    assert rows["total"] == {"value": 1, "exact": True}


def test_after_a_kill_nothing_is_lost_or_doubled(mailquery: CommandLine, large: Path) -> None:
    process = _import_until_something_is_stored(mailquery, large)
    process.kill()
    process.communicate()
    assert mailquery.count() < MESSAGES
    _complete(mailquery, large)


def test_ctrl_c_keeps_what_is_stored_and_says_how_to_go_on(mailquery: CommandLine, large: Path) -> None:
    process = _import_until_something_is_stored(mailquery, large)
    # To the whole group, as a terminal does it: worker processes get it too.
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    message = err.decode()
    assert "same command again" in message
    assert "Traceback" not in message
    assert 0 < mailquery.count() < MESSAGES
    _complete(mailquery, large)


def test_a_second_import_at_the_same_time_is_refused(mailquery: CommandLine, large: Path) -> None:
    process = _import_until_something_is_stored(mailquery, large)
    try:
        second = mailquery("import", large)
        assert second.code == 4
        assert str(process.pid) in second.err
        assert mailquery("search", "letter", "--limit", "1").code == 0
    finally:
        process.kill()
        process.communicate()
