"""The repository of vectors: which messages still need some, adding them, and what is near what."""

import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from mailquery.domain.messages import EMPTY_BODY, Body
from mailquery.domain.queries import Query
from mailquery.repositories.compression import unpack_body
from mailquery.repositories.records import EmbeddingProgress, SimilarMessage, Unembedded, Visibility
from mailquery.repositories.sqlite.archive import Archive
from mailquery.repositories.sqlite.compile import compile_query
from mailquery.repositories.sqlite.people_index import PeopleIndex
from mailquery.repositories.sqlite.rows import read_rows
from mailquery.repositories.sqlite.scope import Scope
from mailquery.repositories.sqlite.vectors.codes import BLOCK_CHUNKS, State, quantized, sign_codes
from mailquery.repositories.sqlite.vectors.nearest import NearestVectors
from mcpkit.database.faults import translated
from mcpkit.database.writer_lock import WriterLock
from mcpkit.errors import ErrorCode, Fault

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from mailquery.repositories.interfaces import Vectors

_BATCH_CHARS = 8_000_000  # of text that one call of `pending` gives
_WASTE_BLOCKS = 32  # of an earlier model, dropped with each addition

_PENDING = """
    SELECT m.sequence, m.subject, b.body FROM messages m
    CROSS JOIN bodies b ON b.sequence = m.sequence
    WHERE m.sequence > ? ORDER BY m.sequence LIMIT ?
"""
_TOTAL = "SELECT value FROM facts WHERE name = 'messages'"
_SHOWN = """
    SELECT count(*), coalesce(sum(m.sequence <= ?2), 0) FROM messages m
    WHERE EXISTS (SELECT 1 FROM shown_placements v WHERE v.message = m.id
                  AND v.mailbox IN (SELECT value FROM json_each(?1)))
"""
_OF_MESSAGE = """
    SELECT m.id, v.vectors FROM messages m JOIN vectors v ON v.sequence = m.sequence
    WHERE m.id = (SELECT k.message FROM message_keys k WHERE k.key = ?1) AND m.sequence <= ?2
      AND (?3 IS NULL OR EXISTS (SELECT 1 FROM shown_placements p WHERE p.message = m.id
                                 AND p.mailbox IN (SELECT value FROM json_each(?3))))
"""


class SqliteVectors:
    """`VectorRepository`. `index` finds by vector inside another repository's transaction; it is shared, since it keeps
    every vector's signs in memory."""

    def __init__(self, database: Archive) -> None:
        self.index = NearestVectors()
        self._database = database
        self._people = PeopleIndex()
        path = database.path.with_name(database.path.name + ".embedding.lock")
        self._lock = WriterLock(path, "is making the vectors of this archive, and goes on with it.")

    @asynccontextmanager
    async def embedding(self) -> AsyncIterator[None]:
        # Not the lock of `Database.exclusive`: an import that begins meanwhile must not be refused. The two write
        # different tables, each transaction of theirs is short, and SQLite lets the other one wait for it.
        with translated(self._database.path):
            self._lock.acquire()
        try:
            yield
        finally:
            self._lock.release()

    async def pending(self, model: str, limit: int) -> tuple[Unembedded, ...]:
        def read(connection: sqlite3.Connection) -> tuple[Unembedded, ...]:
            state = State.read(connection)
            through = state.through if state.model == model else 0
            found = []
            size = 0
            for sequence, subject, packed in connection.execute(_PENDING, (through, limit)):
                body = _body(packed)
                found.append(Unembedded(sequence, subject, body))
                size += len(body.text)
                if size >= _BATCH_CHARS:
                    break
            return tuple(found)

        return await self._database.read_unshown(read)

    async def add(self, model: str, batch: Sequence[tuple[int, "Vectors"]]) -> bool:
        return await self._database.write(lambda connection: _add(connection, model, batch))

    async def progress(self) -> EmbeddingProgress:
        def read(connection: sqlite3.Connection) -> EmbeddingProgress:
            state = State.read(connection)
            (total,) = connection.execute(_TOTAL).fetchone()
            return EmbeddingProgress(state.model, state.messages, total, state.chunks - state.emptied)

        return await self._database.read_unshown(read)

    async def shown_progress(self, visible: Visibility) -> EmbeddingProgress:
        def read(connection: sqlite3.Connection) -> EmbeddingProgress:
            state, scope = State.read(connection), Scope(connection, visible)
            if scope.limit is None:
                (total,) = connection.execute(_TOTAL).fetchone()
                return EmbeddingProgress(state.model, state.messages, total, state.chunks - state.emptied)
            total, embedded = connection.execute(_SHOWN, (scope.limit, state.through)).fetchone()
            return EmbeddingProgress(state.model, embedded, total, 0)

        return await self._database.read(read)

    async def similar(
        self, key: int, model: str, query: Query, visible: Visibility, *, limit: int
    ) -> tuple[SimilarMessage, ...] | None:
        def read(connection: sqlite3.Connection) -> tuple[SimilarMessage, ...] | None:
            scope = Scope(connection, visible, query)
            state = State.read(connection)
            stored = connection.execute(_OF_MESSAGE, (key, state.through, scope.limit)).fetchone()
            if stored is None or state.model != model:
                return None
            row, packed = stored
            selection = compile_query(connection, query, scope, self._people)
            near = self.index.nearest(connection, model, _mean(packed, state.dimensions), selection, limit + 1)
            near = [(other, cosine) for other, cosine in near if other != row][:limit]
            rows = read_rows(connection, [other for other, _ in near], scope)
            return tuple(SimilarMessage(each, cosine) for each, (_, cosine) in zip(rows, near, strict=True))

        return await self._database.read(read)


