"""Looking up a few rows without a thread."""

import asyncio
import sqlite3
import sys
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


def _count(rows: list[tuple[int]]) -> list[int]:
    return [count for (count,) in rows]


async def test_what_was_looked_up_is_kept_until_something_is_written(control: Database) -> None:
    first = await control.look_up(_TIMES, (), _count)
    assert await control.look_up(_TIMES, (), _count) is first
    await control.write(_expose_another)
    assert (first, await control.look_up(_TIMES, (), _count)) == ([0], [1])


async def test_what_another_process_writes_is_seen_by_the_next_look(control: Database) -> None:
    assert await control.look_up(_TIMES, (), _count) == [0]
    program = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute(sys.argv[2]); c.commit()"
    statement = "INSERT INTO exposures VALUES ('ana', '', 0)"
    other = await asyncio.create_subprocess_exec(sys.executable, "-c", program, str(control.path), statement)
    assert await other.wait() == 0
    assert await control.look_up(_TIMES, (), _count) == [1]


async def test_what_is_looked_up_by_other_values_is_another_thing(control: Database) -> None:
    sql = f"{_TIMES} WHERE user = ?"
    await control.write(_expose_another)
    found = [await control.look_up(sql, (user,), _count) for user in ("user 0", "user 1", "user 0")]
    assert found == [[1], [0], [1]]


async def test_a_thread_looks_up_what_cannot_be_had_at_once(control: Database) -> None:
    seen = []

    def shape(rows: list[tuple[int]]) -> int:
        seen.append(threading.get_ident())
        if len(seen) == 1:
            raise sqlite3.OperationalError("database is locked")
        return rows[0][0]

    assert await control.look_up(_TIMES, (), shape) == 0
    assert seen[0] == threading.get_ident() != seen[1]
