"""Figures of several worker processes, served as one: each writes its own into files of a folder, and the process that
started them adds them up when it is asked.

That process calls `prepare` before any of them imports `prometheus_client`, which looks for the folder once. What a
worker that has ended counted stays in the sums.
"""

import os
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prometheus_client.core import Metric

FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"

_SUFFIX = ".db"
_KEPT = ("counter", "histogram")  # kinds whose values outlive the process
_OF_ENDED = "0"  # in the place of a process id: no worker has it
_changing = threading.Lock()  # files come, go and are read


def prepare(folder: Path) -> None:
    """Makes the folder, readable by its owner alone, empties it of an earlier run's figures, and tells the workers
    of it: those that are started after this. Raises OSError."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for file in folder.glob(f"*{_SUFFIX}"):
        file.unlink()
    os.environ[FOLDER_VARIABLE] = str(folder)


def folder() -> Path | None:
    """Where this process and others put their figures; None where each serves its own."""
    named = os.environ.get(FOLDER_VARIABLE)
    return Path(named) if named else None


def alone() -> None:
    """This process is none of several, whatever the environment that it was started in says: it serves its own."""
    os.environ.pop(FOLDER_VARIABLE, None)


def mark_dead(pid: int) -> None:
    """To be called when a worker has ended, however it ended: what it said of the present is forgotten, and what it
    counted is added to what the ended before it counted, so that their files do not add up. Raises OSError."""
    # The library's functions for several processes have no annotations.
    from prometheus_client.mmap_dict import MmapedDict
    from prometheus_client.multiprocess import mark_process_dead

    found = folder()
    if found is None:
        return
    with _changing:
        mark_process_dead(pid, str(found))  # type: ignore[no-untyped-call]
        for kind in _KEPT:
            file = found / f"{kind}_{pid}{_SUFFIX}"
            if not file.exists():
                continue
            kept = MmapedDict(str(found / f"{kind}_{_OF_ENDED}{_SUFFIX}"))  # type: ignore[no-untyped-call]
            try:
                for key, value, timestamp, _ in MmapedDict.read_all_values_from_file(str(file)):  # type: ignore[no-untyped-call]
                    before, _ = kept.read_value(key)  # type: ignore[no-untyped-call]
                    kept.write_value(key, before + value, timestamp)  # type: ignore[no-untyped-call]
            finally:
                kept.close()  # type: ignore[no-untyped-call]
            file.unlink()


class MultiprocessMetrics:
    """For the process that started the workers, after `prepare`. `workers` gives the process ids of those that live,
    `restarts` how many were started in the place of one that ended, and `hung` how many were ended because they hung.
    All are asked from a thread."""

    def __init__(
        self,
        workers: Callable[[], Sequence[int]],
        restarts: Callable[[], int] = lambda: 0,
        hung: Callable[[], int] = lambda: 0,
    ) -> None:
        self._of_workers = _OfWorkers(workers, restarts, hung)

    @contextmanager
    def served(self, host: str, port: int) -> Iterator[int]:
        """Over plain HTTP at `/metrics`, from a thread of its own; gives the port. Raises Fault CONFIGURATION."""
        from prometheus_client import CollectorRegistry

        from mcpkit.monitoring.serving import served

        registry = CollectorRegistry()
        registry.register(_Sum())
        registry.register(self._of_workers)
        with served(registry, host, port) as found:
            yield found


class _Sum:
    """`Collector` of what the workers count."""

    def collect(self) -> "Iterable[Metric]":
        from prometheus_client.multiprocess import MultiProcessCollector

        with _changing:
            return list(MultiProcessCollector(None).collect())  # type: ignore[no-untyped-call]  # likewise


class _OfWorkers:
    """`Collector` of what is known of the workers from outside. What the system tells of processes is added up over the
    workers and this process, and the start is that of this process."""

    def __init__(
        self, workers: Callable[[], Sequence[int]], restarts: Callable[[], int], hung: Callable[[], int]
    ) -> None:
        self._workers = workers
        self._restarts = restarts
        self._hung = hung

    def collect(self) -> "Iterable[Metric]":
        from prometheus_client import ProcessCollector
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        workers = self._workers()
        yield GaugeMetricFamily("mcp_workers", "Worker processes that live.", value=len(workers))
        yield CounterMetricFamily(
            "mcp_worker_restarts", "Workers that were started in the place of one that ended.", value=self._restarts()
        )
        yield CounterMetricFamily("mcp_worker_hangs", "Workers that were ended because they hung.", value=self._hung())
        yield from _together(
            [list(ProcessCollector(pid=_always(pid), registry=None).collect()) for pid in (os.getpid(), *workers)]
        )


def _always(pid: int) -> Callable[[], int]:
    return lambda: pid


def _together(processes: "Sequence[Sequence[Metric]]") -> "Iterable[Metric]":
    """The figures of the first process, each with those of the others added where a sum says anything."""
    for metric in processes[0]:
        if metric.name in ("process_resident_memory_bytes", "process_open_fds", "process_cpu_seconds"):
            total = sum(
                sample.value
                for each in processes
                for other in each
                if other.name == metric.name
                for sample in other.samples
            )
            metric.samples = [metric.samples[0]._replace(value=total)]
        yield metric
