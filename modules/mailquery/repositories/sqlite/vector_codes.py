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
_AT_ONCE = 1_000  # of those: for larger arrays the system gives new memory each time, which takes longer than the sums
_FARTHEST = 65_535

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
class _Segment:
    sequences: "NDArray[np.uint32]"
    codes: "NDArray[np.uint64]"  # a row for each 64 dimensions, a column for each chunk: so they are quickest to scan


@dataclass(frozen=True, slots=True)
class Codes:
    """The signs of all chunks, 36 bytes for one of 256 dimensions. Never changed: what is added makes another one."""

    first_block: int
    last_block: int
    in_last_block: int  # chunks of the last block that are here
    segments: tuple[_Segment, ...]
    chunks: int

    def distances(self, code: "NDArray[np.uint64]") -> "NDArray[np.uint16]":
        """The number of signs in which each chunk differs from `code`, in the order of `sequences`."""
        import numpy as np

        found = np.zeros(self.chunks, np.uint16)
        start = 0
        for segment in self.segments:
            part = found[start : start + len(segment.sequences)]
            for row, word in zip(segment.codes, code, strict=True):
                part += np.bitwise_count(row ^ word)
            start += len(part)
        return found

    def sequences(self) -> "NDArray[np.uint32]":
        import numpy as np

        parts = [segment.sequences for segment in self.segments]
        return np.concatenate(parts) if parts else np.zeros(0, np.uint32)

    def nearest(
        self, vector: "NDArray[np.float32]", most: int, allowed: "NDArray[np.bool_] | None" = None
    ) -> list[int]:
        """The messages of the `most` nearest chunks by their signs, each once, the nearest first; `allowed` says by
        sequence which ones come into question."""
        import numpy as np

        distances, sequences = self.distances(sign_codes(vector.reshape(1, -1))[0]), self.sequences()
        if allowed is not None:
            inside = sequences < len(allowed)
            distances[~(inside & allowed[np.where(inside, sequences, 0)])] = _FARTHEST
        width = max(_WEIGHED, most)
        every = width >= len(distances)
        chosen = np.arange(len(distances)) if every else np.sort(np.argpartition(distances, width)[:width])
        chosen = chosen[distances[chosen] != _FARTHEST]
        found = sequences[chosen[_smallest(-self._weights(vector, chosen), most)]]
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
            end = start + len(segment.sequences)
            low, high = np.searchsorted(chosen, (start, end))
            parts.append(segment.codes[:, chosen[low:high] - start])
            start = end
        if not parts:
            return np.zeros(0, np.float32)
        packed = np.ascontiguousarray(np.concatenate(parts, axis=1).T).view(np.uint8)
        padded = np.zeros(packed.shape[1] * 8, np.float32)
        padded[: len(vector)] = vector
        signs = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1).astype(np.float32) * 2 - 1
        by_byte = signs @ padded.reshape(-1, 8).T  # what each value of each byte adds to the product
        table, of_byte = by_byte.T.ravel(), np.arange(packed.shape[1], dtype=np.uint16) * 256
        weights = np.empty(len(packed), np.float32)
        for start in range(0, len(packed), _AT_ONCE):
            part = packed[start : start + _AT_ONCE]
            weights[start : start + _AT_ONCE] = table.take(part + of_byte).sum(axis=1)
        return weights


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
                held = Codes(state.first_block, state.first_block, 0, (), 0)
            elif held.first_block > state.first_block:
                # This transaction is older than a change of the model.
                return _extended(connection, Codes(state.first_block, state.first_block, 0, (), 0))
            if held.chunks < state.chunks:
                held = _extended(connection, held)
            self._held = held
            return held


def _extended(connection: sqlite3.Connection, codes: Codes) -> Codes:
    import numpy as np

    segments = list(codes.segments)
    last, there, total = codes.last_block, codes.in_last_block, codes.chunks
    waiting: list[_Segment] = []
    size = 0
    if segments and len(segments[-1].sequences) < _SEGMENT_CHUNKS:
        waiting = [segments.pop()]
        size = len(waiting[0].sequences)
    for block, chunks, sequences, packed in connection.execute(_BLOCKS, (codes.last_block,)):
        skipped = there if block == codes.last_block else 0
        last, there = block, chunks
        if chunks == skipped:
            continue
        numbers = np.frombuffer(sequences, "<u4").astype(np.uint32)[skipped:]
        words = np.frombuffer(packed, np.uint64).reshape(chunks, -1)[skipped:]
        waiting.append(_Segment(numbers, words.T))
        size += chunks - skipped
        total += chunks - skipped
        if size >= _SEGMENT_CHUNKS:
            segments.append(_joined(waiting))
            waiting, size = [], 0
    if waiting:
        segments.append(_joined(waiting))
    return Codes(codes.first_block, last, there, tuple(segments), total)


def _joined(parts: list[_Segment]) -> _Segment:
    import numpy as np

    return _Segment(
        np.concatenate([part.sequences for part in parts]),
        np.ascontiguousarray(np.concatenate([part.codes for part in parts], axis=1)),
    )
