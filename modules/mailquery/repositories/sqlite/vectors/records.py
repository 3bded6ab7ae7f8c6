"""What the file of vectors is made up of, and what is looked up in it.

Behind a head of one page stand records of equal size: those of the 4,096 chunks of a block, the label of that block,
and so on. The record of a chunk is its int8 numbers and two float32, by which comparisons divide: the length of the sum
of its message's chunks, each taken as of length 1, and at the end its own length. Where that is zero, nothing is
written.
"""

import os
import sqlite3
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mailquery.repositories.sqlite.vectors.codes import BLOCK_CHUNKS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_HEAD = struct.Struct("<16sqI")  # what it is, the first block, dimensions
_KIND = b"mailquery chunks"
HEAD_BYTES = 4096
LABEL = struct.Struct("<I32s")  # how many of the block's chunks are written, and their digest
_LENGTHS = 8
_NOTHING = 1.0  # as the length of a chunk in which the model knows nothing: its numbers are zeros

_VECTORS = """
    SELECT v.sequence, v.vectors FROM vectors v WHERE v.sequence BETWEEN ? AND ? AND length(v.vectors) > 0
    ORDER BY v.sequence
"""


@dataclass(frozen=True, slots=True)
class Gathered:
    """Of some chunks: their numbers (a row each), their lengths, those of the sums of their messages, and whether they
    are in the file at all."""

    numbers: "NDArray[np.int8]"
    lengths: "NDArray[np.float32]"
    wholes: "NDArray[np.float32]"
    there: "NDArray[np.bool_]"


@dataclass(frozen=True, slots=True)
class Form:
    """What a file holds, and where."""

    first_block: int
    dimensions: int

    @property
    def record(self) -> int:
        """Bytes."""
        return max(LABEL.size, self.dimensions + _LENGTHS) + 7 & ~7

    def at(self, place: int) -> int:
        """Where the record of the chunk begins that is at this place in the order of blocks."""
        return HEAD_BYTES + (place + place // BLOCK_CHUNKS) * self.record

    def label_at(self, block: int) -> int:
        """Of the `block`th block of the file, behind its chunks."""
        return self.at((block + 1) * BLOCK_CHUNKS) - self.record

    def head(self) -> bytes:
        return _HEAD.pack(_KIND, self.first_block, self.dimensions)

    @classmethod
    def read(cls, descriptor: int) -> "Form | None":
        head = os.pread(descriptor, _HEAD.size, 0)
        if len(head) < _HEAD.size or not head.startswith(_KIND):
            return None
        _, first_block, dimensions = _HEAD.unpack(head)
        return cls(first_block, dimensions)


@dataclass(frozen=True, slots=True)
class Mapped:
    """The file as a search uses it: its records, shape (records, bytes), and of each block how many of its chunks are
    this archive's."""

    form: Form
    records: "NDArray[np.uint8]"
    written: "NDArray[np.int64]"

    def gather(self, places: "NDArray[np.int64]") -> Gathered:
        """The chunks at these places in the order of blocks."""
        import numpy as np

        blocks = places // BLOCK_CHUNKS
        there = (blocks < len(self.written)) & (places - blocks * BLOCK_CHUNKS < self.written.take(blocks, mode="clip"))
        found = self.records.take(places + blocks, axis=0, mode="clip")
        lengths = found[:, -_LENGTHS:].copy().view(np.float32)
        there &= lengths[:, 1] != 0
        return Gathered(found[:, : self.form.dimensions].view(np.int8), lengths[:, 1], lengths[:, 0], there)


def records_of_block(
    connection: sqlite3.Connection, sequences: "NDArray[np.uint32]", begin: int, dimensions: int, size: int
) -> "NDArray[np.uint8]":
    """The records, of `size` bytes each, of the chunks of a block from the one at `begin` on. `sequences` are the
    messages of all of its chunks; those that are no more have empty records."""
    import numpy as np

    made = np.zeros((len(sequences) - begin, size), np.uint8)
    wanted = sequences[begin:]
    wanted = wanted[wanted > 0]
    if not len(wanted):
        return made
    rows = connection.execute(_VECTORS, (int(wanted.min()), int(wanted.max()))).fetchall()
    rows = [row for row in rows if len(row[1]) % dimensions == 0]
    if not rows:
        return made
    of, packed = zip(*rows, strict=True)
    numbers = np.frombuffer(b"".join(packed), np.int8).reshape(-1, dimensions)
    counts = np.fromiter(map(len, packed), np.int64, len(packed)) // dimensions
    starts = np.cumsum(counts) - counts
    lengths, wholes = _lengths(numbers, starts, counts)

    runs = np.flatnonzero(np.diff(sequences, prepend=sequences[0] + 1))  # where messages begin
    run = np.searchsorted(runs, np.arange(begin, len(sequences)), "right") - 1
    sizes = np.diff(runs, append=len(sequences))
    message = np.searchsorted(of, sequences[runs])
    found = message < len(of)
    found[found] = np.array(of)[message[found]] == sequences[runs][found]
    message[~found] = 0
    # The first chunks of the block's first message may lie in the block before.
    skipped = np.where(runs == 0, counts[message] - sizes, 0)
    within = np.arange(begin, len(sequences)) - runs[run] + skipped[run]
    usable = found[run] & (within >= 0) & (within < counts[message[run]]) & (sizes[run] < BLOCK_CHUNKS)
    chunk = (starts[message[run]] + within)[usable]
    made[usable, :dimensions] = numbers[chunk].view(np.uint8)
    made[usable, -_LENGTHS:] = np.stack([wholes[chunk], lengths[chunk]], axis=1).view(np.uint8)
    return made


def _lengths(
    numbers: "NDArray[np.int8]", starts: "NDArray[np.int64]", counts: "NDArray[np.int64]"
) -> tuple["NDArray[np.float32]", "NDArray[np.float32]"]:
    """Of each chunk, and of the sum of its message's."""
    import numpy as np

    chunks = numbers.astype(np.float32)
    lengths = lengths_of(chunks)
    lengths[lengths == 0] = _NOTHING
    chunks /= lengths[:, None]
    wholes = lengths_of(np.add.reduceat(chunks, starts))
    wholes[wholes == 0] = _NOTHING
    return lengths, np.repeat(wholes, counts)


def lengths_of(vectors: "NDArray[np.float32]") -> "NDArray[np.float32]":
    """Of each row."""
    import numpy as np

    lengths: NDArray[np.float32] = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
    return lengths
