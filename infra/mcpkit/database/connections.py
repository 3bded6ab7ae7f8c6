"""Connections to a SQLite file as a server uses them, and transactions on them."""

import sqlite3
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

BUSY_TIMEOUT = 10.0  # seconds that a statement waits for another process's transaction
_WAL_LIMIT = 64 << 20  # bytes that the log keeps on disk once it was checkpointed
_CHECKPOINT = 4000  # pages of the log after which it is folded into the database
_READER_CACHE = 16 << 10  # KiB
_WRITER_CACHE = 64 << 10


def in_snapshot(connection: sqlite3.Connection, function: Callable[[sqlite3.Connection], T]) -> T:
    """Runs `function` in a reading transaction: all of its statements see the same state."""
    connection.execute("BEGIN")
    try:
        return function(connection)
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def in_transaction(connection: sqlite3.Connection, function: Callable[[sqlite3.Connection], T]) -> T:
    """Runs `function` in a writing transaction, undone where it raises."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        result = function(connection)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # SQLite has undone it already where the disk is full
            connection.execute("ROLLBACK")
        raise
    return result


def fold_log(connection: sqlite3.Connection) -> None:
    """Folds the log into the database and empties it, as far as readers let it: the end of a long one, such as a
    backup, is not waited for, since others could not write meanwhile."""
    (patience,) = connection.execute("PRAGMA busy_timeout").fetchone()
    connection.execute("PRAGMA busy_timeout = 0").fetchone()
    try:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    finally:
        connection.execute(f"PRAGMA busy_timeout = {patience}").fetchone()


def connect(path: Path, *, read_only: bool, patience: float | None = None) -> sqlite3.Connection:
    """A connection as this server uses it: explicit transactions, write-ahead log, foreign keys. Each statement, those
    that set it up among them, waits for locks for `patience` seconds, or for
    as long as a server's do."""
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={'ro' if read_only else 'rw'}",
        uri=True,
        timeout=BUSY_TIMEOUT if patience is None else patience,
        isolation_level=None,
        check_same_thread=False,
    )
    try:
        connection.execute("PRAGMA synchronous = NORMAL")  # with a write-ahead log, a crash loses no consistency
        connection.execute("PRAGMA foreign_keys = ON")
        # Nothing is mapped: a process is charged for every page of the file that it maps and touches, once for each
        # connection, and on a large archive that is most of its memory. The system's file cache serves as well.
        connection.execute("PRAGMA temp_store = MEMORY")
        connection.execute(f"PRAGMA cache_size = -{_READER_CACHE if read_only else _WRITER_CACHE}")
        if not read_only:
            connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT}")
            connection.execute(f"PRAGMA journal_size_limit = {_WAL_LIMIT}")
    except BaseException:
        with suppress(sqlite3.Error):
            connection.close()
        raise
    return connection