def _body(packed: bytes) -> Body:
    try:
        return unpack_body(packed)[0]
    except ValueError:
        # Whoever reads this message is told that it is damaged; the others must not wait for it.
        return EMPTY_BODY


def _mean(packed: bytes, dimensions: int) -> "NDArray[np.float32]":
    """What a whole message is about: the mean direction of its chunks."""
    import numpy as np

    if not packed:
        return np.zeros(dimensions, np.float32)
    chunks = np.frombuffer(packed, np.int8).reshape(-1, dimensions).astype(np.float32)
    lengths = np.linalg.norm(chunks, axis=1, keepdims=True)
    mean: NDArray[np.float32] = np.divide(chunks, lengths, out=chunks, where=lengths > 0).mean(axis=0)
    return mean


def _add(connection: sqlite3.Connection, model: str, batch: Sequence[tuple[int, "Vectors"]]) -> bool:
    import numpy as np

    if not batch:
        return True
    state = State.read(connection)
    if state.model != model:
        (last,) = connection.execute("SELECT coalesce(max(block), 0) FROM vector_blocks").fetchone()
        state = State(model, 0, 0, 0, 0, max(last, state.first_block) + 1)
    if batch[0][0] <= state.through:
        return False
    with_text = [(sequence, vectors) for sequence, vectors in batch if len(vectors)]
    for _, vectors in with_text:
        state = _of_dimensions(state, vectors.shape[1])
    connection.executemany(
        "INSERT OR REPLACE INTO vectors VALUES (?, ?)",
        [(sequence, quantized(vectors).tobytes() if len(vectors) else b"") for sequence, vectors in batch],
    )
    sequences = np.repeat(
        np.array([sequence for sequence, _ in with_text], np.uint32), [len(vectors) for _, vectors in with_text]
    )
    if with_text:
        _append(connection, state, sequences, sign_codes(np.concatenate([vectors for _, vectors in with_text])))
    connection.execute(
        "UPDATE embedding"
        " SET model = ?, dimensions = ?, through = ?, messages = ?, chunks = ?, first_block = ?, emptied = ?",
        (
            model,
            state.dimensions,
            batch[-1][0],
            state.messages + len(batch),
            state.chunks + len(sequences),
            state.first_block,
            state.emptied,
        ),
    )
    connection.execute(
        "DELETE FROM vector_blocks WHERE block IN (SELECT block FROM vector_blocks WHERE block < ? LIMIT ?)",
        (state.first_block, _WASTE_BLOCKS),
    )
    return True


def _of_dimensions(state: State, dimensions: int) -> State:
    """The state with vectors of so many dimensions, or a fault where it has others already."""
    if state.dimensions in (0, dimensions):
        return replace(state, dimensions=dimensions)
    raise Fault(
        ErrorCode.CONFIGURATION,
        f"The model {state.model} gave vectors of {dimensions} dimensions, and those that are stored have "
        f"{state.dimensions}. Set the dimensions that it is to have, or another name for the model.",
    )


def _append(
    connection: sqlite3.Connection, state: State, sequences: "NDArray[np.uint32]", codes: "NDArray[np.uint64]"
) -> None:
    """Fills the last block, and further ones."""
    last = connection.execute(
        "SELECT block, chunks, sequences, codes FROM vector_blocks WHERE block >= ? ORDER BY block DESC LIMIT 1",
        (state.first_block,),
    ).fetchone()
    block, chunks, packed_sequences, packed_codes = last or (state.first_block, 0, b"", b"")
    start = 0
    while start < len(sequences):
        if chunks == BLOCK_CHUNKS:
            block, chunks, packed_sequences, packed_codes = block + 1, 0, b"", b""
        end = min(len(sequences), start + BLOCK_CHUNKS - chunks)
        chunks += end - start
        packed_sequences += sequences[start:end].astype("<u4").tobytes()
        packed_codes += codes[start:end].tobytes()
        connection.execute(
            "INSERT OR REPLACE INTO vector_blocks VALUES (?, ?, ?, ?)", (block, chunks, packed_sequences, packed_codes)
        )
        start = end
