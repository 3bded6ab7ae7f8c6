"""Importing mail from files into the archive."""

import asyncio
import time
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path

from mailquery.domain.messages import Problem
from mailquery.repositories.interfaces import ImportRepository
from mailquery.repositories.prepared import NewPlacement, PreparedMessage, SourceProblem
from mailquery.services.new_messages import NewMessages
from mailquery.services.parser_pool import ParserPool
from mailquery.services.read_ahead import Batch, read_ahead
from mailquery.sources.detection import open_sources
from mailquery.sources.interfaces import MailSource
from mcpkit.errors import ErrorCode, Fault

DEFAULT_ACCOUNT = "local"

_WRITE_MESSAGES = 2_000
_WRITE_BYTES = 16 * 1024 * 1024
_LISTED_PROBLEMS = 20
_WORTH_MORE_WORKERS = 4 * 1024 * 1024  # bytes; starting a process takes as long as parsing a few hundred messages


@dataclass(frozen=True, slots=True)
class ImportProgress:
    """How far an import is. Bytes are of the sources' files; `seconds` since its start."""

    source: str
    bytes_read: int
    bytes_total: int
    imported: int
    already_there: int
    problems: int
    seconds: float


@dataclass(frozen=True, slots=True)
class ImportSummary:
    """What an import did. `problems` counts what could not be read in full, and `listed` has the first of them;
    every one is recorded in the archive."""

    imported: int
    already_there: int
    problems: int
    by_code: dict[str, int]
    listed: tuple[SourceProblem, ...]
    seconds: float
    bytes_total: int

    @property
    def found_nothing(self) -> bool:
        """Whether the sources hold something, and no mail. An empty mailbox is no mistake."""
        return self.bytes_total > 0 and not self.imported and not self.already_there

    @property
    def messages_per_second(self) -> float:
        return (self.imported + self.already_there) / self.seconds if self.seconds else 0.0


