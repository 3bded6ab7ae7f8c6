"""From fetched messages to the archive: parsing and writing go on while more is fetched."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from mailquery.domain.identity import fingerprint
from mailquery.repositories.prepared import PreparedMessage, SourceProblem
from mailquery.repositories.synchronising import Arrival, SyncRepository
from mailquery.services.ahead import Ahead
from mailquery.services.new_messages import NewMessages, Preparation
from mailquery.services.synchronising.mailbox import Mailbox
from mailquery.sources.interfaces import SourceMessage

# A transaction is written when it has so much, when so much time has gone by, or when nothing else is on its way.
_WRITE_MESSAGES = 2_000
_WRITE_BYTES = 16 * 1024 * 1024
_WRITE_SECONDS = 1.0
# What one process parses at a time.
_BATCH_MESSAGES = 100
_BATCH_BYTES = 1024 * 1024
_AHEAD_BATCHES = 400
_AHEAD_BYTES = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Fetched:
    """A message of a mailbox, and its content where that was fetched: else `arrival.fingerprint` is of a message that
    is stored."""

    arrival: Arrival
    message: SourceMessage | None = None

    @property
    def size(self) -> int:
        return len(self.message.raw) if self.message is not None else 0


@dataclass(frozen=True, slots=True)
class _Batch:
    mailbox: Mailbox
    arrivals: Sequence[Arrival]
    problems: Sequence[SourceProblem]
    preparation: Preparation
    size: int


@dataclass(slots=True)
class _Pending:
    """What is written in one transaction: batches of one mailbox."""

    batches: list[_Batch] = field(default_factory=list)
    messages: int = 0
    size: int = 0

    def add(self, batch: _Batch) -> None:
        self.batches.append(batch)
        self.messages += len(batch.arrivals)
        self.size += batch.size

    @property
    def is_full(self) -> bool:
        return self.messages >= _WRITE_MESSAGES or self.size >= _WRITE_BYTES


class Storing:
    """Stores what it is given, in that order, and in a bounded amount of memory: `room` is to be awaited first.

    What fails raises from the next call of any method.
    """

    def __init__(
        self, sync: SyncRepository, account: str, messages: NewMessages, written: Callable[[Mailbox], None]
    ) -> None:
        """`written` is called after each write."""
        self._sync = sync
        self._account = account
        self._messages = messages
        self._tell = written
        self._ahead = Ahead(_AHEAD_BATCHES, _AHEAD_BYTES)
        self._queue: asyncio.Queue[_Batch | None] = asyncio.Queue()
        self._coming: dict[str, asyncio.Future[None]] = {}  # contents that are fetched now, by their content id
        self._writing: asyncio.Task[None] | None = None
        self._wrote = 0.0
        self.placed = 0
        self.added = 0
        self.partial = 0
        self.problems: Counter[str] = Counter()
        self._writer = asyncio.create_task(self._write_all())

    async def room(self) -> None:
        """Waits until more may be fetched."""
        room = asyncio.ensure_future(self._ahead.room())
        try:
            await asyncio.wait((room, self._writer), return_when=asyncio.FIRST_COMPLETED)
        finally:
            room.cancel()
        self._check()

    async def take(self, mailbox: Mailbox, fetched: Sequence[Fetched], problems: Sequence[SourceProblem] = ()) -> None:
        part: list[Fetched] = []
        size = 0
        for one in fetched:
            part.append(one)
            size += one.size
            if len(part) >= _BATCH_MESSAGES or size >= _BATCH_BYTES:
                await self._take(mailbox, part, problems, size)
                part, size, problems = [], 0, ()
        if part or problems:
            await self._take(mailbox, part, problems, size)

    async def _take(
        self, mailbox: Mailbox, fetched: Sequence[Fetched], problems: Sequence[SourceProblem], size: int
    ) -> None:
        self._check()
        messages = [one.message for one in fetched if one.message is not None]
        prints = await asyncio.to_thread(lambda: [fingerprint(message.raw) for message in messages])
        given = iter(prints)
        arrivals = [
            replace(one.arrival, fingerprint=next(given)) if one.message is not None else one.arrival for one in fetched
        ]
        preparation = await self._messages.start(messages, prints)
        # Nothing may come between this and the call above: who places a message must come behind who brings it.
        self._queue.put_nowait(_Batch(mailbox, arrivals, problems, preparation, size))
        self._ahead.read(size)

    def claim(self, content_id: str) -> bool:
        """Whether it is for the caller to fetch this content: nobody else does now. To be released."""
        if content_id in self._coming:
            return False
        self._coming[content_id] = asyncio.get_running_loop().create_future()
        return True

    def release(self, content_ids: Sequence[str]) -> None:
        """They are stored, or will not be by the one who claimed them."""
        for content_id in content_ids:
            coming = self._coming.pop(content_id, None)
            if coming is not None and not coming.done():
                coming.set_result(None)

    async def released(self, content_ids: Sequence[str]) -> None:
        """Waits until nobody fetches any of these."""
        waiting = [self._coming[each] for each in content_ids if each in self._coming]
        if waiting:
            await asyncio.wait((*waiting, self._writer), return_when=asyncio.FIRST_COMPLETED)
            self._check()
            await self.released(content_ids)

    async def settle(self) -> None:
        """Waits until all that was given is stored."""
        self._check()
        if not self._writer.done():
            settled = asyncio.ensure_future(self._queue.join())
            try:
                await asyncio.wait((settled, self._writer), return_when=asyncio.FIRST_COMPLETED)
            finally:
                settled.cancel()
        self._check()

    async def close(self) -> None:
        """Stores what is parsed, and drops the rest, which the next synchronisation fetches again. Raises what storing
        raises."""
        if self._writer.done():
            self._messages.close()
            self._writer.result()
            return
        parsed: list[_Batch] = []
        while not self._queue.empty():
            batch = self._queue.get_nowait()
            if batch is None or not batch.preparation.is_done:
                break
            parsed.append(batch)
        while not self._queue.empty():
            self._queue.get_nowait()
        for batch in (*parsed, None):
            self._queue.put_nowait(batch)
        try:
            await self._writer
        finally:
            self._messages.close()

    def _check(self) -> None:
        if self._writer.done():
            self._writer.result()
            raise AssertionError("nothing is stored after the end")

    async def _write_all(self) -> None:
        pending = _Pending()
        while True:
            batch = await self._queue.get()
            if batch is None:
                break
            if pending.batches and pending.batches[0].mailbox is not batch.mailbox:
                pending = await self._write(pending)
            pending.add(batch)
            if pending.is_full or self._queue.empty() or time.monotonic() - self._wrote >= _WRITE_SECONDS:
                pending = await self._write(pending)
        await self._write(pending)

    async def _write(self, pending: _Pending) -> _Pending:
        """Gives an empty one."""
        if not pending.batches:
            return pending
        mailbox = pending.batches[0].mailbox
        prepared: list[PreparedMessage] = []
        for batch in pending.batches:
            prepared += await self._messages.result(batch.preparation)
        arrivals = [arrival for batch in pending.batches for arrival in batch.arrivals]
        problems = [problem for batch in pending.batches for problem in batch.problems]
        problems += [
            SourceProblem(message.locator, problem, message.fingerprint)
            for message in prepared
            for problem in message.parsed.problems
        ]
        added = await self._sync.add(self._account, mailbox.name, arrivals, prepared, problems)
        self._messages.written(prepared)
        mailbox.read(len(arrivals))
        self._note(arrivals, prepared, problems, added)
        self.release([arrival.content_id for arrival in arrivals if arrival.content_id])
        for batch in pending.batches:
            self._ahead.taken(batch.size)
            self._queue.task_done()
        self._wrote = time.monotonic()
        self._tell(mailbox)
        return _Pending()

    def _note(
        self,
        arrivals: Sequence[Arrival],
        prepared: Sequence[PreparedMessage],
        problems: Sequence[SourceProblem],
        added: int,
    ) -> None:
        self.placed += len(arrivals)
        self.added += added
        new = {message.fingerprint for message in prepared}
        self.partial += len({arrival.fingerprint for arrival in arrivals if arrival.partial} & new)
        self.problems.update(problem.problem.code.value for problem in problems)
