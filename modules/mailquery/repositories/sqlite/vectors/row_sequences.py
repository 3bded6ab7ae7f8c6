"""The sequences of messages by their row ids, in memory: to look up those of a thousand messages in the database reads
a thousand wide rows.

What a sequence's row id is hardly ever changes, and a message that has the row id of an earlier one has a later
sequence. So what was read stays right for the messages that there are: of a row id, the latest sequence counts. One
that is not known (the message was moved to it since) is to be looked up.
"""

import sqlite3
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

UNKNOWN = -1
_KEPT_APART = 2_000  # messages that were added since the others were put in order

_NEWEST = "SELECT coalesce(max(sequence), 0) FROM messages"
_ADDED = "SELECT id, sequence FROM messages WHERE sequence > ? ORDER BY sequence"


@dataclass(frozen=True, slots=True)
class _Known:
    """Never changed: what is added makes another one."""

    through: int  # the last sequence
    rows: "NDArray[np.int64]"  # ascending
    sequences: "NDArray[np.int64]"
    later: dict[int, int] = field(default_factory=dict)  # those that were added since, which go before


class RowSequences:
    """Shared by all readers of a database; 16 bytes a message."""

    def __init__(self) -> None:
        self._known: _Known | None = None
        self._reading = threading.Lock()

    def of(self, connection: sqlite3.Connection, rows: "NDArray[np.int64]") -> "NDArray[np.int64]":
        """Of messages that there are in this transaction."""
        import numpy as np

        known = self._read(connection)
        if not len(known.rows):
            return np.full(len(rows), UNKNOWN, np.int64)
        at = np.searchsorted(known.rows, rows)
        at[at == len(known.rows)] = 0
        found = np.where(known.rows[at] == rows, known.sequences[at], UNKNOWN)
        if known.later:
            for place, row in enumerate(rows.tolist()):
                found[place] = known.later.get(row, found[place])
        return found

    def _read(self, connection: sqlite3.Connection) -> _Known:
        (newest,) = connection.execute(_NEWEST).fetchone()
        known = self._known
        if known is None or known.through < newest:
            with self._reading:
                known = self._known
                if known is None or known.through < newest:
                    known = self._known = _with_added(connection, known)
        return known


def _with_added(connection: sqlite3.Connection, known: _Known | None) -> _Known:
    import numpy as np

    added = connection.execute(_ADDED, (known.through if known else 0,)).fetchall()
    if known is not None and len(known.later) + len(added) <= _KEPT_APART:
        return _Known(added[-1][1] if added else known.through, known.rows, known.sequences, known.later | dict(added))
    earlier = [] if known is None else [*known.later.items()]
    fresh = np.array([*earlier, *added], np.int64).reshape(-1, 2)
    rows, sequences = fresh[:, 0], fresh[:, 1]
    if known is not None:
        rows, sequences = np.concatenate([known.rows, rows]), np.concatenate([known.sequences, sequences])
    # Of each row id the last one, which has the latest sequence.
    order = np.argsort(rows, kind="stable")
    last = np.flatnonzero(np.append(np.diff(rows[order]) != 0, True)) if len(order) else order
    kept = order[last]
    return _Known(int(sequences.max(initial=0)), rows[kept], sequences[kept])
