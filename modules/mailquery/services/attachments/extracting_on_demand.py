"""Reading an attachment that somebody asks for: once, whoever else asks for it meanwhile, and stored for the next."""

import asyncio
import hashlib
import logging
from dataclasses import dataclass
from functools import partial

from mailquery.domain.extraction import Extraction
from mailquery.extraction.interfaces import Extractor
from mailquery.repositories.extracting import ExtractionRepository, ReadPart
from mailquery.services.attachments.finding import AttachmentContent
from mcpkit.errors import ErrorCode, Fault

logger = logging.getLogger(__name__)

_KEPT_WITHIN = 3.0  # seconds; who asked for the text waits for it
_LEFT_ALONE = 4  # that go on although nobody waits for them any more


@dataclass(slots=True)
class _Reading:
    task: asyncio.Task[Extraction]
    waiting: int = 0


class ExtractOnDemand:
    """Without `texts` nothing is stored. Whoever gives up waiting finds the text when they ask again: it goes on."""

    def __init__(self, extractor: Extractor, texts: ExtractionRepository | None) -> None:
        self._extractor = extractor
        self._texts = texts
        self._readings: dict[tuple[int, str], _Reading] = {}

    async def __call__(self, key: int, part: str, content: AttachmentContent) -> Extraction:
        """Of the attachment `part` of the message with this key. Raises Fault SERVICE_UNAVAILABLE where no process can
        be started."""
        reading = self._readings.get((key, part))
        if reading is None or reading.task.done():
            reading = _Reading(asyncio.create_task(self._read(key, part, content)))
            self._readings[key, part] = reading
            reading.task.add_done_callback(partial(self._forget, key, part))
        reading.waiting += 1
        try:
            return await asyncio.shield(reading.task)
        finally:
            reading.waiting -= 1
            if not reading.waiting and not reading.task.done() and len(self._readings) > _LEFT_ALONE:
                reading.task.cancel()

    async def close(self) -> None:
        """Ends what nobody waits for."""
        tasks = [reading.task for reading in self._readings.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _read(self, key: int, part: str, content: AttachmentContent) -> Extraction:
        try:
            extraction = await self._extractor.extract(content.readable, content.attachment.filename)
            await self._keep(key, ReadPart(part, _hash(content.data), len(content.data), extraction))
        except OSError as error:
            message = "No process can be started now to read attachments in. Try again later."
            raise Fault(ErrorCode.SERVICE_UNAVAILABLE, message) from error
        return extraction

    def _forget(self, key: int, part: str, task: asyncio.Task[Extraction]) -> None:
        reading = self._readings.get((key, part))
        if reading is not None and reading.task is task:
            del self._readings[key, part]

    async def _keep(self, key: int, found: ReadPart) -> None:
        if self._texts is None:
            return
        try:
            async with asyncio.timeout(_KEPT_WITHIN):
                await self._texts.keep(key, found)
        except (Fault, TimeoutError) as error:
            # A full disk, or another process that writes for long: it is read all the same.
            logger.warning("the text of an attachment was not stored: %s", error)


def _hash(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()
