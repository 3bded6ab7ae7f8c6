"""Serving over HTTP by several worker processes: the supervisor, and a worker, which is
`python -m mailquery.cli.server.workers`.

The supervisor imports little and opens nothing but the socket: what it does not have cannot be wrong in it.
"""

import asyncio
import dataclasses
import json
import logging
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from mailquery.cli.output.failures import reporting
from mcpkit.errors import ErrorCode, Fault
from mcpkit.transport.http.application import HttpSettings, endpoint_url, listen

if TYPE_CHECKING:
    from mailquery.settings import Settings
    from mailquery.settings.serving import Metrics
    from mcpkit.transport.workers.supervisor import Supervisor

logger = logging.getLogger(__name__)


def supervise(
    settings: "Settings",
    address: HttpSettings,
    count: int,
    *,
    on_ready: Callable[[str], None],
    conformance: bool,
) -> None:
    """Serves until SIGINT or SIGTERM. Raises Fault CONFIGURATION where the address cannot be listened at."""
    from mcpkit.transport.workers.supervisor import Supervisor

    listener = listen(address.host, address.port)
    bound = dataclasses.replace(address, port=listener.getsockname()[1])
    told = json.dumps({"host": bound.host, "port": bound.port, "conformance": conformance})

    async def run(folder: Path) -> int:
        figures = _Figures(settings.metrics, folder / "figures")
        supervisor = Supervisor(
            [sys.executable, "-P", "-m", "mailquery.cli.server.workers", told],
            count,
            listener,
            folder,
            ending_seconds=address.drain_seconds + address.shutdown_seconds,
            hanging_seconds=settings.http.hanging_seconds,
            starting_seconds=settings.http.starting_seconds,
            on_ready=lambda: on_ready(endpoint_url(bound.host, bound.port)),
            on_end=figures.forget,
        )
        with figures.served(supervisor):
            return await supervisor.run()

    with listener, _folder() as folder:
        code = asyncio.run(run(folder))
    sys.exit(code)


@contextmanager
def _folder() -> Iterator[Path]:
    """For the time of this run, readable by nobody else."""
    try:
        made = TemporaryDirectory(prefix="mailquery-")
    except OSError as error:
        reason = f"The workers need a folder for temporary files: {error.strerror}. TMPDIR names another."
        raise Fault(ErrorCode.CONFIGURATION, reason) from error
    with made as name:
        yield Path(name)


class _Figures:
    """Of all workers together, where a port is set for them."""

    def __init__(self, chosen: "Metrics", folder: Path) -> None:
        self._chosen = chosen
        self._folder = folder

    @contextmanager
    def served(self, supervisor: "Supervisor") -> Iterator[None]:
        """Raises Fault CONFIGURATION where the address cannot be had."""
        if self._chosen.port is None:
            yield
            return
        from mcpkit.monitoring.multiprocess import MultiprocessMetrics, prepare

        prepare(self._folder)
        metrics = MultiprocessMetrics(lambda: supervisor.pids, lambda: supervisor.restarts, lambda: supervisor.hung)
        with metrics.served(self._chosen.host, self._chosen.port) as port:
            logger.info("metrics are at http://%s:%d/metrics", self._chosen.host, port)
            yield

    def forget(self, pid: int) -> None:
        if self._chosen.port is None:
            return
        from mcpkit.monitoring.multiprocess import mark_dead

        try:
            mark_dead(pid)
        except OSError as error:  # which costs figures, and nothing else
            logger.warning("the figures of a worker that ended are lost: %s", error.strerror)


def work(told: str, inherited: str) -> None:
    """One worker, until SIGTERM or the end of its supervisor."""
    from mailquery.cli.server.http_serving import http_settings, serve
    from mailquery.settings import load_settings
    from mcpkit.logs import set_up_logging
    from mcpkit.transport.workers.seats import Inheritance, Seat

    seat = Seat(Inheritance.parsed(inherited))
    seat.tell_where()
    settings = load_settings()
    set_up_logging(settings.log.level or "info", settings.log.form, at_once=True)
    chosen = json.loads(told)
    address = http_settings(settings, chosen["host"], chosen["port"])
    asyncio.run(
        serve(settings, address, on_ready=lambda _: seat.announce(), seat=seat, conformance=chosen["conformance"])
    )
    if seat.is_abandoned:
        shutil.rmtree(seat.folder, ignore_errors=True)  # which the supervisor could not do


if __name__ == "__main__":
    with reporting(()):
        work(*sys.argv[1:])
