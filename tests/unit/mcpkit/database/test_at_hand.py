"""What is looked up in the loop's own thread: it waits for no lock, and for a slow disk once."""

import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from mcpkit.database.at_hand import AtHand, Resting
from mcpkit.errors import ErrorCode, Fault

_HOLDER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("PRAGMA locking_mode = EXCLUSIVE")
connection.execute("BEGIN EXCLUSIVE")
connection.execute("INSERT INTO t VALUES (2)")
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "some.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript("PRAGMA journal_mode = WAL; CREATE TABLE t (a); INSERT INTO t VALUES (1)")
    return path


@pytest.fixture
def at_hand(path: Path) -> Iterator[AtHand]:
    with closing(AtHand(path)) as found:
        yield found


def rows(connection: sqlite3.Connection) -> list[tuple[int]]:
    return connection.execute("SELECT a FROM t").fetchall()


def test_a_lock_is_not_waited_for(at_hand: AtHand, path: Path) -> None:
    command = [sys.executable, "-c", _HOLDER, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        began = time.monotonic()
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            at_hand.glance(rows)
        assert time.monotonic() - began < 2, "SQLite by itself would wait for ten seconds"
        holder.communicate()
    assert at_hand.glance(rows) == [(1,)]


def test_after_a_look_that_took_long_there_is_none_for_a_while(
    at_hand: AtHand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mcpkit.database.at_hand._LONG", 0.0)
    assert at_hand.glance(rows) == [(1,)]
    with pytest.raises(Resting):
        at_hand.glance(rows)
    with pytest.raises(Resting):
        at_hand.look_up("SELECT a FROM t", (), tuple)
    monkeypatch.setattr("mcpkit.database.at_hand._LONG", 60.0)
    at_hand._rests_until = time.monotonic()
    assert at_hand.look_up("SELECT a FROM t", (), tuple) == ((1,),)


def test_it_is_not_opened_where_it_is_not_to_be(path: Path) -> None:
    def check() -> None:
        raise Fault(ErrorCode.SERVICE_UNAVAILABLE, "It is another file.")

    with pytest.raises(Fault):
        AtHand(path, check).glance(rows)
