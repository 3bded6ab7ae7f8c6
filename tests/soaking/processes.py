"""The product's processes in a run, and what the system says of them."""

import os
import random
import re
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from end_to_end.conftest import CONSENTED, CommandLine
from support.ports import free_port

_UNLIMITED = {
    "MAILQUERY_LIMITS__PRINCIPAL__REQUESTS_PER_MINUTE": "1000000",
    "MAILQUERY_LIMITS__PRINCIPAL__BURST": "1000000",
}
_STARTS_WITHIN = 60.0  # seconds
_ENDS_WITHIN = 300.0


class Processes:
    """Starts commands, and kills some of them (SIGKILL) at a moment by chance. `kills` counts by command."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.mailquery = CommandLine(folder)
        self.mailquery.environment |= _UNLIMITED | CONSENTED | environment
        self.kills: Counter[str] = Counter()
        self.runs: Counter[str] = Counter()

    def run(self, *arguments: str | Path, kill_after: float | None = None) -> tuple[int, str]:
        """A command to its end, or killed together with what it started: its exit code and what it printed."""
        name = str(arguments[0])
        self.runs[name] += 1
        process = self.mailquery.start(
            *arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            out, _ = process.communicate(timeout=kill_after if kill_after is not None else _ENDS_WITHIN)
        except subprocess.TimeoutExpired:
            if kill_after is not None:
                self.kills[name] += 1
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            out, _ = process.communicate()
        return process.returncode, out.decode(errors="replace")


class Server:
    """`mailquery serve` over HTTP, which synchronises in the background. `up` is whether it answers as far as is known:
    a client that is refused while it is not has no reason to complain."""

    def __init__(self, processes: Processes, log: Path) -> None:
        self._processes = processes
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None
        self.port = free_port()
        self.up = threading.Event()
        self.url = f"http://127.0.0.1:{self.port}/mcp"
        self.starts = 0

    def start(self) -> None:
        self.starts += 1
        with self._log.open("ab") as log:
            start = log.tell()
            self._process = self._processes.mailquery.start(
                "serve", "--transport", "http", "--port", str(self.port), stderr=log, start_new_session=True
            )
        until = time.monotonic() + _STARTS_WITHIN
        while time.monotonic() < until and self._process.poll() is None:
            if re.search(rb"MCP at http", self._log.read_bytes()[start:]):
                self.up.set()
                return
            time.sleep(0.02)
        raise AssertionError(f"the server did not start: {self._log.read_text()[-2000:]}")

    def kill(self) -> None:
        """At once, with what it started."""
        self.up.clear()
        self._processes.kills["serve"] += 1
        assert self._process is not None
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def stop(self) -> int:
        """As an operator does; its exit code."""
        self.up.clear()
        assert self._process is not None
        self._process.terminate()
        try:
            return self._process.wait(60)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            return self._process.wait()

    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def memory(self) -> int | None:
        """Resident bytes of the server's own process."""
        if self._process is None:
            return None
        return resident(self._process.pid)


def resident(pid: int) -> int | None:
    with suppress(OSError, IndexError):
        found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
        return int(found[1]) * 1024 if found else None
    return None


def some_time(chance: random.Random, mean: float) -> float:
    return chance.expovariate(1 / mean)


def quantile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0
