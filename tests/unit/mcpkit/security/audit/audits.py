"""Audits of the tests: real files, opened as a server and as somebody with an editor do it."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

from mcpkit.database.connections import connect
from mcpkit.security.audit import AuditRecord
from mcpkit.security.audit.chain import Chain, Link
from mcpkit.security.audit.head import Head
from mcpkit.security.audit.store import HEAD_NAME, AuditCopy, ChainedAudit
from mcpkit.security.audit.verifying import Verdict, verify
from mcpkit.security.control import open_control

KEY = b"k" * 32


def call(number: int = 0, **fields: object) -> AuditRecord:
    given: dict[str, object] = {
        "kind": "tool",
        "name": f"tool{number}",
        "user": "민수",
        "client": "test 1",
        "transport": "memory",
        "request_id": str(number),
        "decision": "allowed",
        **fields,
    }
    return AuditRecord(**given)  # type: ignore[arg-type] # the fields that a test states


@asynccontextmanager
async def opened(
    path: Path, *, key: bytes = KEY, copies: tuple[AuditCopy, ...] = (), survives_power_cut: bool = False
) -> AsyncIterator[ChainedAudit]:
    async with await open_control(path) as control:
        audit = ChainedAudit(control, key, copies=copies, survives_power_cut=survives_power_cut)
        try:
            yield audit
        finally:
            await audit.close()


async def fill(path: Path, count: int, first: int = 1) -> None:
    async with opened(path) as audit:
        for number in range(first, first + count):
            await audit.record(call(number))


def head(path: Path, key: bytes = KEY) -> Head:
    return Head(path.with_name(HEAD_NAME), Chain(key))


def checked(path: Path, *expected: Link, key: bytes = KEY) -> Verdict:
    noted = head(path, key).read()
    with closing(connect(path, read_only=True)) as connection:
        connection.execute("BEGIN")
        return verify(connection, Chain(key), noted, expected)


def edit(path: Path, *statements: str) -> None:
    """As somebody does who has the file and sqlite3."""
    with closing(sqlite3.connect(path)) as connection:
        for (trigger,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {trigger}")
        for statement in statements:
            connection.executescript(statement)
        connection.commit()


def stored(path: Path) -> list[tuple[int, str, bytes]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("SELECT sequence, record, hash FROM audit ORDER BY sequence").fetchall()
