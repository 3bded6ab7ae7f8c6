"""Vectors in the two forms that are stored: int8 for exact distances, and signs for a scan of all of them in memory."""

import sqlite3
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BLOCK_CHUNKS = 4096
_SEGMENT_CHUNKS = 32_768  # scanned at a time: their codes fit into a core's cache
_WEIGHED = 8_000  # chunks, the nearest by their signs, that are compared with the vector's own numbers

_STATE = "SELECT model, dimensions, through, messages, chunks, first_block, emptied FROM embedding"
_BLOCKS = "SELECT block, chunks, sequences, codes FROM vector_blocks WHERE block >= ? ORDER BY block"


@dataclass(frozen=True, slots=True)
class State:
    """The row of `embedding`. `emptied` of the `chunks` are of messages that were removed: they keep their places in
    the blocks, with zeros for their message and their signs."""

    model: str
    dimensions: int
    through: int
    messages: int
    chunks: int
    first_block: int
    emptied: int = 0

    @classmethod
    def read(cls, connection: sqlite3.Connection) -> "State":
        return cls(*connection.execute(_STATE).fetchone())


def quantized(vectors: "NDArray[np.float32]") -> "NDArray[np.int8]":
    """Each row scaled so that its largest number is 127."""
    import numpy as np

    largest = np.abs(vectors).max(axis=1, keepdims=True)
    scaled = np.divide(vectors * 127, largest, out=np.zeros_like(vectors), where=largest > 0)
    rounded: NDArray[np.int8] = np.rint(scaled).astype(np.int8)
    return rounded


