"""Figures of a mail server for Prometheus: of its archive, its background and its health. Nothing in them names an
account; hosts are those of the accounts.

A figure that cannot be read is NaN, and left out of what is served.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import nan
from pathlib import Path
from typing import Literal, Protocol

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from mailquery.domain.accounts import AccountState
from mailquery.domain.extraction import ExtractionState
from mailquery.services.background.sync_runs import SyncRuns
from mailquery.services.figures import ArchiveFigures
from mcpkit.database.writer_lock import WriterLock
from mcpkit.errors import Fault
from mcpkit.monitoring.health import Report
from mcpkit.monitoring.metrics import CallMetrics, Followed
from mcpkit.resilience.breakers import BreakerStanding, State
from mcpkit.resilience.cache import CacheFigures

logger = logging.getLogger(__name__)

_WAITS = (0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0)
_FAILED = (ExtractionState.DAMAGED, ExtractionState.LIMITED, ExtractionState.CRASHED)

_Mode = Literal["livesum", "livemax", "livemostrecent"]


class Readers(Protocol):
    """A database's connections that read."""

    @property
    def busy(self) -> int: ...

    @property
    def idle(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Shown:
    """Where the figures come from. `turn` tells whether this process is the one of several that looks at the archive,
    `free` gives the bytes that are free on its disk. `stored`, `extracted` (by what came of it) and `embedded` count
    what this process did since it was started."""

    archive: Callable[[], Awaitable[ArchiveFigures]]
    health: Callable[[], Awaitable[Report]]
    runs: SyncRuns
    breakers: Callable[[], Sequence[BreakerStanding]]
    readers: Callable[[], Readers]
    free: Callable[[], int]
    caches: Callable[[], Iterable[CacheFigures]] = tuple
    turn: Callable[[], bool] = lambda: True
    stored: Callable[[], int] = int
    extracted: Callable[[], Mapping[ExtractionState, int]] = dict
    embedded: Callable[[], int] = int


class Turn:
    """Whose turn it is of the worker processes: that of the first that asks, until it ends. `file` is their own."""

    def __init__(self, file: Path) -> None:
        self._lock = WriterLock(file)
        self._is_ours = False

    def __call__(self) -> bool:
        if not self._is_ours:
            try:
                self._lock.acquire()
            except (Fault, OSError):
                return False
            self._is_ours = True
        return True


class MailFigures:
    """Adds them to `metrics`, which has them brought up to date before they are given out."""

    def __init__(self, metrics: CallMetrics, shown: Shown) -> None:
        self._shown = shown
        self._process = _OfProcess(metrics.registry, shown)
        self._archive = _OfArchive(metrics.registry)
        metrics.refresh_by(self._refresh)
        self.waited = self._process.wait.observe  # seconds, by whoever reads

    async def _refresh(self) -> None:
        self._process.refresh()
        await self._process.look_at_disk()
        self._process.show(await self._shown.health())
        if not self._shown.turn():
            return
        try:
            found = await self._shown.archive()
        except Fault as fault:
            logger.warning("the figures of the archive cannot be read: %s", fault.told_here)
            self._archive.forget()
        else:
            self._archive.show(found)


class _OfProcess:
    """What each process counts by itself."""

    def __init__(self, registry: CollectorRegistry, shown: Shown) -> None:
        self._shown = shown

        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(name, text, labels, registry=registry)

        def gauge(name: str, text: str, *labels: str, mode: _Mode = "livesum") -> Gauge:
            return Gauge(name, text, labels, registry=registry, multiprocess_mode=mode)

        runs = counter("mailquery_sync_runs_total", "Synchronisations that ended.", "outcome")
        self._ended = {outcome: Followed(runs.labels(outcome)) for outcome in shown.runs.ended}
        self._added = Followed(counter("mailquery_sync_messages_total", "Messages that synchronisations added."))
        self._stored = Followed(counter("mailquery_messages_stored_total", "Messages that were stored."))
        read = counter("mailquery_extractions_total", "Attachments that were read.", "outcome")
        self._extracted = {state: Followed(read.labels(state.value)) for state in ExtractionState}
        self._embedded = Followed(counter("mailquery_embedded_messages_total", "Messages that got their vectors."))
        self._running = gauge("mailquery_sync_running", "Synchronisations under way.")
        self._breaker = gauge(
            "mailquery_host_breaker",
            "Whether the circuit breaker of a host is in a state.",
            *("host", "state"),
            mode="livemax",
        )
        self._readers = gauge("mailquery_database_readers", "Connections for reading the archive.", "state")
        self.wait = Histogram(
            "mailquery_database_reader_wait_seconds",
            "How long readers of the archive waited for a connection.",
            buckets=_WAITS,
            registry=registry,
        )
        self._asked = counter("mailquery_cache_requests_total", "Looks into a cache.", "cache", "outcome")
        self._looks: dict[tuple[str, str], Followed] = {}
        self._entries = gauge("mailquery_cache_entries", "What is in a cache.", "cache")
        self._bytes = gauge("mailquery_cache_bytes", "How much memory that takes.", "cache")
        self._check = gauge(
            "mailquery_check_status", "0 healthy, 1 degraded, 2 unhealthy (/ready).", "check", mode="livemax"
        )
        self._free = gauge("mailquery_disk_free_bytes", "Free on the archive's disk.", mode="livemostrecent")

    def refresh(self) -> None:
        shown = self._shown
        for outcome, count in shown.runs.ended.items():
            self._ended[outcome].follow(count)
        self._added.follow(shown.runs.messages_added)
        self._stored.follow(shown.stored())
        for result, count in shown.extracted().items():
            self._extracted[result].follow(count)
        self._embedded.follow(shown.embedded())
        self._running.set(len(shown.runs.running))
        for standing in shown.breakers():
            for state in State:
                self._breaker.labels(standing.name, state.value).set(standing.state is state)
        readers = shown.readers()
        self._readers.labels("busy").set(readers.busy)
        self._readers.labels("idle").set(readers.idle)
        for cache in shown.caches():
            self._follow(cache.name, "hit", cache.hits)
            self._follow(cache.name, "miss", cache.misses)
            self._follow(cache.name, "shared", cache.shared)
            self._entries.labels(cache.name).set(cache.entries)
            self._bytes.labels(cache.name).set(cache.bytes)

    async def look_at_disk(self) -> None:
        try:
            self._free.set(await asyncio.to_thread(self._shown.free))
        except OSError:
            self._free.set(nan)

    def _follow(self, cache: str, outcome: str, count: int) -> None:
        followed = self._looks.get((cache, outcome))
        if followed is None:
            followed = self._looks[cache, outcome] = Followed(self._asked.labels(cache, outcome))
        followed.follow(count)

    def show(self, report: Report) -> None:
        for each in report.results:
            self._check.labels(each.name).set(each.outcome.status.number)


class _OfArchive:
    """What is the same whichever process looks."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def gauge(name: str, text: str, *labels: str) -> Gauge:
            return Gauge(name, text, labels, registry=registry, multiprocess_mode="livemostrecent")

        self._messages = gauge("mailquery_archive_messages", "Messages in the archive.")
        self._size = gauge("mailquery_database_bytes", "Size of the archive's files.")
        self._importing = gauge("mailquery_import_running", "Whether any process holds the archive's writing lock.")
        self._problems = gauge("mailquery_import_problems", "Problems of imports that are on record.")
        self._contents = gauge("mailquery_extraction_contents", "Contents of attachments.", "state")
        self._unembedded = gauge("mailquery_embedding_pending_messages", "Messages that have no vectors yet.")
        self._accounts = gauge("mailquery_sync_accounts", "Accounts on mail servers.", "state")
        self._failing = gauge("mailquery_sync_failing_accounts", "Active accounts whose last synchronisation failed.")
        self._pending = gauge("mailquery_sync_pending_messages", "Messages on the servers that are not in the archive.")
        self._new = gauge("mailquery_sync_new_accounts", "Active accounts that were never in step with their servers.")
        self._lag = gauge(
            "mailquery_sync_lag_seconds", "The longest time since an active account was in step with its server."
        )

    def show(self, found: ArchiveFigures) -> None:
        sync, extraction = found.sync, found.extraction
        self._messages.set(found.messages)
        self._size.set(found.size)
        self._importing.set(found.being_written)
        self._problems.set(found.problems)
        failed = sum(extraction.contents.get(state, 0) for state in _FAILED)
        self._contents.labels("failed").set(failed)
        self._contents.labels("read").set(sum(extraction.contents.values()) - failed)
        self._contents.labels("waiting").set(extraction.total - extraction.done)
        self._unembedded.set(found.unembedded)
        for state in AccountState:
            self._accounts.labels(state.value).set(sync.states.get(state, 0))
        self._failing.set(sync.failing)
        self._pending.set(sync.pending)
        self._new.set(sync.new)
        self._lag.set(nan if sync.oldest is None else sync.oldest)

    def forget(self) -> None:
        for gauge in (
            self._messages,
            self._size,
            self._importing,
            self._problems,
            self._unembedded,
            self._failing,
            self._pending,
            self._new,
            self._lag,
        ):
            gauge.set(nan)
        for state in ("failed", "read", "waiting"):
            self._contents.labels(state).set(nan)
        for account_state in AccountState:
            self._accounts.labels(account_state.value).set(nan)
