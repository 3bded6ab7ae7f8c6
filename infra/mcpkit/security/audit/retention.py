"""Removing old records, and beginning anew: what goes is named by a checkpoint that the chain goes on from."""

import json
import sqlite3
import time
from dataclasses import dataclass
from datetime import UTC, datetime

from mcpkit.errors import ErrorCode, Fault
from mcpkit.security.audit import AuditRecord, canonical
from mcpkit.security.audit.chain import Chain, Link, genesis
from mcpkit.security.audit.head import Head
from mcpkit.security.audit.store import chained
from mcpkit.security.audit.table import (
    appending,
    insert_checkpoint,
    insert_records,
    last_link,
    newest_checkpoint,
    remove_through,
    rows_after,
)
from mcpkit.security.audit.verifying import Problem, verify

PRUNED = "records pruned"
RESTARTED = "chain restarted"


@dataclass(frozen=True, slots=True)
class Removed:
    """`through` is the place of the last record that was removed, `records` their number."""

    records: int
    through: Link


def prune(connection: sqlite3.Connection, chain: Chain, head: Head, before: datetime, user: str) -> Removed:
    """Removes the records from the beginning up to the first one that is not older than `before`, in one transaction;
    the audit records that, and by whom. Fault STORAGE_DAMAGED where the chain does not hold: what shows that must stay.
    """
    noted = head.read()
    with appending(connection):
        verdict = verify(connection, chain, noted)
        if verdict.problem is not None:
            raise _does_not_hold(verdict.problem)
        through = _last_before(connection, before)
        if through is None:
            return Removed(0, verdict.begin or Link(0, b""))
        insert_checkpoint(connection, chain.checkpoint(through, int(time.time())))
        removed = remove_through(connection, through.sequence)
        end = _note(connection, chain, last_link(connection) or through, PRUNED, user, through, removed)
    head.advance(end)
    return Removed(removed, through)


def restart(connection: sqlite3.Connection, chain: Chain, head: Head, user: str) -> Removed:
    """Removes every record, whether the chain holds or not, and begins another under the key of `chain`; the sequence
    goes on."""
    with appending(connection):
        checkpoint = newest_checkpoint(connection)
        begin = checkpoint.link if checkpoint else Link(0, b"")
        old = max(last_link(connection) or begin, begin, key=lambda link: link.sequence)
        # One further, so that it stands after a checkpoint which may be the last thing that is left.
        beginning = genesis(old.sequence + 1)
        insert_checkpoint(connection, chain.checkpoint(beginning, int(time.time())))
        removed = remove_through(connection, beginning.sequence)
        end = _note(connection, chain, beginning, RESTARTED, user, old, removed)
    head.replace(end)
    return Removed(removed, old)


def _does_not_hold(problem: Problem) -> Fault:
    return Fault(
        ErrorCode.STORAGE_DAMAGED,
        f"The audit does not hold (record {problem.sequence} {problem.what}), so nothing is removed from it. See "
        "`audit verify`. Keep a copy of the database and its -wal file, then begin a new chain with `audit restart`.",
    )


def _last_before(connection: sqlite3.Connection, before: datetime) -> Link | None:
    """The place of the last record before the first one that is not older."""
    wanted = before.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    through: Link | None = None
    for row in rows_after(connection, -(1 << 63)):
        assert row.record is not None, "verified before"
        assert row.hash is not None
        if json.loads(row.record)["time"] >= wanted:
            break
        through = Link(row.sequence, row.hash)
    return through


def _note(
    connection: sqlite3.Connection, chain: Chain, end: Link, event: str, user: str, through: Link, removed: int
) -> Link:
    record = AuditRecord(
        kind="audit", name=event, user=user, client="", transport="", request_id="", decision="allowed"
    ).as_dict()
    written = chained(chain, end, [canonical({**record, "through": str(through), "removed": removed})])
    insert_records(connection, written)
    return written[-1][0]
