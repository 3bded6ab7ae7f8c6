"""How near messages are to a vector: by the nearest of their chunks, and as a whole."""

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mailquery.repositories.sqlite.scope import ids
from mailquery.repositories.sqlite.vectors.codes import Codes, State
from mailquery.repositories.sqlite.vectors.records import Mapped, lengths_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_COMPARED_TOGETHER = 200  # messages: for larger arrays the system gives new memory each time, which takes longer


@dataclass(frozen=True, slots=True)
class Cosines:
    """Between a vector and messages, by their sequences or row ids: the nearest chunk of each, and the mean direction
    of all of its chunks."""

    numbers: "NDArray[np.int64]"
    chunk: "NDArray[np.float32]"
    whole: "NDArray[np.float32]"

    def means(self) -> Iterable[tuple[int, float]]:
        """Of both, by number."""
        return zip(self.numbers.tolist(), ((self.chunk + self.whole) / 2).tolist(), strict=True)

    def with_these(self, more: "Cosines") -> "Cosines":
        import numpy as np

        return Cosines(
            np.concatenate((self.numbers, more.numbers)),
            np.concatenate((self.chunk, more.chunk)),
            np.concatenate((self.whole, more.whole)),
        )


def gathered_cosines(
    mapped: Mapped, codes: Codes, state: State, vector: "NDArray[np.float32]", sequences: "NDArray[np.int64]"
) -> tuple[Cosines | None, "NDArray[np.int64]"]:
    """Of the messages with these ascending sequences, those that are in the file, and the sequences that may have
    chunks and are not in it."""
    import numpy as np

    sequences = sequences[sequences <= state.through]
    first, counts = codes.places.find(sequences)
    embedded = counts > 0
    sequences, first, counts = sequences[embedded], first[embedded], counts[embedded]
    direction = vector / np.linalg.norm(vector)
    missing = np.zeros(len(sequences), np.bool_)
    best, whole = np.zeros(len(sequences), np.float32), np.zeros(len(sequences), np.float32)
    for at in range(0, len(sequences), _COMPARED_TOGETHER):
        part = slice(at, at + _COMPARED_TOGETHER)
        sizes = counts[part]
        starts = np.cumsum(sizes) - sizes
        found = mapped.gather(np.repeat(first[part] - starts, sizes) + np.arange(int(sizes.sum())))
        near = np.einsum("ij,j->i", found.numbers.astype(np.float32), direction)
        near /= np.where(found.there, found.lengths, 1)
        best[part] = np.maximum.reduceat(near, starts)
        # The sum of the chunks, each of length 1, and its direction: what it is compared with is the same for all.
        sums = np.add.reduceat(near, starts) / np.where(found.there, found.wholes, 1)[starts]
        whole[part] = np.where(sizes > 1, sums, best[part])
        missing[part] = ~np.logical_and.reduceat(found.there, starts)
    left = sequences[missing]
    if len(left) == len(sequences):
        return None, left
    return Cosines(sequences[~missing], best[~missing], whole[~missing]), left


def read_cosines(
    connection: sqlite3.Connection,
    sql: str,
    state: State,
    vector: "NDArray[np.float32]",
    numbers: "Sequence[int] | NDArray[np.int64]",
    *,
    with_whole: bool = True,
) -> Cosines | None:
    """Of those messages that have any chunks; None where none has. `sql` reads the chunks of these `numbers`. Without
    `with_whole`, `whole` is as `chunk`."""
    import numpy as np

    wanted = ids(np.sort(np.asarray(numbers, np.int64)).tolist())
    found = connection.execute(sql, (wanted, state.through)).fetchall()
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
    lengths = lengths_of(chunks)
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
    whole[several] = _quotients(np.einsum("ij,j->i", sums, direction), lengths_of(sums))
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
