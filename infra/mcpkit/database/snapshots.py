"""Copies of a database while others read and write it."""

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Self

from mcpkit.database.connections import connect
from mcpkit.database.faults import translated
from mcpkit.database.files import private_file
from mcpkit.database.migrations import schema_version

_STEP = 2048  # pages between two reports
_STEPS_BETWEEN_CHECKS = 100_000  # virtual machine steps, some milliseconds
_MOST_FINDINGS = 20
_PRIMARY = 0xFF  # SQLite's extended result codes keep the primary one in their lowest byte

Report = Callable[[int], None]
"""Is told how many bytes are done. What it raises ends the work."""


class Snapshot:
    """What a database held at one moment. Others go on reading and writing; until it is closed, their log only grows.

    To be used by one thread at a time. Everything raises Fault STORAGE_FULL, STORAGE_DAMAGED, SERVICE_UNAVAILABLE.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self._path = path
        self.connection = connection

    @classmethod
    def take(cls, path: Path) -> Self:
        """Of the present moment. The file must be there."""
        with translated(path):
            connection = connect(path, read_only=True)
            try:
                # A transaction begins with its first read. As long as this one lasts, a copy in steps is of one state:
                # without it, SQLite would begin the copy anew after every commit of another process.
                connection.execute("BEGIN")
                connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
            except BaseException:
                connection.close()
                raise
        return cls(path, connection)

    @property
    def bytes(self) -> int:
        """The size of a copy."""
        with translated(self._path):
            (pages,) = self.connection.execute("PRAGMA page_count").fetchone()
            (size,) = self.connection.execute("PRAGMA page_size").fetchone()
            return int(pages) * int(size)

    @property
    def schema(self) -> int:
        with translated(self._path):
            return schema_version(self.connection)

    def copy_to(self, target: Path, report: Report) -> None:
        """Writes a copy (0600), and waits for the disk. There must be no file of this name."""
        size = self.bytes
        with translated(target):
            private_file(target)
            with closing(sqlite3.connect(f"{target.absolute().as_uri()}?mode=rw", uri=True)) as copy:
                # What was interrupted is thrown away: nothing of it need be undone.
                copy.execute("PRAGMA journal_mode = OFF").fetchone()
                copy.execute("PRAGMA synchronous = OFF")

                def step(status: int, remaining: int, total: int) -> None:
                    report(size * (total - remaining) // max(1, total))

                self.connection.backup(copy, pages=_STEP, progress=step)
            sync(target)

    def close(self) -> None:
        self.connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def sync(path: Path) -> None:
    """Waits until the file, or the names in the folder, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def damage_of(path: Path, must_stop: Callable[[], bool]) -> tuple[str, ...]:
    """What is wrong with a database that nobody has open; nothing is written, not even beside it. Raises Fault TIMEOUT
    once `must_stop` says so."""
    with translated(path), closing(sqlite3.connect(f"{path.absolute().as_uri()}?immutable=1", uri=True)) as connection:
        connection.set_progress_handler(must_stop, _STEPS_BETWEEN_CHECKS)
        try:
            found = [str(row[0]) for row in connection.execute(f"PRAGMA quick_check({_MOST_FINDINGS})")]
        except sqlite3.DatabaseError as error:
            if error.sqlite_errorcode & _PRIMARY not in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
                raise
            return (str(error),)
    return () if found == ["ok"] else tuple(found)
