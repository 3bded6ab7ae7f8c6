"""Latencies, memory, and the machine's own load while they were taken."""

import contextlib
import math
import os
import subprocess
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_INTERVAL = 0.1  # seconds between two looks at /proc


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that at least `percent` % of `values` do not exceed (nearest rank); `values` is not empty."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds."""

    p50: float
    p95: float
    p99: float
    samples: int

    @classmethod
    def of(cls, seconds: Sequence[float]) -> "Latency":
        ms = [value * 1_000 for value in seconds]
        return cls(percentile(ms, 50), percentile(ms, 95), percentile(ms, 99), len(ms))


@dataclass(frozen=True, slots=True)
class Memory:
    """Peaks in bytes. `together` is the highest sum of all processes at one moment, where what they share counts once
    (PSS); it is looked at every tenth of a second. The others are the kernel's own peaks (VmHWM)."""

    parent: int
    largest_child: int
    together: int


@dataclass(frozen=True, slots=True)
class Run:
    """A command that ran to its end. `others` is the share of the machine's CPU time that went to other work."""

    seconds: float
    cpu_seconds: float
    memory: Memory
    others: float
    output: bytes


class CommandFailed(Exception):
    """A measured command failed; the message has the end of what it wrote."""


def run_measured(command: Sequence[str | Path], environment: dict[str, str]) -> Run:
    """Runs a command and watches it and its descendants. Raises `CommandFailed`."""
    busy_before, _ = _machine_time()
    used_before = os.times()
    started = time.perf_counter()
    process = subprocess.Popen(
        [str(part) for part in command], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    watch = _Watch(process.pid)
    watch.start()
    output, errors = process.communicate()
    seconds = time.perf_counter() - started
    memory = watch.stop()
    used = os.times()
    cpu = used.children_user + used.children_system - used_before.children_user - used_before.children_system
    own = used.user + used.system - used_before.user - used_before.system
    busy_after, cores = _machine_time()
    if process.returncode != 0:
        raise CommandFailed(f"{command[0]} ended with {process.returncode}: {errors[-2_000:].decode(errors='replace')}")
    others = max(0.0, busy_after - busy_before - cpu - own) / (seconds * cores)
    return Run(seconds, cpu, memory, others, output)


class _Watch(threading.Thread):
    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._pid = pid
        self._ended = threading.Event()
        self._peaks: dict[int, int] = {}
        self._together = 0

    def run(self) -> None:
        while not self._ended.wait(_INTERVAL):
            self._look()

    def stop(self) -> Memory:
        self._ended.set()
        self.join()
        children = [peak for pid, peak in self._peaks.items() if pid != self._pid]
        return Memory(self._peaks.get(self._pid, 0), max(children, default=0), self._together)

    def _look(self) -> None:
        together = 0
        for pid in _with_descendants(self._pid):
            with contextlib.suppress(OSError):  # it has ended meanwhile
                together += _kilobytes(Path(f"/proc/{pid}/smaps_rollup"), "Pss:")
                peak = _kilobytes(Path(f"/proc/{pid}/status"), "VmHWM:")
                self._peaks[pid] = max(peak, self._peaks.get(pid, 0))
        self._together = max(together, self._together)


def cpu_seconds_of(pid: int) -> float:
    """CPU seconds that a process and those that it started have used so far."""
    used = 0
    for each in _with_descendants(pid):
        with contextlib.suppress(OSError):
            # utime, stime, and those of children that have ended (proc_pid_stat(5), fields 14 to 17).
            fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
            used += sum(int(field) for field in fields[11:15])
    return used / os.sysconf("SC_CLK_TCK")


def memory_of(pid: int) -> int:
    """Bytes that a process and those that it started have in memory; what they share counts once (PSS)."""
    together = 0
    for each in _with_descendants(pid):
        with contextlib.suppress(OSError):
            together += _kilobytes(Path(f"/proc/{each}/smaps_rollup"), "Pss:")
    return together


def _with_descendants(pid: int) -> list[int]:
    found = [pid]
    for parent in found:  # grows while it is walked
        for task in Path(f"/proc/{parent}/task").glob("*/children"):
            with contextlib.suppress(OSError):
                found.extend(map(int, task.read_text().split()))
    return found


def _kilobytes(path: Path, field: str) -> int:
    for line in path.read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) * 1024
    return 0


def _machine_time() -> tuple[float, int]:
    """CPU seconds that the machine has been busy since it started, and the number of its cores."""
    fields = Path("/proc/stat").read_text().splitlines()[0].split()[1:]
    user, nice, system, _idle, _wait, irq, softirq = (int(field) for field in fields[:7])
    cores = os.cpu_count() or 1
    return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK"), cores
