"""SQLite for a server: one writing connection, as many reading ones as there are cores, each on a thread of its own.

More readers than cores make every read slower: the threads hand the interpreter's lock to each other.
"""

import asyncio
import os
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Self, TypeVar

from mcpkit.database import connections
from mcpkit.database.at_hand import AtHand, Rows
from mcpkit.database.connection_thread import ConnectionThread
from mcpkit.database.connections import in_snapshot, in_transaction
from mcpkit.database.faults import slow_storage, translated
from mcpkit.database.migrations import Migration
from mcpkit.database.opening import SqlFunction, is_current, prepare
from mcpkit.database.place import Place
from mcpkit.database.writer_lock import WriterLock
from mcpkit.errors import ErrorCode, Fault

T = TypeVar("T")


Spans = Callable[[str, Mapping[str, str]], AbstractContextManager[object]]
"""Gives the span of a name, with attributes."""

READ_TIMEOUT = 5.0  # seconds
_LEAST_BUSY_TIMEOUT = 0.1  # of a write that has waited that long already, behind others of this process
_LATE = 0.25  # seconds after its time limit that a read is waited for: SQLite stops most of them by itself
_CLOSING = 10.0  # seconds that what is running may take to end when the database is closed
_NO_SPAN = nullcontext()
_RETRY_AFTER = 2.0  # seconds
_BETWEEN_TRIES = 0.05  # seconds between two tries to have the lock that another process holds


@dataclass(frozen=True, slots=True)
class Readers:
    """Connections for reading: those that are `busy`, of `most`."""

    busy: int
    most: int

    @property
    def idle(self) -> int:
        return self.most - self.busy


