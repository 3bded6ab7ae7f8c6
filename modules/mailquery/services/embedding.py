"""Making the vectors of messages that have none yet."""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence

from mailquery.embedding.chunks import chunk_texts
from mailquery.embedding.interfaces import Embedder
from mailquery.repositories.interfaces import VectorRepository
from mailquery.repositories.records import EmbeddingProgress, Unembedded
from mailquery.services.meaning import Background
from mcpkit.errors import ErrorCode, Fault

logger = logging.getLogger(__name__)

BATCH_MESSAGES = 128  # stored in one transaction
_FIRST_LOOK = 2.0  # seconds after a server's start, which is not to be slowed down
_BETWEEN_LOOKS = 5.0  # seconds; new mail counts as complete when none was added between two looks
_LONGEST_WAIT = 300.0  # seconds, after failures
_PASSING = frozenset({ErrorCode.SERVICE_UNAVAILABLE, ErrorCode.TIMEOUT, ErrorCode.CONFLICT, ErrorCode.STORAGE_FULL})


class EmbedMail:
    """Embeds what is pending, in the order in which it was added. Each batch is stored in one transaction, so that what
    ends it, in whatever way, costs one batch at most."""

    def __init__(self, vectors: VectorRepository, embedder: Embedder, *, batch: int = BATCH_MESSAGES) -> None:
        self.vectors = vectors
        self.embedder = embedder
        self._batch = batch

    async def __call__(self, progress: Callable[[EmbeddingProgress], None] | None = None) -> int:
        """Embeds everything and returns how many messages that were. Raises Fault CONFLICT where another process does
        it already, and what `Embedder.embed` raises."""
        done = 0
        async with self.vectors.embedding():
            while count := await self.next_batch():
                done += count
                if progress is not None:
                    progress(await self.vectors.progress())
        return done

    async def next_batch(self) -> int:
        """Embeds the next messages, inside `VectorRepository.embedding`; how many, 0 where none are left."""
        pending = await self.vectors.pending(self.embedder.name, self._batch)
        if not pending:
            return 0
        chunks = await asyncio.to_thread(_chunked, pending)
        vectors = await self.embedder.embed([text for texts in chunks for text in texts])
        batch = []
        start = 0
        for message, texts in zip(pending, chunks, strict=True):
            batch.append((message.sequence, vectors[start : start + len(texts)]))
            start += len(texts)
        await self.vectors.add(self.embedder.name, batch)
        return len(batch)


def _chunked(messages: Sequence[Unembedded]) -> list[list[str]]:
    return [chunk_texts(message.subject, message.body) for message in messages]


class KeepEmbedded:
    """Embeds beside a server, also mail that another process imports meanwhile.

    It gives way: while an import adds messages it waits, and between two batches it rests as long as the last one took.
    What stops it, and what it has done, is said in `background`.
    """

    def __init__(
        self,
        embed: EmbedMail,
        background: Background | None = None,
        *,
        first_look: float = _FIRST_LOOK,
        between_looks: float = _BETWEEN_LOOKS,
    ) -> None:
        self._embed = embed
        self._background = background or Background()
        self._first_look = first_look
        self._between_looks = between_looks
        self._total: int | None = None  # messages in the archive at the last look
        self._finished = False  # everything was embedded once

    async def __call__(self) -> None:
        """Goes on until it is cancelled, or until another process keeps embedding with another model."""
        wait = self._first_look
        failures = 0
        while True:
            await asyncio.sleep(wait)
            try:
                if not await self._look():
                    return
                failures = 0
                wait = self._between_looks
                self._background.stopped = ""
            except Fault as fault:
                if fault.code not in _PASSING:
                    logger.warning("no more messages are embedded: %s", fault.told_here)
                    self._background.stopped = (
                        f"{fault.message} Nothing more is embedded until the server is restarted."
                    )
                    return
                failures += 1
                wait = min(_LONGEST_WAIT, max(fault.retry_after or 0.0, self._between_looks * 2**failures))
                logger.info("embedding waits %.0f s: %s", wait, fault.told_here)
                if fault.code is not ErrorCode.CONFLICT:  # then another process embeds
                    self._background.stopped = f"{fault.message} It is tried again."

    async def _look(self) -> bool:
        """Embeds what is pending if the archive is at rest. False where it is none of this process's business."""
        found = await self._embed.vectors.progress()
        growing, self._total = found.total != self._total, found.total
        if found.model == self._embed.embedder.name:
            if found.messages >= found.total:
                self._finished = True
                return True
        elif self._finished:
            # Two servers with different settings would make each other's vectors anew for ever.
            logger.warning("another process embeds this archive with another model (%s); it is left to it", found.model)
            self._background.stopped = (
                f"Another process embeds this archive with another model ({found.model}): give both the same settings."
            )
            return False
        if not growing and found.total:
            await self._work()
        return True

    async def _work(self) -> None:
        async with self._embed.vectors.embedding():
            started = time.monotonic()
            while count := await self._embed.next_batch():
                self._background.embedded += count
                await asyncio.sleep(time.monotonic() - started)
                found = await self._embed.vectors.progress()
                if found.total != self._total:
                    return
                started = time.monotonic()
