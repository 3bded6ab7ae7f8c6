"""A connection that works on a thread of its own, and can be stopped."""

import asyncio
import sqlite3
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Generic, TypeVar, cast

import aiosqlite

from mcpkit.database import connections
from mcpkit.database.faults import translated
from mcpkit.database.opening import SqlFunction

T = TypeVar("T")

_STEPS_BETWEEN_CHECKS = 4000  # virtual machine steps; a check costs about a microsecond


class _Outcome(Generic[T]):
    """What a function gave or raised, until it is taken. An idle thread of aiosqlite refers to what its last call gave:
    a large message, or an error with all the frames it passed through, would stay in memory until the next call."""

    def __init__(self, value: T | None, error: BaseException | None) -> None:
        self._value = value
        self._error = error

    @classmethod
    def of(cls, function: Callable[[], T]) -> "_Outcome[T]":
        try:
            return cls(function(), None)
        except BaseException as error:  # noqa: BLE001 - raised again where it is awaited
            return cls(None, error)

    def take(self) -> T:
        value, error = self._value, self._error
        self._value = self._error = None
        if error is not None:
            try:
                raise error
            finally:
                del error  # its traceback refers to this frame
        return cast(T, value)


class ConnectionThread:
    """It runs one function at a time, which can be stopped from outside."""

    def __init__(self, path: Path, functions: Mapping[str, SqlFunction], *, read_only: bool) -> None:
        self._path = path
        self._functions = functions
        self._read_only = read_only
        self._connection: aiosqlite.Connection | None = None
        self._deadline = float("inf")
        self._patience = connections.BUSY_TIMEOUT
        self._stopped = False

    async def start(self) -> None:
        connection = aiosqlite.Connection(self._open, iter_chunk_size=64)
        # A process that fails before it closes the database must end all the same; the log makes that safe.
        connection._thread.daemon = True
        self._connection = await connection

    def _open(self) -> sqlite3.Connection:
        connection = connections.connect(self._path, read_only=self._read_only)
        connection.set_progress_handler(self._must_stop, _STEPS_BETWEEN_CHECKS)
        for name, function in self._functions.items():
            connection.create_function(name, 1, function)
        return connection

    def _must_stop(self) -> bool:
        return self._stopped or time.monotonic() > self._deadline

    def run(self, function: Callable[[sqlite3.Connection], T], seconds: float, patience: float) -> "asyncio.Task[T]":
        """Runs `function` on the connection's thread for at most `seconds` of SQLite's time. Each of its statements
        waits for other processes for `patience` seconds."""
        assert self._connection is not None
        connection = self._connection

        def work() -> T:
            self._deadline = time.monotonic() + seconds
            with translated(self._path):
                if patience != self._patience:
                    connection._conn.execute(f"PRAGMA busy_timeout = {round(patience * 1000)}")
                    self._patience = patience
                return function(connection._conn)

        async def outcome() -> T:
            # aiosqlite has no public way to run a function on its thread, and a hop for each statement costs more than
            # most statements do.
            made: _Outcome[T] = await connection._execute(_Outcome.of, work)  # type: ignore[no-untyped-call]  # its own
            return made.take()

        self._stopped = False
        return asyncio.ensure_future(outcome())

    def stop(self) -> None:
        """Makes what is running end soon, with SQLITE_INTERRUPT."""
        self._stopped = True

    async def close(self) -> None:
        if self._connection is not None:
            await self._connection.close()
            self._connection = None
