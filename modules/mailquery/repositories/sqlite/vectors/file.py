"""The vectors of all chunks in a file that is mapped. In the database they lie message by message: to read those that a
search compares, of up to 1,600 messages anywhere in it, took half of the search. All processes share the file's pages,
and the system takes them back where it needs the memory.

The database stays the truth. Who searches writes the file out of it, some blocks at a time, and a block counts only
where its label says that it has the messages and signs that the archive has: what is not there, was removed or is of
another archive is read from the database. The file is never made shorter in its place, since a process ends that
touches what was mapped and is not there any more.

How it is made up: `vector_records`.
"""

import hashlib
import mmap
import os
import sqlite3
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mailquery.repositories.sqlite.vectors.codes import BLOCK_CHUNKS, State
from mailquery.repositories.sqlite.vectors.records import HEAD_BYTES, LABEL, Form, Mapped, records_of_block
from mcpkit.database.files import private_file
from mcpkit.database.writer_lock import WriterLock
from mcpkit.errors import Fault

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

WORTHWHILE = BLOCK_CHUNKS  # chunks in all: fewer are read from the database as quickly
_WRITTEN_AT_ONCE = 8  # blocks, by one search: some tens of milliseconds
_LOOKED_AT = 64  # blocks of which one search finds out whether they are this archive's
_BUSY = 1.0  # seconds until it is tried again where another process writes
_FAILED = 60.0  # and where it cannot be written

_BLOCKS = """
    SELECT block - ?1, chunks, sequences, codes FROM vector_blocks
    WHERE block IN (SELECT value + ?1 FROM json_each(?2)) ORDER BY block
"""


