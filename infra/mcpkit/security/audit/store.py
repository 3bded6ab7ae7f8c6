"""The audit in the control database: appended to by any number of processes, each answer after its record.

Calls that run at once share a transaction: while one batch is being committed the next one gathers, so that waiting for
the disk is paid for once by all of them.
"""

import asyncio
import sqlite3
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Protocol

from mcpkit.database.faults import translated
from mcpkit.database.sqlite import Database
from mcpkit.errors import ErrorCode, Fault
from mcpkit.security.audit import AuditRecord, canonical
from mcpkit.security.audit.chain import Chain, Link, genesis
from mcpkit.security.audit.head import Head
from mcpkit.security.audit.table import (
    appending,
    hash_at,
    insert_checkpoint,
    insert_records,
    last_link,
    newest_checkpoint,
)

HEAD_NAME = "audit.head"
KEY_NAME = "audit.key"
GAP = "records missing"  # the event that the audit itself records where its end is not the one it left
_MOST_AT_ONCE = 500  # records of one transaction


class AuditCopy(Protocol):
    """Where records go besides the database. `write` is given whole lines of JSON, with sequence and hash, after they
    were committed; it may block, and raises OSError where they could not be kept. `place` names it in errors."""

    place: Path

    def write(self, lines: Sequence[str]) -> None: ...

    def close(self) -> None: ...


class ChainedAudit:
    """An audit sink. `survives_power_cut` waits for the disk with every batch; else a record survives the end of the
    process, however it ends, and the system writes it to the disk within seconds."""

    def __init__(
        self, control: Database, key: bytes, *, survives_power_cut: bool = False, copies: Sequence[AuditCopy] = ()
    ) -> None:
        self._control = control
        self._appending = Appending(control.path, key, survives_power_cut=survives_power_cut)
        self._copies = copies
        self._waiting: list[tuple[str, asyncio.Future[None]]] = []
        self._writing: asyncio.Task[None] | None = None

    async def record(self, record: AuditRecord) -> None:
        """Raises Fault STORAGE_FULL, SERVICE_UNAVAILABLE, STORAGE_DAMAGED, CONFIGURATION (the key is another)."""
        kept: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((canonical(record.as_dict()), kept))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write())
        await kept  # whoever gives up waiting does not take the record back

    async def close(self) -> None:
        """Waits for what is being written. To be called before the database is closed."""
        if self._writing is not None:
            await self._writing
        for copy in self._copies:
            copy.close()

    async def _write(self) -> None:
        try:
            while self._waiting:
                batch = self._waiting[:_MOST_AT_ONCE]
                del self._waiting[:_MOST_AT_ONCE]
                await self._write_batch(batch)
        finally:
            self._writing = None

    async def _write_batch(self, batch: list[tuple[str, "asyncio.Future[None]"]]) -> None:
        error: BaseException | None = None
        try:
            await self._control.maintain(partial(self._append, [text for text, _ in batch]))
        except BaseException as caught:
            error = caught
            if not isinstance(caught, Exception):  # the loop is ending
                raise
        finally:
            for _, kept in batch:
                if kept.done():  # given up
                    continue
                if error is None:
                    kept.set_result(None)
                elif isinstance(error, Exception):
                    kept.set_exception(error)
                else:
                    kept.cancel()

    def _append(self, texts: Sequence[str], connection: sqlite3.Connection) -> None:
        written = self._appending(connection, texts)
        if self._copies:
            lines = [with_place(link, text) for link, text in written]
            for copy in self._copies:
                with translated(copy.place):
                    copy.write(lines)


class Appending:
    """One transaction of the chain, on any connection that may write."""

    def __init__(self, database: Path, key: bytes, *, survives_power_cut: bool) -> None:
        self._chain = Chain(key)
        self._head = Head(database.with_name(HEAD_NAME), self._chain)
        self._synchronous = "FULL" if survives_power_cut else "NORMAL"

    def __call__(self, connection: sqlite3.Connection, texts: Sequence[str]) -> list[tuple[Link, str]]:
        """Appends records and moves the head. The records with their places."""
        connection.execute(f"PRAGMA synchronous = {self._synchronous}")
        with appending(connection):
            end, gap = self._end(connection)
            written = chained(self._chain, end, texts if gap is None else (gap, *texts))
            insert_records(connection, written)
        if gap is not None:
            self._head.replace(written[-1][0])
        elif written:
            self._head.advance(written[-1][0])
        return written

    def _end(self, connection: sqlite3.Connection) -> tuple[Link, str | None]:
        """Where the next record is chained to, and the record to put first where the end is not the one that was left.

        Going on as if nothing were missing would cover the traces of whoever removed it.
        """
        checkpoint = newest_checkpoint(connection)
        head = self._head.read()
        if checkpoint is None:
            end = genesis()
            insert_checkpoint(connection, self._chain.checkpoint(end, int(time.time())))
            if head is not None and head.sequence:
                return end, gap_record(end, head)
            self._head.replace(end)  # before the commit: there is never a chain without a head
            return end, None
        if not self._chain.is_own(checkpoint):
            raise wrong_key(self._head.path)
        end = last_link(connection) or checkpoint.link
        if head is None or head.sequence > end.sequence:
            return end, gap_record(end, head)
        if head.sequence > checkpoint.link.sequence and hash_at(connection, head.sequence) != head.hash:
            return end, gap_record(end, head)
        return end, None


def chained(chain: Chain, end: Link, records: Sequence[str]) -> list[tuple[Link, str]]:
    """Records with the places that they get behind `end`."""
    written = []
    for record in records:
        end = chain.next(end, record)
        written.append((end, record))
    return written


def gap_record(end: Link, head: Link | None) -> str:
    """What the audit says of itself where its head names a record that is not there, or is not there itself."""
    return canonical(
        {
            **AuditRecord(
                kind="audit", name=GAP, user="", client="", transport="", request_id="", decision="failed"
            ).as_dict(),
            "end": str(end),
            "head": "" if head is None else str(head),
        }
    )


def with_place(link: Link, record: str) -> str:
    """A record as one line of JSON that says where in the chain it stands."""
    return f'{{"sequence":{link.sequence},"hash":"{link.hash.hex()}",{record[1:]}'


def wrong_key(beside: Path) -> Fault:
    return Fault(
        ErrorCode.CONFIGURATION,
        f"The audit was begun with another key than the one at hand, or its beginning was changed. Put back the "
        f"{KEY_NAME} that belongs to {beside.parent}, or begin a new chain with `audit restart`.",
    )
