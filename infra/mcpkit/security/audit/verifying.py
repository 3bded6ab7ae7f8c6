"""Whether the audit is what was written: nothing changed, removed, put in or moved."""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mcpkit.security.audit.chain import Chain, Checkpoint, Link
from mcpkit.security.audit.store import GAP
from mcpkit.security.audit.table import Row, newest_checkpoint, rows_after


@dataclass(frozen=True, slots=True)
class Problem:
    """The first record that is not as it was written, and what is wrong there."""

    sequence: int
    what: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """`end` is the newest link that holds; `records` how many were found good. `gaps` are the sequences of the records
    by which the audit itself says that others were missing when it went on. `unchecked` are the expected links that lie
    before the beginning, so that nothing can be said of them."""

    records: int
    begin: Link | None
    end: Link | None
    problem: Problem | None
    gaps: Sequence[int] = ()
    unchecked: Sequence[Link] = ()

    @property
    def is_sound(self) -> bool:
        return self.problem is None and not self.gaps


def verify(connection: sqlite3.Connection, chain: Chain, head: Link | None, expected: Sequence[Link] = ()) -> Verdict:
    """Reads the whole audit, in the transaction of the caller.

    `head` is what the head's file said before that transaction began: it names only what was committed. `expected` are
    links that were noted elsewhere.
    """
    checkpoint = newest_checkpoint(connection)
    if checkpoint is None:
        return _without_beginning(connection, head, expected)
    begin = checkpoint.link
    if not chain.is_own(checkpoint):
        what = "the checkpoint that the chain begins with was changed, or the audit key is another"
        return Verdict(0, begin, None, Problem(begin.sequence, what))
    noted = {link.sequence: link for link in (*expected, *([head] if head else [])) if link.sequence > begin.sequence}
    unchecked = tuple(link for link in expected if link.sequence <= begin.sequence and link != begin)
    end = begin
    gaps: list[int] = []
    for row, problem in _checked(connection, chain, checkpoint):
        problem = problem or _contradicted(row, noted)
        if problem is not None:
            return Verdict(end.sequence - begin.sequence, begin, end, problem, gaps, unchecked)
        assert row.record is not None
        assert row.hash is not None
        end = Link(row.sequence, row.hash)
        if GAP in row.record and _is_gap(row.record):
            gaps.append(row.sequence)
    return Verdict(end.sequence - begin.sequence, begin, end, _at_the_end(end, head, noted), gaps, unchecked)


def _checked(
    connection: sqlite3.Connection, chain: Chain, checkpoint: Checkpoint
) -> Iterator[tuple[Row, Problem | None]]:
    """Each row with what is wrong with it."""
    previous = checkpoint.link
    for row in rows_after(connection, -(1 << 63)):
        if row.sequence <= checkpoint.link.sequence:
            yield row, Problem(row.sequence, "stands before the beginning: it was put in")
            return
        if row.sequence != previous.sequence + 1:
            yield row, Problem(previous.sequence + 1, "is missing: it was removed or moved")
            return
        if row.record is None or row.hash is None:
            yield row, Problem(row.sequence, "was changed")
            return
        link = Link(row.sequence, row.hash)
        if not chain.holds(previous, link, row.record):
            yield row, Problem(row.sequence, "was changed, put in or moved, or the record before it was")
            return
        yield row, None
        previous = link


def _contradicted(row: Row, noted: dict[int, Link]) -> Problem | None:
    link = noted.get(row.sequence)
    if link is None or link.hash == row.hash:
        return None
    return Problem(row.sequence, "is another record than the one that was noted under this number")


def _at_the_end(end: Link, head: Link | None, noted: dict[int, Link]) -> Problem | None:
    if head is None:
        return Problem(
            end.sequence + 1, "may have been removed: the file that names the newest record is missing or was changed"
        )
    newest = max(noted, default=0)
    if newest > end.sequence:
        return Problem(end.sequence + 1, f"is missing, with all up to {newest}: they were removed from the end")
    return None


def _without_beginning(connection: sqlite3.Connection, head: Link | None, expected: Sequence[Link]) -> Verdict:
    first = next(rows_after(connection, -(1 << 63)), None)
    if first is not None:
        return Verdict(0, None, None, Problem(first.sequence, "has no beginning before it: that was removed"))
    newest = max((link.sequence for link in (*expected, *([head] if head else []))), default=0)
    if newest:
        return Verdict(0, None, None, Problem(1, f"is missing, with all up to {newest}: the audit was emptied"))
    return Verdict(0, None, None, None)


def _is_gap(record: str) -> bool:
    read = json.loads(record)
    return bool(read.get("kind") == "audit" and read.get("name") == GAP)
