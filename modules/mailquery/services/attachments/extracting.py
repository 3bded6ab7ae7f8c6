"""Reading what is attached to messages, so that it is found."""

import asyncio
import hashlib
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from mailquery.domain.extraction import Extraction, ExtractionState
from mailquery.extraction.interfaces import Extractor
from mailquery.parsing.reading import read_part
from mailquery.repositories.extracting import ExtractionProgress, ExtractionRepository, ReadPart, UnreadAttachments
from mcpkit.errors import ErrorCode, Fault

logger = logging.getLogger(__name__)

BATCH_MESSAGES = 32
_BATCH_BYTES = 32 << 20  # of messages that are looked at together
_BATCH_CHARS = 2_000_000  # of text that is stored in one transaction, or of one message
_FIRST_LOOK = 3.0  # seconds after a server's start, which is not to be slowed down
_BETWEEN_LOOKS = 5.0  # seconds; new mail counts as complete when none was added between two looks
_LONGEST_WAIT = 300.0  # seconds, after failures
_PASSING = frozenset({ErrorCode.SERVICE_UNAVAILABLE, ErrorCode.TIMEOUT, ErrorCode.CONFLICT, ErrorCode.STORAGE_FULL})

# What another try may end better: with other limits, another version of a library, or more memory.
FAILED = (
    ExtractionState.PARTIAL,
    ExtractionState.ENCRYPTED,
    ExtractionState.UNSUPPORTED,
    ExtractionState.DAMAGED,
    ExtractionState.LIMITED,
    ExtractionState.CRASHED,
)


@dataclass(frozen=True, slots=True)
class _Content:
    """What is attached somewhere: its bytes as they are read and the name that it was given there; hash and size are of
    the bytes as they were sent."""

    data: bytes
    name: str
    sha256: bytes
    size: int


@dataclass(slots=True)
class _Opened:
    """Attachments of one message. One without content is not to be read."""

    sequence: int
    parts: list[tuple[str, _Content | None]] = field(default_factory=list)


class ExtractAttachments:
    """Reads attachments that nobody looked at yet, those of the newest messages first. What is attached to several
    messages is read once. Each batch is stored in one transaction or a few, so that what ends it, in whatever way,
    costs one batch at most. `workers` attachments are read at once."""

    def __init__(
        self, texts: ExtractionRepository, extractor: Extractor, *, workers: int = 1, batch: int = BATCH_MESSAGES
    ) -> None:
        self.texts = texts
        self._extractor = extractor
        self._workers = workers
        self._batch = batch

    async def __call__(
        self, progress: Callable[[ExtractionProgress], None] | None = None, *, retry_failed: bool = False
    ) -> int:
        """Reads everything and returns how many attachments that were; with `retry_failed` also those that could not be
        read before. Raises Fault CONFLICT where another process does it already, SERVICE_UNAVAILABLE where no process
        can be started, STORAGE_FULL, STORAGE_DAMAGED."""
        done = 0
        async with self.texts.extracting():
            await self.texts.apply_policy()
            if retry_failed:
                await self.texts.retry(FAILED)
            while count := await self.next_batch():
                done += count
                if progress is not None:
                    progress(await self.texts.progress())
            await self.texts.put_in_order()
        return done

    async def next_batch(self) -> int:
        """Reads the next attachments, inside `ExtractionRepository.extracting`; how many, 0 where none are left."""
        pending = await self.texts.pending(self._batch, _BATCH_BYTES)
        if not pending:
            return 0
        opened = await asyncio.to_thread(_open_all, pending)
        contents = {content.sha256: content for each in opened for _, content in each.parts if content is not None}
        known = await self.texts.known(list(contents))
        extracted = await self._extract([content for sha256, content in contents.items() if sha256 not in known])
        waiting: dict[int, list[ReadPart]] = {}
        size = 0
        for message in opened:
            for part, content in message.parts:
                found = ReadPart(part)
                if content is not None:
                    # Only the first needs it. With each, none is left out where a message goes meanwhile.
                    extraction = extracted.get(content.sha256)
                    found = ReadPart(part, content.sha256, content.size, extraction)
                    size += _length(extraction)
                waiting.setdefault(message.sequence, []).append(found)
            if size >= _BATCH_CHARS:
                await self.texts.add(waiting)
                waiting, size = {}, 0
        if waiting:
            await self.texts.add(waiting)
        return sum(len(message.parts) for message in opened)

    async def _extract(self, contents: Sequence[_Content]) -> Mapping[bytes, Extraction]:
        found: dict[bytes, Extraction] = {}
        waiting = iter(contents)

        async def work() -> None:
            for content in waiting:  # each takes the next one that no other has
                try:
                    found[content.sha256] = await self._extractor.extract(content.data, content.name)
                except OSError as error:
                    raise _no_process(error) from error

        try:
            async with asyncio.TaskGroup() as tasks:
                for _ in range(min(self._workers, len(contents))):
                    tasks.create_task(work())
        except ExceptionGroup as group:
            raise group.exceptions[0] from group
        return found


