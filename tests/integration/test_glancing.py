"""Looking up a few rows without a thread."""

import sqlite3
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from mcpkit.database.sqlite import Database
from mcpkit.security.control import open_control

_TIMES = "SELECT count(*) FROM exposures"


@pytest.fixture
async def control(tmp_path: Path) -> AsyncIterator[Database]:
    async with await open_control(tmp_path / "control.db") as opened:
        yield opened


def _expose(connection: sqlite3.Connection) -> None:
    connection.execute("INSERT INTO exposures (user, client, last) VALUES (?, '', 0)", (str(threading.get_ident()),))


def _expose_another(connection: sqlite3.Connection) -> None:
    connection.execute("INSERT INTO exposures SELECT 'user ' || count(*), '', 0 FROM exposures")


async def test_a_glance_is_taken_in_the_callers_thread_and_sees_what_was_written_before(control: Database) -> None:
    for written in range(3):
        seen, thread = await control.glance(lambda c: (c.execute(_TIMES).fetchone()[0], threading.get_ident()))
        assert (seen, thread) == (written, threading.get_ident())
        await control.write(_expose_another)


async def test_a_glance_cannot_write(control: Database) -> None:
    with pytest.raises(Exception, match="readonly"):
        await control.glance(_expose)


async def test_what_a_function_raises_leaves_nothing_open(control: Database) -> None:
    def fails(connection: sqlite3.Connection) -> None:
        connection.execute(_TIMES)
        raise LookupError

    with pytest.raises(LookupError):
        await control.glance(fails)
    assert await control.glance(lambda c: c.execute(_TIMES).fetchone()[0]) == 0


async def test_where_it_cannot_be_had_at_once_a_thread_looks(control: Database) -> None:
    await control.glance(lambda c: None)

    def looks(connection: sqlite3.Connection) -> int:
        if threading.current_thread() is threading.main_thread():
            raise sqlite3.OperationalError("database is locked")
        return threading.get_ident()

    assert await control.glance(looks) != threading.get_ident()
