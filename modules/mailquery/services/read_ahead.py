"""Reading a source ahead of what takes its messages: in a thread, in batches, with a bounded amount of mail waiting."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice

from mailquery.domain.identity import fingerprint
from mailquery.services.ahead import Ahead
from mailquery.services.new_messages import Preparation
from mailquery.sources.interfaces import MailSource, SourceMessage, UnreadablePlace

_BATCH_MESSAGES = 100
_BATCH_BYTES = 1024 * 1024
_AHEAD_BYTES = 32 * 1024 * 1024


@dataclass(slots=True)
class Batch:
    """What was read in one go, and the messages among it that are being prepared."""

    messages: list[SourceMessage] = field(default_factory=list)
    fingerprints: list[bytes] = field(default_factory=list)
    unreadable: list[UnreadablePlace] = field(default_factory=list)
    preparation: Preparation = field(default_factory=Preparation)
    size: int = 0  # bytes of the messages


def _read_batch(source: Iterator[SourceMessage | UnreadablePlace]) -> Batch:
    batch = Batch()
    for found in islice(source, _BATCH_MESSAGES):
        if isinstance(found, UnreadablePlace):
            batch.unreadable.append(found)
            continue
        batch.messages.append(found)
        batch.fingerprints.append(fingerprint(found.raw))
        batch.size += len(found.raw)
        if batch.size >= _BATCH_BYTES:
            break
    return batch


async def read_ahead(
    source: MailSource, start: Callable[[Batch], Awaitable[None]], batches: int
) -> AsyncGenerator[Batch, None]:
    """Batches in the order of the source. `start` is awaited for each as soon as it is read, at most `batches` before
    it is given."""
    ahead = Ahead(batches, _AHEAD_BYTES)
    queue: asyncio.Queue[Batch | None] = asyncio.Queue()
    reader = asyncio.create_task(_read(source, start, queue, ahead))
    try:
        while (batch := await queue.get()) is not None:
            yield batch
            ahead.taken(batch.size)
        await reader
    finally:
        reader.cancel()
        await asyncio.gather(reader, return_exceptions=True)


async def _read(
    source: MailSource,
    start: Callable[[Batch], Awaitable[None]],
    queue: asyncio.Queue[Batch | None],
    ahead: Ahead,
) -> None:
    messages = iter(source)
    try:
        while True:
            await ahead.room()
            batch = await asyncio.to_thread(_read_batch, messages)
            if not batch.messages and not batch.unreadable:
                return
            ahead.read(batch.size)
            await start(batch)
            queue.put_nowait(batch)
    finally:
        queue.put_nowait(None)
