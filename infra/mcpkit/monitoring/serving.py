"""Figures at `/metrics`, on a port of their own."""

from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import start_http_server
from prometheus_client.registry import Collector

from mcpkit.errors import ErrorCode, Fault


@contextmanager
def served(figures: Collector, host: str, port: int) -> Iterator[int]:
    """Over plain HTTP, from a thread of its own; gives the port. Raises Fault CONFIGURATION."""
    try:
        server, thread = start_http_server(port, host, figures)
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
