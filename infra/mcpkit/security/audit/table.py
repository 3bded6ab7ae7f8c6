"""The audit's tables: where the chain begins, its records, its end."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from mcpkit.security.audit.chain import Checkpoint, Link


@dataclass(frozen=True, slots=True)
class Row:
    """`record` and `hash` are None where what is stored has not even the right type."""

    sequence: int
    record: str | None
    hash: bytes | None


@contextmanager
def appending(connection: sqlite3.Connection) -> Iterator[None]:
    """A transaction in which no other process can append: between reading the end and adding to it. Undone where
    anything is raised."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # SQLite has undone it already where the disk is full
            connection.execute("ROLLBACK")
        raise


def newest_checkpoint(connection: sqlite3.Connection) -> Checkpoint | None:
    row = connection.execute(
        "SELECT sequence, hash, made, proof FROM audit_checkpoints ORDER BY sequence DESC LIMIT 1"
    ).fetchone()
    return None if row is None else Checkpoint(Link(row[0], _bytes(row[1])), int(row[2]), _bytes(row[3]))


def insert_checkpoint(connection: sqlite3.Connection, checkpoint: Checkpoint) -> None:
    connection.execute(
        "INSERT INTO audit_checkpoints (sequence, hash, made, proof) VALUES (?, ?, ?, ?)",
        (checkpoint.link.sequence, checkpoint.link.hash, checkpoint.made, checkpoint.proof),
    )


def last_link(connection: sqlite3.Connection) -> Link | None:
    row = connection.execute("SELECT sequence, hash FROM audit ORDER BY sequence DESC LIMIT 1").fetchone()
    return None if row is None else Link(row[0], _bytes(row[1]))


def hash_at(connection: sqlite3.Connection, sequence: int) -> bytes | None:
    row = connection.execute("SELECT hash FROM audit WHERE sequence = ?", (sequence,)).fetchone()
    return None if row is None else _bytes(row[0])


def insert_records(connection: sqlite3.Connection, records: list[tuple[Link, str]]) -> None:
    connection.executemany(
        "INSERT INTO audit (sequence, record, hash) VALUES (?, ?, ?)",
        [(link.sequence, record, link.hash) for link, record in records],
    )


def remove_through(connection: sqlite3.Connection, sequence: int) -> int:
    """The records up to a checkpoint. The number of those removed."""
    return connection.execute("DELETE FROM audit WHERE sequence <= ?", (sequence,)).rowcount


def rows_after(connection: sqlite3.Connection, sequence: int) -> Iterator[Row]:
    """In their order, read as they are asked for."""
    cursor = connection.execute(
        "SELECT sequence, record, hash FROM audit WHERE sequence > ? ORDER BY sequence", (sequence,)
    )
    for number, record, hash in cursor:
        yield Row(number, record if isinstance(record, str) else None, bytes(hash) if isinstance(hash, bytes) else None)


def sequence_before_last(connection: sqlite3.Connection, count: int) -> int:
    """The sequence after which there are the last `count` records."""
    row = connection.execute("SELECT sequence FROM audit ORDER BY sequence DESC LIMIT 1 OFFSET ?", (count,)).fetchone()
    return -(1 << 62) if row is None else int(row[0])


def _bytes(value: object) -> bytes:
    """Of a file that somebody may have edited."""
    return bytes(value) if isinstance(value, bytes) else b""
