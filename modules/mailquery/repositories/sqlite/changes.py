"""Whether anything in the archive has changed, by whatever process."""

import asyncio
import sqlite3
from contextlib import suppress
from pathlib import Path

from mcpkit.database.connections import connect
from mcpkit.database.data_version import DataVersion
from mcpkit.database.faults import translated


class SqliteChanges:
    """`ArchiveChanges`. Has a connection of its own, opened when it is first asked: the number that SQLite counts is
    that of one connection, and grows with what others commit (https://sqlite.org/pragma.html#pragma_data_version)."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None
        self._asking = asyncio.Lock()

    async def version(self) -> int:
        async with self._asking:
            return await asyncio.to_thread(self._version)

    def _version(self) -> int:
        with translated(self._path):
            if self._connection is None:
                self._connection = connect(self._path, read_only=True)
            (version,) = self._connection.execute("PRAGMA data_version").fetchone()
            return int(version)

    def close(self) -> None:
        if self._connection is not None:
            with suppress(sqlite3.Error):  # nothing was written by it
                self._connection.close()
            self._connection = None


class ArchiveVersion:
    """The same number, at once: for what cannot wait for a thread, and may go without it. Asking takes some
    microseconds, of the shared memory that the write-ahead log has, and never waits for whoever writes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None
        self._version = DataVersion()

    def __call__(self) -> int | None:
        """None where it is not to be had right now."""
        try:
            if self._connection is None:
                self._connection = connect(self._path, read_only=True, patience=0.0)
            return self._version.of(self._connection)
        except sqlite3.Error:
            return None

    def close(self) -> None:
        if self._connection is not None:
            with suppress(sqlite3.Error):  # nothing was written by it
                self._connection.close()
            self._connection = None
        self._version.forget()