def _name(name: str, of: str) -> str:
    """A name that the user gave, as it can be typed again in a query."""
    name = unicodedata.normalize("NFC", name).strip()
    if not name or any(unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp") for letter in name):
        raise Fault(
            ErrorCode.VALIDATION_ERROR,
            f"The name of the {of} must have at least one letter and no line breaks or other control characters.",
            details={"argument": of},
        )
    return name


def _open_all(paths: Sequence[Path], format: str | None, mailbox: str | None) -> tuple[list[MailSource], list[int]]:
    sources = [source for path in paths for source in open_sources(path, format=format, mailbox=mailbox)]
    return sources, [source.size() for source in sources]


@dataclass(slots=True)
class _Pending:
    """What waits to be written in one transaction."""

    messages: list[PreparedMessage] = field(default_factory=list)
    placements: list[NewPlacement] = field(default_factory=list)
    problems: list[SourceProblem] = field(default_factory=list)
    read: int = 0
    size: int = 0

    def is_full(self) -> bool:
        return self.read >= _WRITE_MESSAGES or self.size >= _WRITE_BYTES


class ImportMail:
    """Reads sources to their end and adds what is new.

    Reading, parsing (in `workers` processes) and writing go on at the same time, with a bounded amount of mail between
    them. What is written is complete: an import that was stopped, in whatever way, is completed by running it again.
    """

    def __init__(self, imports: ImportRepository, *, workers: int) -> None:
        self._imports = imports
        self._workers = workers

    async def __call__(
        self,
        paths: Sequence[Path],
        *,
        account: str = DEFAULT_ACCOUNT,
        mailbox: str | None = None,
        format: str | None = None,
        progress: Callable[[ImportProgress], None] | None = None,
    ) -> ImportSummary:
        """Imports the mail at `paths` into `account`; what is there is recognised unless `format` says it, and goes to
        the mailboxes that the source names, or to `mailbox`. `progress` is called after every batch.

        Raises `Fault`: VALIDATION_ERROR for a name of nothing or with control characters; NOT_FOUND,
        SOURCE_UNAVAILABLE and INVALID_FORMAT for a path, before anything is read; CONFLICT where another process is
        importing; STORAGE_FULL, STORAGE_DAMAGED. What was written until then stays.
        """
        account = _name(account, "account")
        mailbox = None if mailbox is None else _name(mailbox, "mailbox")
        sources, sizes = await asyncio.to_thread(_open_all, paths, format, mailbox)
        async with self._imports.writing():
            run = _Run(self._imports, self._workers, account, sources, sizes, progress)
            try:
                await run.read_all()
            finally:
                run.close()
            await run.finish()
            return run.summary()


class _Run:
    """One import under way."""

    def __init__(
        self,
        imports: ImportRepository,
        workers: int,
        account: str,
        sources: Sequence[MailSource],
        sizes: Sequence[int],
        progress: Callable[[ImportProgress], None] | None,
    ) -> None:
        self._imports = imports
        self._account = account
        self._sources = sources
        self._sizes = sizes
        self._progress = progress
        self._started = time.monotonic()
        self._total = sum(sizes)
        pool = ParserPool(workers if self._total >= _WORTH_MORE_WORKERS else 1)
        self._messages = NewMessages(imports.known, pool)
        self._batches_ahead = 4 * workers + 2
        self._bytes_before = 0
        self._pending = _Pending()
        self._writing: asyncio.Task[None] | None = None
        self._seen = 0
        self._new = 0
        self._imported = 0
        self._already_there = 0
        self._by_code: Counter[str] = Counter()
        self._listed: list[SourceProblem] = []

    async def read_all(self) -> None:
        try:
            for source, size in zip(self._sources, self._sizes, strict=True):
                async with aclosing(read_ahead(source, self._start_preparing, self._batches_ahead)) as batches:
                    async for batch in batches:
                        await self._take(batch)
                        self._report(source)
                self._bytes_before += size
        except (Exception, asyncio.CancelledError):
            await self._write_rest()  # whatever ends the reading: what was read is not to be read again
            raise
        await self._write_rest()

    async def _start_preparing(self, batch: Batch) -> None:
        batch.preparation = await self._messages.start(batch.messages, batch.fingerprints)

    async def _take(self, batch: Batch) -> None:
        prepared = await self._messages.result(batch.preparation)
        pending = self._pending
        pending.messages.extend(prepared)
        for message, print_ in zip(batch.messages, batch.fingerprints, strict=True):
            pending.placements.append(NewPlacement(print_, self._account, message.placements))
            pending.size += len(message.raw)
        pending.read += len(batch.messages) + len(batch.unreadable)
        self._seen += len(batch.messages)
        self._new += len(prepared)
        for place in batch.unreadable:
            self._note(place.locator, place.problem, None)
        for one in prepared:
            for problem in one.parsed.problems:
                self._note(one.locator, problem, one.fingerprint)
        if pending.is_full():
            await self._start_writing()

    def _note(self, locator: str, problem: Problem, print_: bytes | None) -> None:
        recorded = SourceProblem(locator, problem, print_)
        self._pending.problems.append(recorded)
        self._by_code[problem.code.value] += 1
        if len(self._listed) < _LISTED_PROBLEMS:
            self._listed.append(recorded)

    async def _start_writing(self) -> None:
        """Reading and parsing go on during a write; the next one waits for it."""
        await self._written()
        pending, self._pending = self._pending, _Pending()
        if pending.read:
            self._writing = asyncio.create_task(self._write(pending))

    async def _written(self) -> None:
        if self._writing is not None:
            # Cancelling the import must not undo a write that is under way.
            await asyncio.shield(self._writing)
            self._writing = None

    async def _write_rest(self) -> None:
        await self._start_writing()
        await self._written()

    async def _write(self, pending: _Pending) -> None:
        added = await self._imports.add(pending.messages, pending.placements, pending.problems)
        self._imported += added
        self._already_there += len(pending.placements) - added
        self._messages.written(pending.messages)

    async def finish(self) -> None:
        names: dict[str, None] = {}
        for source in self._sources:
            for name, role in source.mailboxes():
                names[name] = None
                await self._imports.set_role(self._account, name, role)
        await self._imports.finished(self._account, list(names))

    def close(self) -> None:
        self._messages.close()

    def _report(self, source: MailSource) -> None:
        if self._progress is None:
            return
        self._progress(
            ImportProgress(
                source=source.path,
                bytes_read=min(self._total, self._bytes_before + source.position()),
                bytes_total=self._total,
                imported=self._new,
                already_there=self._seen - self._new,
                problems=self._by_code.total(),
                seconds=time.monotonic() - self._started,
            )
        )

    def summary(self) -> ImportSummary:
        return ImportSummary(
            imported=self._imported,
            already_there=self._already_there,
            problems=self._by_code.total(),
            by_code=dict(self._by_code),
            listed=tuple(self._listed),
            seconds=time.monotonic() - self._started,
            bytes_total=self._total,
        )
