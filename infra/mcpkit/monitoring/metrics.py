"""Figures of calls for Prometheus. Their labels are declared names and codes, never what a caller wrote.

In a process that is one of several workers they go into a folder (`mcpkit.monitoring.multiprocess`), and are served by
the process that started the workers.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from mcpkit.errors import ErrorCode
from mcpkit.monitoring.multiprocess import folder
from mcpkit.monitoring.serving import served

logger = logging.getLogger(__name__)

Refresh = Callable[[], Awaitable[None]]

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_CHARACTERS = (500, 1_000, 2_500, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000)
_WITHIN = 5.0  # seconds in which what is read for a scrape must be there
_BETWEEN = 5.0  # seconds between two looks at what changes by itself, where nobody asks this process


REFUSED = ("no_credential", "bad_credential", "not_allowed", "malformed", "failed")  # why, at the door


class CallMetrics:
    """`status` is ok, the code of an error, cancelled, or failed. `method` is the kind of call (tool, resource, prompt,
    completion), and `tool` the declared name of what is called; or a method of the protocol that calls nothing, and
    `tool` is empty."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry(support_collectors_without_names=True)
        self._fresh = _Fresh()
        self.registry.register(self._fresh)  # before all others, which it brings up to date
        if folder() is None:
            ProcessCollector(registry=self.registry)
        self._requests = Counter(
            "mcp_requests_total", "Calls that ended.", ("method", "tool", "status"), registry=self.registry
        )
        self._seconds = Histogram(
            "mcp_request_duration_seconds",
            "How long calls took.",
            ("method", "tool"),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._errors = Counter(
            "mcp_errors_total", "Calls and other requests that failed.", ("code",), registry=self.registry
        )
        for code in ErrorCode:  # Prometheus sees no increase in a counter that comes with its first count
            self._errors.labels(code.name)
        self._refused = Counter(
            "mcp_refused_total", "Requests that were refused at the door.", ("reason",), registry=self.registry
        )
        for reason in REFUSED:
            self._refused.labels(reason)
        self._running = Gauge(
            "mcp_inflight", "Calls that are running.", registry=self.registry, multiprocess_mode="livesum"
        )
        self._characters = Histogram(
            "mcp_answer_characters", "Sizes of answers.", ("method",), buckets=_CHARACTERS, registry=self.registry
        )
        self._unrecorded = Counter(
            "mcp_audit_failures_total", "Calls that could not be recorded in the audit.", registry=self.registry
        )
        self._children: dict[tuple[str, str, str], _Children] = {}

    def started(self) -> None:
        self._running.inc()

    def ended(self, method: str, tool: str, status: str, seconds: float, characters: int = 0) -> None:
        self._running.dec()
        key = (method, tool, status)
        children = self._children.get(key)
        if children is None:  # finding them costs more than counting
            children = self._children[key] = _Children(
                self._requests.labels(*key),
                self._seconds.labels(method, tool),
                self._errors.labels(status) if status in ErrorCode.__members__ else None,
                self._characters.labels(method),
            )
        children.requests.inc()
        children.seconds.observe(seconds)
        if children.errors is not None:
            children.errors.inc()
        elif characters:
            children.characters.observe(characters)

    def answered(self, method: str, status: str) -> None:
        """A request that called nothing has ended. `method` is one of a fixed set."""
        self._requests.labels(method, "", status).inc()
        if status in ErrorCode.__members__:
            self._errors.labels(status).inc()

    def refused(self, reason: str, code: ErrorCode) -> None:
        """A request was not let in, for one of the reasons of `REFUSED`; nothing of it was read."""
        self._refused.labels(reason).inc()
        self._errors.labels(code.name).inc()

    def show_use(
        self, sessions: Callable[[], int], connections: Callable[[], int], limited: Mapping[str, Callable[[], int]]
    ) -> None:
        """Of the transport: how many sessions and connections are open, and by the kind of a rate limit, how many
        requests it has refused."""
        shown = Gauge(
            "mcp_active_sessions", "Sessions that are open.", registry=self.registry, multiprocess_mode="livesum"
        )
        open_ = Gauge(
            "mcp_connections", "HTTP connections that are open.", registry=self.registry, multiprocess_mode="livesum"
        )
        refused = Counter(
            "mcp_rate_limited_total", "Requests that a rate limit refused.", ("limit",), registry=self.registry
        )
        followed = [(Followed(refused.labels(limit)), count) for limit, count in limited.items()]

        async def refresh() -> None:
            shown.set(sessions())
            open_.set(connections())
            for counter, count in followed:
                counter.follow(count())

        self.refresh_by(refresh)

    def refresh_by(self, refresh: Refresh) -> None:
        """Has `refresh` bring figures up to date before they are given out."""
        self._fresh.refreshes.append(refresh)

    async def keep_fresh(self) -> None:
        """Brings them up to date again and again, for a process whose figures another one gives out. Goes on until it
        is cancelled."""
        while True:
            await self._fresh.now()
            await asyncio.sleep(_BETWEEN)

    def not_recorded(self) -> None:
        self._unrecorded.inc()

    @contextmanager
    def served(self, host: str, port: int) -> Iterator[int]:
        """Over plain HTTP at `/metrics`, from a thread of its own; gives the port. Raises Fault CONFIGURATION."""
        try:
            self._fresh.loop = asyncio.get_running_loop()
        except RuntimeError:
            self._fresh.loop = None  # then nothing can be read for a scrape
        with served(self.registry, host, port) as found:
            yield found


class _Children:
    """What one combination of labels is counted in."""

    __slots__ = ("characters", "errors", "requests", "seconds")

    def __init__(self, requests: Counter, seconds: Histogram, errors: Counter | None, characters: Histogram) -> None:
        self.requests = requests
        self.seconds = seconds
        self.errors = errors
        self.characters = characters


class Followed:
    """A counter of what is counted elsewhere: it is told the whole count."""

    def __init__(self, counter: Counter) -> None:
        self._counter = counter
        self._seen = 0.0

    def follow(self, count: float) -> None:
        if count > self._seen:
            self._counter.inc(count - self._seen)
            self._seen = count


class _Fresh(Collector):
    """Has no figures. It is asked from a thread, while the loop goes on."""

    def __init__(self) -> None:
        self.refreshes: list[Refresh] = []
        self.loop: asyncio.AbstractEventLoop | None = None

    def collect(self) -> Iterable[Metric]:
        if self.loop is not None and self.refreshes:
            try:
                asyncio.run_coroutine_threadsafe(self.now(), self.loop).result(_WITHIN)
            except TimeoutError:
                logger.warning("figures are as they were before: they are not read within %g seconds", _WITHIN)
        return ()

    async def now(self) -> None:
        for refresh in self.refreshes:
            try:
                await refresh()
            except Exception:  # whatever it is, the other figures are there
                logger.exception("some figures cannot be read")