def _no_process(error: OSError) -> Fault:
    return Fault(
        ErrorCode.SERVICE_UNAVAILABLE,
        f"No process can be started to read attachments in ({error.strerror or type(error).__name__}).",
    )


def _open_all(messages: Sequence[UnreadAttachments]) -> list[_Opened]:
    return [_opened(message) for message in messages]


def _opened(message: UnreadAttachments) -> _Opened:
    opened = _Opened(message.sequence)
    for part in message.parts:
        content = None
        if not part.withheld:
            found = read_part(message.raw, part.part)
            data = found.data if found is not None else b""
            readable = found.as_file if found is not None else b""
            content = _Content(readable, part.filename, hashlib.sha256(data).digest(), len(data))
        opened.parts.append((part.part, content))
    return opened


def _length(extraction: Extraction | None) -> int:
    return sum(len(section.text) for section in extraction.sections) if extraction is not None else 0


class KeepExtracted:
    """Reads beside a server, also what is attached to mail that another process imports meanwhile.

    It gives way: while attachments come in it waits, and between two batches it rests as long as the last one took.
    """

    def __init__(
        self,
        extract: ExtractAttachments,
        *,
        first_look: float = _FIRST_LOOK,
        between_looks: float = _BETWEEN_LOOKS,
    ) -> None:
        self._extract = extract
        self._first_look = first_look
        self._between_looks = between_looks
        self._total: int | None = None  # attachments in the archive at the last look
        self._policy_changed = True  # the process's own, since it was last applied

    def policy_changed(self) -> None:
        """The process has another policy than before. It is applied at the next look."""
        self._policy_changed = True

    async def __call__(self) -> None:
        """Goes on until it is cancelled. Raises the Fault by which nothing more can be read, whatever is tried."""
        wait = self._first_look
        failures = 0
        while True:
            await asyncio.sleep(wait)
            try:
                await self._look()
                failures = 0
                wait = self._between_looks
            except Fault as fault:
                if fault.code not in _PASSING:
                    raise
                failures += 1
                wait = min(_LONGEST_WAIT, max(fault.retry_after or 0.0, self._between_looks * 2**failures))
                logger.info("reading attachments waits %.0f s: %s", wait, fault.told_here)

    async def _look(self) -> None:
        """Reads what is pending if the archive is at rest."""
        texts = self._extract.texts
        if self._policy_changed:
            async with texts.extracting():
                await texts.apply_policy()
            self._policy_changed = False
        found = await texts.progress()
        growing, self._total = found.total != self._total, found.total
        if growing or found.done >= found.total:
            return
        async with texts.extracting():
            started = time.monotonic()
            while await self._extract.next_batch():
                await asyncio.sleep(time.monotonic() - started)
                found = await texts.progress()
                if found.total != self._total:
                    return
                started = time.monotonic()
            await texts.put_in_order()
