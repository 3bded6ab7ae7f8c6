"""The messages nearest to a vector, inside one transaction.

The signs of all vectors are compared first, in memory: the nearest few hundred chunks by that measure are looked up in
the file of vectors, or read, and the cosine decides among them. So it is approximate in what it looks at, and exact in
what it says of it. Of a selection of few messages every vector is compared exactly; of one of up to 20,000 the signs of
just those; a larger one is looked for among the nearest chunks of the archive, ever more of them, and gives fewer than
were asked for where they end.
"""

import sqlite3
from collections.abc import Sequence
from typing import TYPE_CHECKING

from mailquery.repositories.sqlite.listings import Listings
from mailquery.repositories.sqlite.nodes import Condition
from mailquery.repositories.sqlite.scope import ids
from mailquery.repositories.sqlite.selection import Selection
from mailquery.repositories.sqlite.vectors.codes import CodeCache, State
from mailquery.repositories.sqlite.vectors.cosines import Cosines, gathered_cosines, read_cosines
from mailquery.repositories.sqlite.vectors.file import VectorFile
from mailquery.repositories.sqlite.vectors.row_sequences import UNKNOWN, RowSequences

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

COMPARED = 600  # chunks at least whose cosine is computed
_PER_RESULT = 8  # and so many for each message that is asked for
_ALL_COMPARED = 1_000  # messages of a selection that needs no signs
_WIDER = (4_000, 64_000)  # chunks in which members of a larger selection are looked for
_AT_ONCE = 4_000  # messages of which it is asked whether they belong to it

_VECTORS = """
    SELECT v.sequence, v.vectors FROM json_each(?) j CROSS JOIN vectors v ON v.sequence = j.value
    WHERE v.sequence <= ?
"""
_ROWS = "SELECT m.sequence, m.id FROM json_each(?) j CROSS JOIN messages m ON m.sequence = j.value"
_VECTORS_OF_ROWS = """
    SELECT m.id, v.vectors FROM json_each(?) j CROSS JOIN messages m ON m.id = j.value
    CROSS JOIN vectors v ON v.sequence = m.sequence WHERE v.sequence <= ?
"""


