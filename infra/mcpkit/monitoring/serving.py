"""Figures at `/metrics`, on a port of their own."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from math import isnan

from prometheus_client import start_http_server
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from mcpkit.errors import ErrorCode, Fault


@contextmanager
def served(figures: Collector, host: str, port: int) -> Iterator[int]:
    """Over plain HTTP, from a thread of its own; gives the port. What is NaN, because it is not known now, is left out.
    Raises Fault CONFIGURATION."""
    try:
        server, thread = start_http_server(port, host, _Known(figures))
    except OSError as error:
        raise Fault(
            ErrorCode.CONFIGURATION,
            f"Metrics cannot be served at {host}, port {port}: {error.strerror}. See `metrics` in the settings.",
        ) from error
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Known(Collector):
    """A sum or a maximum over several servers is NaN where one of them says so."""

    def __init__(self, figures: Collector) -> None:
        self._figures = figures

    def collect(self) -> Iterable[Metric]:
        for metric in self._figures.collect():
            metric.samples = [sample for sample in metric.samples if not isnan(sample.value)]
            yield metric
