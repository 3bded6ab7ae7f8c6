"""Preparing what is read and not stored yet, each message once."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from mailquery.repositories.prepared import PreparedMessage
from mailquery.services.parser_pool import Job
from mailquery.sources.interfaces import SourceMessage

Known = Callable[[Sequence[bytes]], Awaitable[set[bytes]]]


class Preparers(Protocol):
    """What prepares messages (`services.parser_pool.ParserPool`)."""

    def submit(self, jobs: Sequence[Job], now: datetime) -> Future[list[PreparedMessage]]: ...

    async def result(
        self, future: Future[list[PreparedMessage]], jobs: Sequence[Job], now: datetime
    ) -> list[PreparedMessage]: ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Preparation:
    """Messages that are being prepared; none where all of them are stored already, or on their way."""

    jobs: Sequence[Job] = ()
    prepared: Future[list[PreparedMessage]] | None = None

    @property
    def is_done(self) -> bool:
        return self.prepared is None or self.prepared.done()


class NewMessages:
    """Prepares the messages that are not stored, by a `pool`. `known` tells which fingerprints are."""

    def __init__(self, known: Known, pool: Preparers) -> None:
        self._known = known
        self._pool = pool
        self._now = datetime.now(UTC)
        self._unwritten: set[bytes] = set()

    async def start(self, messages: Sequence[SourceMessage], fingerprints: Sequence[bytes]) -> Preparation:
        known = await self._known(fingerprints)
        jobs = []
        for message, print_ in zip(messages, fingerprints, strict=True):
            if print_ not in known and print_ not in self._unwritten:
                self._unwritten.add(print_)
                jobs.append(Job(message, print_))
        return Preparation(jobs, self._pool.submit(jobs, self._now)) if jobs else Preparation()

    async def result(self, preparation: Preparation) -> list[PreparedMessage]:
        if preparation.prepared is None:
            return []
        return await self._pool.result(preparation.prepared, preparation.jobs, self._now)

    def written(self, messages: Iterable[PreparedMessage]) -> None:
        """They are stored now: to be told of each that `result` gave."""
        self._unwritten.difference_update(message.fingerprint for message in messages)

    def close(self) -> None:
        self._pool.close()
