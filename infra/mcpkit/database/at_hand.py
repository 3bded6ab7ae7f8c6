"""Some rows looked up at once, in the caller's own thread: to have a thread do it takes ten times as long."""

import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from mcpkit.database.connections import connect, in_snapshot
from mcpkit.database.data_version import DataVersion

T = TypeVar("T")

Rows = list[tuple[Any, ...]]
_LONG, _REST = 0.2, 10.0  # seconds
_MOST_KEPT = 2_000  # of what was looked up


class Resting(sqlite3.Error):
    """The disk was slow a moment ago."""


class AtHand:
    """A connection that reads and never waits, opened when it is first needed. What is looked up by a key is kept until
    anything is written to the database, by whatever process. To be used from one thread. Raises sqlite3.Error.

    No lock is waited for, but the disk may be: a look that took long is the last for a while, and whoever asks then is
    to have a thread wait (`Resting`)."""

    def __init__(self, path: Path, check: Callable[[], object] = lambda: None) -> None:
        """`check` is called before the database is opened, and raises where it is not to be."""
        self._path = path
        self._check = check
        self._rests_until = 0.0
        self._connection: sqlite3.Connection | None = None
        self._version = DataVersion()
        self._kept_at = 0  # the version
        self._kept: dict[tuple[str, tuple[Any, ...]], Any] = {}

    def glance(self, function: Callable[[sqlite3.Connection], T]) -> T:
        """Runs `function` in one transaction."""
        began = self._begin()
        try:
            return in_snapshot(self._opened(), function)
        finally:
            self._end(began)

    def look_up(self, sql: str, values: tuple[Any, ...], shape: Callable[[Rows], T]) -> T:
        """What `shape` makes of the rows of one statement, which sees one state without a transaction. Others are given
        the same object."""
        connection = self._opened()
        version = self._version.of(connection)
        if version != self._kept_at or len(self._kept) > _MOST_KEPT:
            self._kept.clear()
            self._kept_at = version
        key = sql, values
        if key not in self._kept:
            # Whatever was written since the version was asked for, this may see it: the next call asks again.
            began = self._begin()
            self._kept[key] = shape(connection.execute(sql, values).fetchall())
            self._end(began)
        kept: T = self._kept[key]
        return kept

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        self._kept.clear()
        self._version.forget()

    def _begin(self) -> float:
        now = time.monotonic()
        if now < self._rests_until:
            raise Resting
        return now

    def _end(self, began: float) -> None:
        now = time.monotonic()
        if now - began > _LONG:
            self._rests_until = now + _REST

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            self._check()
            self._connection = connect(self._path, read_only=True, patience=0.0)
        return self._connection
