"""A connection that works on a thread of its own, and can be stopped."""

import asyncio
import sqlite3
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

import aiosqlite

from mcpkit.database import connections
from mcpkit.database.faults import translated

T = TypeVar("T")
SqlFunction = Callable[[str], str | int | float | None]

_STEPS_BETWEEN_CHECKS = 4000  # virtual machine steps; a check costs about a microsecond


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

        def job() -> T:
            self._deadline = time.monotonic() + seconds
            with translated(self._path):
                if patience != self._patience:
                    connection._conn.execute(f"PRAGMA busy_timeout = {round(patience * 1000)}")
                    self._patience = patience
                return function(connection._conn)

        self._stopped = False
        # aiosqlite has no public way to run a function on its thread, and a hop for each statement costs more than
        # most statements do.
        return asyncio.ensure_future(connection._execute(job))  # type: ignore[no-untyped-call]  # it has no annotations

    def stop(self) -> None:
        """Makes what is running end soon, with SQLITE_INTERRUPT."""
        self._stopped = True

    async def close(self) -> None:
        if self._connection is not None:
            await self._connection.close()
            self._connection = None