@dataclass(frozen=True, slots=True)
class _Block:
    """As the archive has it in one transaction."""

    number: int  # in the file, from 0
    chunks: int
    sequences: bytes
    codes: bytes

    def label(self, chunks: int) -> bytes:
        """Of its first so many chunks."""
        digest = hashlib.blake2b(self.sequences[: 4 * chunks], digest_size=32)
        digest.update(self.codes[: len(self.codes) // self.chunks * chunks])
        return LABEL.pack(chunks, digest.digest())


class VectorFile:
    """Shared by all readers of a database."""

    def __init__(self) -> None:
        self._path: Path | None = None
        self._held: Mapped | None = None
        self._mapping: tuple[int, int, int] = (0, 0, 0)  # device, inode, and bytes that are mapped
        self._refreshing = threading.Lock()
        self._not_before = 0.0

    def mapped(self, connection: sqlite3.Connection, state: State) -> Mapped | None:
        """What of the file can be used in this transaction; None where nothing can."""
        if state.chunks < WORTHWHILE:
            return None
        form = Form(state.first_block, state.dimensions)
        held = self._held if self._is_there() else None
        if held is not None and held.form == form and int(held.written.sum()) >= state.chunks:
            return held
        if time.monotonic() >= self._not_before and self._refreshing.acquire(blocking=False):
            try:
                held = self._held = self._refreshed(connection, state, form, held)
            except OSError:
                # It is of use and not needed: the disk may be full, or the folder not be ours to write in.
                self._not_before = time.monotonic() + _FAILED
            finally:
                self._refreshing.release()
        return held if held is not None and held.form == form else None

    def _is_there(self) -> bool:
        """Whether the file that is mapped is the one that has the name, and as long as it was."""
        if self._path is None:
            return False
        try:
            found = os.stat(self._path)
        except OSError:
            return False
        device, inode, size = self._mapping
        return (found.st_dev, found.st_ino) == (device, inode) and found.st_size >= size

    def _refreshed(
        self, connection: sqlite3.Connection, state: State, form: Form, held: Mapped | None
    ) -> Mapped | None:
        """Sees what others have written, and writes some of what is missing still."""
        import numpy as np

        path = self._path = self._path or file_of(connection)
        if path is None:
            return None
        sizes = np.full(-(-state.chunks // BLOCK_CHUNKS), BLOCK_CHUNKS, np.int64)
        sizes[-1] = state.chunks - BLOCK_CHUNKS * (len(sizes) - 1)
        written = np.zeros(len(sizes), np.int64)
        if held is not None and held.form == form:
            known = held.written[: len(sizes)]
            written[: len(known)] = known
        missing = np.flatnonzero(written < sizes)[:_LOOKED_AT].tolist()
        blocks = [_Block(*row) for row in connection.execute(_BLOCKS, (form.first_block, str(missing)))]
        descriptor = _opened(path, form)
        if descriptor is not None:
            try:
                _confirm(descriptor, form, blocks, written)
            finally:
                os.close(descriptor)
        blocks = [block for block in blocks if written[block.number] < block.chunks][:_WRITTEN_AT_ONCE]
        if blocks and not _written_alone(connection, path, form, blocks, written):
            self._not_before = time.monotonic() + _BUSY
        return self._map(path, form, written)

    def _map(self, path: Path, form: Form, written: "NDArray[np.int64]") -> Mapped | None:
        import numpy as np

        descriptor = _opened(path, form)
        if descriptor is None:
            return None
        try:
            found = os.fstat(descriptor)
            count = (found.st_size - HEAD_BYTES) // form.record
            if count <= 0:
                return None
            mapping = mmap.mmap(descriptor, found.st_size, access=mmap.ACCESS_READ)
        finally:
            os.close(descriptor)
        self._mapping = (found.st_dev, found.st_ino, found.st_size)
        records = np.frombuffer(mapping, np.uint8, count * form.record, HEAD_BYTES).reshape(count, form.record)
        whole = count // (BLOCK_CHUNKS + 1)
        return Mapped(form, records, written[:whole])


def file_of(connection: sqlite3.Connection) -> Path | None:
    """Where the file of a database is; None for one that is in no file."""
    (path,) = (path for _, name, path in connection.execute("PRAGMA database_list") if name == "main")
    return Path(f"{path}.vectors") if path else None


def erase(connection: sqlite3.Connection, first_block: int, places: Sequence[int]) -> None:
    """Overwrites chunks of messages that are being removed, before that is done: what is empty here is read from the
    database, whether or not the transaction is undone. A file of another model goes as a whole. Raises OSError."""
    path = file_of(connection)
    if path is None:
        return
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return
    try:
        form = Form.read(descriptor)
        if form is None or form.first_block != first_block:
            path.unlink(missing_ok=True)
            return
        size = os.fstat(descriptor).st_size
        for place in places:
            if form.at(place) + form.record <= size:
                _put(descriptor, bytes(form.record), form.at(place))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def discard(connection: sqlite3.Connection) -> None:
    """Takes the file away. Raises OSError."""
    if (path := file_of(connection)) is not None:
        path.unlink(missing_ok=True)


def _opened(path: Path, form: Form) -> int | None:
    """A descriptor to read from; None where there is no file of this form."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return None
    if Form.read(descriptor) == form:
        return descriptor
    os.close(descriptor)
    return None


def _confirm(descriptor: int, form: Form, blocks: Iterable[_Block], written: "NDArray[np.int64]") -> None:
    """Finds out how many chunks of each block are written."""
    for block in blocks:
        label = os.pread(descriptor, LABEL.size, form.label_at(block.number))
        chunks = LABEL.unpack(label)[0] if len(label) == LABEL.size else 0
        # One with more chunks than this transaction sees cannot be told: what was known of it stays.
        if chunks <= block.chunks:
            written[block.number] = chunks if chunks and label == block.label(chunks) else 0


def _written_alone(
    connection: sqlite3.Connection, path: Path, form: Form, blocks: Sequence[_Block], written: "NDArray[np.int64]"
) -> bool:
    """Writes what the blocks lack; False where there is nothing to do but wait for others."""
    lock = WriterLock(path.with_name(path.name + ".lock"))
    try:
        lock.acquire()
    except Fault:
        return False
    try:
        descriptor = _open_to_write(path, form)
        try:
            _confirm(descriptor, form, blocks, written)  # others may have been quicker
            lacking = [block for block in blocks if _may_be_written(descriptor, form, block, written)]
            _write(connection, descriptor, form, lacking, written)
            return bool(lacking)
        finally:
            os.close(descriptor)
    finally:
        lock.release()


def _write(
    connection: sqlite3.Connection, descriptor: int, form: Form, blocks: Sequence[_Block], written: "NDArray[np.int64]"
) -> None:
    """A label is written when its chunks are on the disk: what a crash leaves is labelled as it is, or not at all."""
    import numpy as np

    end = max((form.at((block.number + 1) * BLOCK_CHUNKS) for block in blocks), default=0)
    if os.fstat(descriptor).st_size < end:
        os.ftruncate(descriptor, end)
    for block in blocks:
        begin = int(written[block.number])
        if not begin:
            _put(descriptor, bytes(LABEL.size), form.label_at(block.number))
        sequences = np.frombuffer(block.sequences, "<u4").astype(np.uint32)
        records = records_of_block(connection, sequences, begin, form.dimensions, form.record)
        _put(descriptor, records.tobytes(), form.at(block.number * BLOCK_CHUNKS + begin))
    os.fsync(descriptor)
    for block in blocks:
        _put(descriptor, block.label(block.chunks), form.label_at(block.number))
        written[block.number] = block.chunks


def _may_be_written(descriptor: int, form: Form, block: _Block, written: "NDArray[np.int64]") -> bool:
    """Whether it lacks chunks, and has none that this transaction does not see yet."""
    label = os.pread(descriptor, LABEL.size, form.label_at(block.number))
    ahead = len(label) == LABEL.size and LABEL.unpack(label)[0] > block.chunks
    return not ahead and written[block.number] < block.chunks


def _open_to_write(path: Path, form: Form) -> int:
    """A descriptor of the file, of a new one where there is none of this form. What is mapped of the old one stays."""
    flags = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        descriptor = os.open(path, flags)
        if Form.read(descriptor) == form:
            return descriptor
        os.close(descriptor)
    except FileNotFoundError:
        pass
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    private_file(fresh)
    descriptor = os.open(fresh, flags)
    try:
        _put(descriptor, form.head(), 0)
        fresh.replace(path)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _put(descriptor: int, content: bytes, at: int) -> None:
    """Writes all of it."""
    left = memoryview(content)
    while left:
        done = os.pwrite(descriptor, left, at)
        left, at = left[done:], at + done