class Database:
    """An open database. Made by `Database.open`; to be closed with `close`, or used as an async context manager."""

    def __init__(
        self, path: Path, readers: int, read_timeout: float, functions: Mapping[str, SqlFunction] | None = None
    ) -> None:
        self.path = path
        self._functions = functions or {}
        self._read_timeout = read_timeout
        self._most_readers = readers
        self._slots = asyncio.Semaphore(readers)  # first come, first served
        self._idle: list[ConnectionThread] = []
        self._readers: list[ConnectionThread] = []
        self._writer: ConnectionThread | None = None
        self.place = Place(path)
        self._at_hand = AtHand(path, self.place.check_for_another_connection)
        self._writing = asyncio.Lock()
        self._lock = WriterLock(self.place.lock)
        self._running: set[asyncio.Task[Any]] = set()
        self.schema = 0  # the version that it was opened with
        self.spans: Spans | None = None  # around what runs, where that is to be seen in a trace
        self.waited: Callable[[float], None] | None = None  # told the seconds that each reader waited for a connection

    @classmethod
    async def open(
        cls,
        path: Path,
        *,
        migrations: Sequence[Migration],
        functions: Mapping[str, SqlFunction] | None = None,
        queried: Mapping[str, SqlFunction] | None = None,
        readers: int | None = None,
        read_timeout: float = READ_TIMEOUT,
    ) -> Self:
        """Opens the database at `path`, creating it (0600) and its folder (0700) where they are missing.

        `functions` are those of one argument, by name, that the migrations use, and `queried` those that whatever reads
        and writes later may use. Connections are made when they are
        first needed. Raises Fault STORAGE_TOO_NEW, STORAGE_DAMAGED, STORAGE_FULL, SERVICE_UNAVAILABLE; CONFLICT where
        a migration is due and another process keeps writing.
        """
        self = cls(path, readers or os.cpu_count() or 1, read_timeout, queried)
        if not is_current(self.place, migrations):
            await asyncio.to_thread(prepare, self.place, self._lock, migrations, functions or {})
        self.schema = len(migrations)
        with translated(path):
            self.place.remember()
        return self

    async def read(self, function: Callable[[sqlite3.Connection], T]) -> T:
        """Runs `function` on a reading connection, in one transaction: all of its statements see the same state.

        Raises Fault TIMEOUT once the time limit has passed, also where a statement hangs in the file system, and
        SERVICE_UNAVAILABLE where no connection becomes free for as long. Cancellation stops the running statement.
        """
        began = time.monotonic()
        await self._slot()
        try:
            if self.waited is not None:
                self.waited(time.monotonic() - began)
            reader = self._idle.pop() if self._idle else await self._new_reader()
        except BaseException:
            self._slots.release()
            raise

        def give_back(task: asyncio.Task[T]) -> None:
            self._idle.append(reader)
            self._slots.release()

        snapshot = partial(in_snapshot, function=function)
        with self._span("read", function):
            return await self._run(reader, snapshot, self._read_timeout, give_back, connections.BUSY_TIMEOUT)

    async def examine(self, function: Callable[[sqlite3.Connection], T]) -> T:
        """As `read`, on a connection of its own and for as long as it takes. Cancellation stops the running statement.
        For upkeep: what is asked for by callers has a time limit."""
        self.place.check_for_another_connection()
        worker = ConnectionThread(self.path, self._functions, read_only=True)
        with translated(self.path):
            await worker.start()
        try:
            snapshot = partial(in_snapshot, function=function)
            return await self._run(worker, snapshot, float("inf"), _nothing, connections.BUSY_TIMEOUT)
        finally:
            await worker.close()

    async def glance(self, function: Callable[[sqlite3.Connection], T]) -> T:
        """As `read`, at once and in the caller's own thread: for looking up some rows by an indexed key, which takes
        some microseconds, where to have a thread do it takes a hundred. Where that might wait, a thread does it.

        Raises what `read` raises.
        """
        try:
            return self._at_hand.glance(function)
        except sqlite3.Error:  # it is being recovered, or has a fault, which `read` finds words for
            return await self.read(function)

    async def look_up(self, sql: str, values: tuple[Any, ...], shape: Callable[[Rows], T]) -> T:
        """As `glance`, what `shape` makes of the rows of one statement. It is kept while nobody writes to the database,
        and the same object is given again: it must be one that nobody changes."""
        try:
            return self._at_hand.look_up(sql, values, shape)
        except sqlite3.Error:  # as above
            return await self.read(lambda connection: shape(connection.execute(sql, values).fetchall()))

    async def write(self, function: Callable[[sqlite3.Connection], T]) -> T:
        """Runs `function` on the writing connection in one transaction, undone where it raises or is cancelled.

        Raises Fault STORAGE_FULL; SERVICE_UNAVAILABLE where another process's transaction does not end.
        """

        with self._span("write", function):
            return await self._on_writer(lambda connection: in_transaction(connection, function))

    async def maintain(self, function: Callable[[sqlite3.Connection], T]) -> T:
        """Runs `function` on the writing connection outside a transaction: checkpoints and the like."""
        with self._span("maintain", function):
            return await self._on_writer(function)

    @asynccontextmanager
    async def exclusive(self, patience: float = 0.0) -> AsyncIterator[None]:
        """Keeps every other process, and every other `Database`, from `exclusive`; readers go on. Tasks that share this
        `Database` hold it together.

        Raises Fault CONFLICT, naming the holder's process id, where it is not to be had within `patience` seconds.
        """
        deadline = time.monotonic() + patience
        while True:
            try:
                with translated(self.path):
                    self._lock.acquire()
                break
            except Fault as fault:
                # The lock can only be tried; waiting for it in the system would keep a thread.
                if fault.code is not ErrorCode.CONFLICT or time.monotonic() >= deadline:
                    raise
            await asyncio.sleep(_BETWEEN_TRIES)
        try:
            yield
        finally:
            self._lock.release()

    @property
    def readers(self) -> Readers:
        return Readers(len(self._readers) - len(self._idle), self._most_readers)

    def is_held(self) -> bool:
        """Whether any process, this one too, is inside `exclusive`."""
        return self._lock.is_held()

    async def close(self) -> None:
        """Stops what is running and closes every connection."""
        for worker in (*self._readers, *([self._writer] if self._writer else [])):
            worker.stop()
        if self._running:
            _, hanging = await asyncio.wait(self._running, timeout=_CLOSING)
            if hanging:  # in the file system: their threads end with the process, and the log makes that safe
                return
        for reader in self._readers:
            await reader.close()
        self._readers.clear()
        self._idle.clear()
        self._at_hand.close()
        # Last, since the connection that closes last folds the log into the database, and only a writing one can.
        if self._writer is not None:
            await self._writer.close()
            self._writer = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def _span(self, doing: str, function: Callable[[sqlite3.Connection], Any]) -> AbstractContextManager[object]:
        """What is done is named by the function that does it, never by its statements, whose values are mail."""
        if self.spans is None:
            return _NO_SPAN
        name = operation(function)
        about = {"db.system.name": "sqlite", "db.namespace": self.path.stem, "db.operation.name": name}
        return self.spans(f"sqlite {doing} {name}", about)

    async def _slot(self) -> None:
        if not self._slots.locked():
            await self._slots.acquire()
            return
        try:
            async with asyncio.timeout(self._read_timeout):
                await self._slots.acquire()
        except TimeoutError:
            raise Fault(
                ErrorCode.SERVICE_UNAVAILABLE,
                f"{self.path.name} has more to do than it can: no query began within {self._read_timeout:g} s. Try "
                "again in a moment.",
                retry_after=_RETRY_AFTER,
            ) from None

    async def _new_reader(self) -> ConnectionThread:
        self.place.check_for_another_connection()
        reader = ConnectionThread(self.path, self._functions, read_only=True)
        with translated(self.path):
            await reader.start()
        self._readers.append(reader)
        return reader

    async def _on_writer(self, function: Callable[[sqlite3.Connection], T]) -> T:
        asked = time.monotonic()
        await self._writing.acquire()
        try:
            if self._writer is None:
                self.place.check_for_another_connection()
                writer = ConnectionThread(self.path, self._functions, read_only=False)
                with translated(self.path):
                    await writer.start()
                self._writer = writer
        except BaseException:
            self._writing.release()
            raise
        # Those who wait behind a write that another process holds up have waited for that process as well.
        patience = connections.BUSY_TIMEOUT
        if (waited := time.monotonic() - asked) > _LEAST_BUSY_TIMEOUT:
            patience = max(_LEAST_BUSY_TIMEOUT, connections.BUSY_TIMEOUT - waited)
        return await self._run(self._writer, function, float("inf"), lambda _: self._writing.release(), patience)

    async def _run(
        self,
        worker: ConnectionThread,
        function: Callable[[sqlite3.Connection], T],
        seconds: float,
        done: Callable[["asyncio.Task[T]"], None],
        patience: float,
    ) -> T:
        """Runs `function`; `done` is called when it has really ended, which is later than a cancellation, or than the
        end of the time limit where it hangs in the file system."""
        task = worker.run(function, seconds, patience)
        self._running.add(task)

        def ended(task: "asyncio.Task[T]") -> None:
            self._running.discard(task)
            if not task.cancelled():
                task.exception()  # a cancelled caller does not fetch it
            done(task)

        task.add_done_callback(ended)
        try:
            async with asyncio.timeout(None if seconds == float("inf") else seconds + _LATE):
                return await asyncio.shield(task)
        except TimeoutError:
            worker.stop()
            raise slow_storage(self.path, seconds) from None
        except asyncio.CancelledError:
            if not task.done():
                worker.stop()
            raise
        finally:
            del task  # its error refers to this frame: a large message would be in memory until the next collection


def operation(function: Callable[..., object]) -> str:
    """`SqliteSearch.page` for a function that is defined in that method."""
    while isinstance(function, partial):
        function = function.func
    name: str = getattr(function, "__qualname__", type(function).__name__)
    return name.partition(".<locals>")[0]


def _nothing(task: "asyncio.Task[Any]") -> None:
    """There is nothing to give back."""