def sign_codes(vectors: "NDArray[np.float32]") -> "NDArray[np.uint64]":
    """The signs of each row as the bits of whole numbers: shape (rows, dimensions / 64 rounded up)."""
    import numpy as np

    bits = np.packbits(vectors > 0, axis=1)
    padded = np.zeros((len(bits), -(-bits.shape[1] // 8) * 8), np.uint8)
    padded[:, : bits.shape[1]] = bits
    return padded.view(np.uint64)


@dataclass(frozen=True, slots=True)
class Places:
    """Where the chunks of messages stand among all chunks: by ascending sequences of messages, the first of each, and
    how many there are."""

    sequences: "NDArray[np.uint32]"
    first: "NDArray[np.uint32]"
    counts: "NDArray[np.uint32]"

    @classmethod
    def of(cls, chunks: "NDArray[np.uint32]") -> "Places":
        """`chunks` has the message of each chunk, zero where it was removed."""
        import numpy as np

        first = np.flatnonzero(np.diff(chunks, prepend=np.uint32(0)))
        counts = np.diff(first, append=len(chunks))
        kept = chunks[first] > 0
        first, counts = first[kept], counts[kept]
        return cls(chunks[first], first.astype(np.uint32), counts.astype(np.uint32))

    def find(self, sequences: "NDArray[np.int64]") -> tuple["NDArray[np.int64]", "NDArray[np.int64]"]:
        """The first place of each message and the number of its chunks, 0 where it has none here."""
        import numpy as np

        if not len(self.sequences):
            return np.zeros(len(sequences), np.int64), np.zeros(len(sequences), np.int64)
        at = np.searchsorted(self.sequences, sequences.astype(np.uint32))
        at[at == len(self.sequences)] = 0
        counts = np.where(self.sequences[at] == sequences, self.counts[at], 0)
        return self.first[at].astype(np.int64), counts.astype(np.int64)


@dataclass(frozen=True, slots=True)
class Codes:
    """The signs of all chunks, 36 bytes for one of 256 dimensions, and 12 bytes for each message. Never changed: what
    is added makes another one."""

    first_block: int
    last_block: int
    in_last_block: int  # chunks of the last block that are here
    segments: tuple["NDArray[np.uint64]", ...]
    # Of each a row for each 64 dimensions, and a column for each chunk: so they are quickest to scan.
    sequences: "NDArray[np.uint32]"  # the message of each chunk, 0 where it was removed
    places: Places

    @property
    def chunks(self) -> int:
        return len(self.sequences)

    @classmethod
    def none_of(cls, first_block: int) -> "Codes":
        import numpy as np

        nothing = np.zeros(0, np.uint32)
        return cls(first_block, first_block, 0, (), nothing, Places.of(nothing))

    def distances(self, code: "NDArray[np.uint64]") -> "NDArray[np.uint16]":
        """The number of signs in which each chunk differs from `code`, in the order of `sequences`."""
        import numpy as np

        found = np.zeros(self.chunks, np.uint16)
        start = 0
        for segment in self.segments:
            part = found[start : start + segment.shape[1]]
            for row, word in zip(segment, code, strict=True):
                part += np.bitwise_count(row ^ word)
            start += len(part)
        return found

    def nearest(
        self, vector: "NDArray[np.float32]", most: int, allowed: "NDArray[np.bool_] | None" = None
    ) -> list[int]:
        """The messages of the `most` nearest chunks by their signs, each once, the nearest first; `allowed` says by
        sequence which ones come into question, and not that of 0."""
        import numpy as np

        distances = self.distances(sign_codes(vector.reshape(1, -1))[0])
        width = max(_WEIGHED, most)
        if allowed is None:
            chosen = _lowest(distances, width)
            chosen = chosen[self.sequences[chosen] > 0]  # what was removed keeps its places, as the message 0
        else:
            places = np.flatnonzero(_allowed(self.sequences, allowed))
            chosen = places[_lowest(distances[places], width)]
        found = self.sequences[chosen[_smallest(-self._weights(vector, chosen), most)]]
        _, first = np.unique(found, return_index=True)
        nearest: list[int] = found[np.sort(first)].tolist()
        return nearest

    def _weights(self, vector: "NDArray[np.float32]", chosen: "NDArray[np.intp]") -> "NDArray[np.float32]":
        """The dot products of `vector` itself and the signs of the chunks at these ascending places. It finds half of
        what the distance between signs alone would miss."""
        import numpy as np

        parts = []
        start = 0
        for segment in self.segments:
            end = start + segment.shape[1]
            low, high = np.searchsorted(chosen, (start, end))
            parts.append(segment.take(chosen[low:high] - start, axis=1))
            start = end
        if not parts:
            return np.zeros(0, np.float32)
        words = np.concatenate(parts, axis=1)
        padded = np.zeros(len(words) * 64, np.float32)
        padded[: len(vector)] = vector
        signs = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1).astype(np.float32) * 2 - 1
        by_byte = padded.reshape(-1, 8) @ signs.T  # what each value of each byte adds to the product
        weights, part = np.zeros(len(chosen), np.float32), np.empty(len(chosen), np.float32)
        # Byte by byte for all chunks: a look-up in 256 numbers takes half as long as one in all of them.
        for word, tables in zip(words, by_byte.reshape(len(words), 8, 256), strict=True):
            for values, table in zip(word.view(np.uint8).reshape(-1, 8).T, tables, strict=True):
                table.take(values, out=part, mode="clip")
                weights += part
        return weights


def _allowed(sequences: "NDArray[np.uint32]", allowed: "NDArray[np.bool_]") -> "NDArray[np.bool_]":
    """Of each sequence whether it is allowed; those behind the last are not."""
    import numpy as np

    found: NDArray[np.bool_] = np.append(allowed, False).take(sequences, mode="clip")
    return found


def _lowest(values: "NDArray[np.uint16]", most: int) -> "NDArray[np.intp]":
    """The ascending places of the `most` lowest of these small numbers, and of all that equal the last of them. They
    are counted: a partition takes seven times as long."""
    import numpy as np

    if len(values) <= most:
        return np.arange(len(values))
    border = int(np.searchsorted(np.cumsum(np.bincount(values)), most))
    return np.flatnonzero(values <= border)


def _smallest(values: "NDArray[np.float32]", most: int) -> "NDArray[np.intp]":
    """The places of the `most` smallest, the smallest first, and of equals the first: without all being sorted."""
    import numpy as np

    places = np.arange(len(values))
    if len(values) > most:
        places = np.flatnonzero(values <= np.partition(values, most - 1)[most - 1])
    first: NDArray[np.intp] = places[np.argsort(values[places], kind="stable")[:most]]
    return first


class CodeCache:
    """The codes as one connection's transaction sees them, kept between searches and shared by all readers."""

    def __init__(self) -> None:
        self._held: Codes | None = None
        self._loading = threading.Lock()

    def load(self, connection: sqlite3.Connection, state: State) -> Codes:
        """Reads what was added since the last search. A search in an older transaction may get chunks that are not
        there for it: their messages have no vectors in that transaction, and drop out when those are read."""
        held = self._held
        if held is not None and held.first_block == state.first_block and held.chunks >= state.chunks:
            return held
        with self._loading:
            held = self._held
            if held is None or held.first_block < state.first_block:
                held = Codes.none_of(state.first_block)
            elif held.first_block > state.first_block:
                # This transaction is older than a change of the model.
                return _extended(connection, Codes.none_of(state.first_block))
            if held.chunks < state.chunks:
                held = _extended(connection, held)
            self._held = held
            return held


def _extended(connection: sqlite3.Connection, codes: Codes) -> Codes:
    import numpy as np

    segments, sequences = list(codes.segments), [codes.sequences]
    last, there = codes.last_block, codes.in_last_block
    waiting: list[NDArray[np.uint64]] = []
    size = 0
    if segments and segments[-1].shape[1] < _SEGMENT_CHUNKS:
        waiting = [segments.pop()]
        size = waiting[0].shape[1]
    for block, chunks, numbers, packed in connection.execute(_BLOCKS, (codes.last_block,)):
        skipped = there if block == codes.last_block else 0
        last, there = block, chunks
        if chunks == skipped:
            continue
        sequences.append(np.frombuffer(numbers, "<u4").astype(np.uint32)[skipped:])
        waiting.append(np.frombuffer(packed, np.uint64).reshape(chunks, -1)[skipped:].T)
        size += chunks - skipped
        if size >= _SEGMENT_CHUNKS:
            segments.append(np.ascontiguousarray(np.concatenate(waiting, axis=1)))
            waiting, size = [], 0
    if waiting:
        segments.append(np.ascontiguousarray(np.concatenate(waiting, axis=1)))
    every = np.concatenate(sequences)
    return Codes(codes.first_block, last, there, tuple(segments), every, Places.of(every))
