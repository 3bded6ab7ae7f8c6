"""Figures of calls for Prometheus. Their labels are declared names and codes, never what a caller wrote."""

from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.registry import Collector

from mcpkit.errors import ErrorCode
from mcpkit.monitoring.serving import served

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_CHARACTERS = (500, 1_000, 2_500, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000)


class CallMetrics:
    """`status` is ok, the code of an error, or cancelled. `method` is the kind of call (tool, resource, prompt,
    completion), and `tool` the declared name of what is called."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "mcp_requests_total", "Calls that ended.", ("method", "tool", "status"), registry=self._registry
        )
        self._seconds = Histogram(
            "mcp_request_duration_seconds",
            "How long calls took.",
            ("method", "tool"),
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._errors = Counter("mcp_errors_total", "Calls that failed.", ("code",), registry=self._registry)
        self._running = Gauge(
            "mcp_inflight", "Calls that are running.", registry=self._registry, multiprocess_mode="livesum"
        )
        self._characters = Histogram(
            "mcp_answer_characters", "Sizes of answers.", ("method",), buckets=_CHARACTERS, registry=self._registry
        )

    def add(self, collector: Collector) -> None:
        """Figures of something else, served with these."""
        self._registry.register(collector)

    def started(self) -> None:
        self._running.inc()

    def ended(self, method: str, tool: str, status: str, seconds: float, characters: int = 0) -> None:
        self._running.dec()
        self._requests.labels(method, tool, status).inc()
        self._seconds.labels(method, tool).observe(seconds)
        if status in ErrorCode.__members__:
            self._errors.labels(status).inc()
        elif characters:
            self._characters.labels(method).observe(characters)

    @contextmanager
    def served(self, host: str, port: int) -> Iterator[int]:
        """Over plain HTTP at `/metrics`, from a thread of its own; gives the port. Raises Fault CONFIGURATION."""
        with served(self._registry, host, port) as found:
            yield found