class NearestVectors:
    """Finds by vector. Shared by all readers of a database: it keeps the codes in memory, and what was listed."""

    def __init__(self) -> None:
        self._codes = CodeCache()
        self._listings = Listings()
        self._file = VectorFile()
        self._rows = RowSequences()

    def nearest(
        self,
        connection: sqlite3.Connection,
        model: str,
        vector: "NDArray[np.float32]",
        selection: Selection,
        limit: int,
    ) -> list[tuple[int, float]]:
        """Row ids of messages of the selection, each with the cosine between `vector` and the nearest of its chunks,
        the nearest first; of equals, the newest. Empty where nothing is embedded by `model`.

        The selection is compiled for a caller (`compile_query`), so that what they may not see is not found.
        """
        state = State.read(connection)
        if state.model != model or not state.chunks or selection.empty or limit < 1 or not vector.any():
            return []
        candidates = self._candidates(connection, state, vector, selection, max(COMPARED, _PER_RESULT * limit))
        found = self._compare(connection, state, vector, candidates, with_whole=False)
        if found is None:
            return []
        import numpy as np

        best = np.lexsort((-found.numbers, -found.chunk))
        rows: list[tuple[int, float]] = []
        # Signs are kept of messages that are no more: those have no row, and the next ones take their places.
        while len(rows) < limit and len(best):
            part, best = best[: limit - len(rows)], best[limit - len(rows) :]
            cosines = dict(zip(found.numbers[part].tolist(), found.chunk[part].tolist(), strict=True))
            rows += [(row, cosines[sequence]) for sequence, row in connection.execute(_ROWS, (ids(list(cosines)),))]
        return sorted(rows, key=lambda found: (-found[1], -found[0]))

    def cosines(
        self, connection: sqlite3.Connection, model: str, vector: "NDArray[np.float32]", rows: Sequence[int]
    ) -> dict[int, float]:
        """By row id, how near each of the messages with vectors is: the mean of the cosines between `vector` and the
        nearest chunk, and between `vector` and the whole message. One chunk alone says little of a long message, and
        the whole little of its parts: together they find more than either."""
        state = State.read(connection)
        if state.model != model or not rows or not vector.any():
            return {}
        import numpy as np

        given = np.array(sorted(rows), np.int64)
        sequences = self._rows.of(connection, given)
        unknown = sequences == UNKNOWN
        near = {}
        found = self._compare(connection, state, vector, sequences[~unknown])
        if found is not None:
            row_of = dict(zip(sequences.tolist(), given.tolist(), strict=True))
            near = {row_of[each]: cosine for each, cosine in found.means()}
        if unknown.any():
            found = read_cosines(connection, _VECTORS_OF_ROWS, state, vector, given[unknown].tolist())
            near |= dict(found.means()) if found is not None else {}
        return near

    def _compare(
        self,
        connection: sqlite3.Connection,
        state: State,
        vector: "NDArray[np.float32]",
        sequences: "Sequence[int] | NDArray[np.int64]",
        *,
        with_whole: bool = True,
    ) -> Cosines | None:
        """As `read_cosines` for these sequences, out of the file as far as they are in it."""
        import numpy as np

        mapped = self._file.mapped(connection, state)
        if mapped is None:
            return read_cosines(connection, _VECTORS, state, vector, sequences, with_whole=with_whole)
        wanted = np.sort(np.asarray(sequences, np.int64))
        found, left = gathered_cosines(mapped, self._codes.load(connection, state), state, vector, wanted)
        if not len(left):
            return found
        read = read_cosines(connection, _VECTORS, state, vector, left, with_whole=with_whole)
        return read if found is None else found if read is None else found.with_these(read)

    def _candidates(
        self,
        connection: sqlite3.Connection,
        state: State,
        vector: "NDArray[np.float32]",
        selection: Selection,
        most: int,
    ) -> list[int]:
        """The sequences of the messages of the selection whose cosine is worth computing."""
        import numpy as np

        if selects_all(selection):
            return self._codes.load(connection, state).nearest(vector, most)
        listed = self._listings.embedded(connection, selection, state)
        if listed is None:
            return self._among_nearest(connection, state, vector, selection, most)
        if len(listed) <= _ALL_COMPARED:
            return [int(sequence) for sequence in listed]

        allowed = np.zeros(listed.max() + 1, np.bool_)
        allowed[listed] = True
        return self._codes.load(connection, state).nearest(vector, most, allowed)

    def _among_nearest(
        self,
        connection: sqlite3.Connection,
        state: State,
        vector: "NDArray[np.float32]",
        selection: Selection,
        most: int,
    ) -> list[int]:
        codes = self._codes.load(connection, state)
        found: list[int] = []
        for width in _WIDER:
            near = codes.nearest(vector, width)
            found = []
            for start in range(0, len(near), _AT_ONCE):
                part = near[start : start + _AT_ONCE]
                inside = _inside(connection, selection, part)
                found += [sequence for sequence in part if sequence in inside]
                if len(found) >= most:
                    return found[:most]
            if width >= codes.chunks:
                break
        return found


def selects_all(selection: Selection) -> bool:
    """Whether every message belongs to it. Where any are hidden from the caller, a condition says so."""
    return not (
        selection.empty
        or selection.match
        or selection.mailbox is not None
        or selection.low is not None
        or selection.high is not None
        or selection.conditions
        or selection.joins
    )


def _inside(connection: sqlite3.Connection, selection: Selection, sequences: Sequence[int]) -> set[int]:
    """Those of the messages that belong to the selection."""
    rows = {row: sequence for sequence, row in connection.execute(_ROWS, (ids(sequences),))}
    # FTS5 would run its expression anew for each row id that it is given: it is to be run once.
    given = "+{row}" if selection.match else "{row}"
    among = Condition(given + " IN (SELECT value FROM json_each(?))", (ids(rows),))  # noqa: S608 - a constant
    sql, parameters = selection.also(among).sql()
    return {rows[row] for (row,) in connection.execute(sql, parameters)}
