"""The messages nearest to a vector, inside one transaction.

The signs of all vectors are compared first, in memory: the nearest few hundred chunks by that measure are read, and
the cosine decides among them. So it is approximate in what it looks at, and exact in what it says of it. Of a selection
of few messages every vector is compared exactly; of one of up to 20,000 the signs of just those; a larger one is looked
for among the nearest chunks of the archive, ever more of them, and gives fewer than were asked for where they end.
"""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mailquery.repositories.sqlite.listings import Listings
from mailquery.repositories.sqlite.scope import ids
from mailquery.repositories.sqlite.selection import Condition, Selection
from mailquery.repositories.sqlite.vector_codes import CodeCache, State

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

COMPARED = 600  # chunks at least whose cosine is computed
_PER_RESULT = 8  # and so many for each message that is asked for
_ALL_COMPARED = 1_000  # messages of a selection that needs no signs
_WIDER = (4_000, 64_000)  # chunks in which members of a larger selection are looked for
_COMPARED_TOGETHER = 200  # messages: for larger arrays the system gives new memory each time, which takes longer
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
        found = read_cosines(connection, _VECTORS, state, vector, candidates, with_whole=False)
        if found is None:
            return []
        import numpy as np

        best = np.lexsort((-found.numbers, -found.chunk))[:limit]
        cosines = dict(zip(found.numbers[best].tolist(), found.chunk[best].tolist(), strict=True))
        rows = [(row, cosines[sequence]) for sequence, row in connection.execute(_ROWS, (ids(list(cosines)),))]
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
        found = read_cosines(connection, _VECTORS_OF_ROWS, state, vector, rows)
        if found is None:
            return {}
        return dict(zip(found.numbers.tolist(), ((found.chunk + found.whole) / 2).tolist(), strict=True))

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


@dataclass(frozen=True, slots=True)
class Cosines:
    """Between a vector and messages, by their sequences or row ids: the nearest chunk of each, and the mean direction
    of all of its chunks."""

    numbers: "NDArray[np.int64]"
    chunk: "NDArray[np.float32]"
    whole: "NDArray[np.float32]"


def read_cosines(
    connection: sqlite3.Connection,
    sql: str,
    state: State,
    vector: "NDArray[np.float32]",
    numbers: Sequence[int],
    *,
    with_whole: bool = True,
) -> Cosines | None:
    """Of those messages that have any chunks; None where none has. `sql` reads the chunks of these `numbers`. Without
    `with_whole`, `whole` is as `chunk`."""
    import numpy as np

    found = connection.execute(sql, (ids(sorted(numbers)), state.through)).fetchall()
    found = [row for row in found if row[1]]
    if not found:
        return None
    direction = vector / np.linalg.norm(vector)
    parts = []
    for start in range(0, len(found), _COMPARED_TOGETHER):
        of, packed = zip(*found[start : start + _COMPARED_TOGETHER], strict=True)
        parts.append((of, *_compared(direction, packed, with_whole=with_whole)))
    every, chunk, whole = (np.concatenate(each) for each in zip(*parts, strict=True))
    return Cosines(every, chunk, whole)


def _compared(
    direction: "NDArray[np.float32]", packed: Sequence[bytes], *, with_whole: bool
) -> tuple["NDArray[np.float32]", "NDArray[np.float32]"]:
    """The cosines of the nearest chunk of each message, and of the whole."""
    import numpy as np

    sizes = np.fromiter(map(len, packed), np.int64, len(packed)) // len(direction)
    starts = np.cumsum(sizes) - sizes
    stored = np.frombuffer(b"".join(packed), np.int8).reshape(-1, len(direction))
    chunks = stored.astype(np.float32)
    lengths = _lengths(chunks)
    # Not as a matrix product: for so small a one, the library would have other threads wait busily.
    near = _quotients(np.einsum("ij,j->i", chunks, direction), lengths)
    best = np.maximum.reduceat(near, starts)
    several = sizes > 1
    if not with_whole or not several.any():
        return best, best
    # Of a message of one chunk, that is the whole: only the others are added up.
    of_several = np.repeat(several, sizes)
    sums = _sums(_quotients(chunks[of_several], lengths[of_several][:, None]), sizes[several])
    whole = best.copy()
    whole[several] = _quotients(np.einsum("ij,j->i", sums, direction), _lengths(sums))
    return best, whole


def _quotients(of: "NDArray[np.float32]", by: "NDArray[np.float32]") -> "NDArray[np.float32]":
    """`by` are lengths that `of` lie within: where one is zero, so is the other, and what is found."""
    divisors = by.copy()
    divisors[by == 0] = 1
    return of / divisors


def _sums(rows: "NDArray[np.float32]", counts: "NDArray[np.int64]") -> "NDArray[np.float32]":
    """Of each run of so many rows: all first ones, then all second ones, ... (`np.add.reduceat` takes ten times as
    long to add up rows)."""
    import numpy as np

    starts = np.cumsum(counts) - counts
    sums: NDArray[np.float32] = rows[starts]
    for place in range(1, int(counts.max())):
        further = np.flatnonzero(counts > place)
        sums[further] += rows[starts[further] + place]
    return sums


def _lengths(vectors: "NDArray[np.float32]") -> "NDArray[np.float32]":
    import numpy as np

    lengths: NDArray[np.float32] = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
    return lengths
