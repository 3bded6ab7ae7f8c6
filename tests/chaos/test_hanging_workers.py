"""One of several worker processes stops in the middle of its work, or all of them do, as on a machine that sleeps.

What must hold: it is ended and replaced, the others answer meanwhile, and no answer is wrong.
"""

import os
import re
import signal
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from chaos.conftest import COUNT
from chaos.servers import Server, serving, until
from end_to_end.conftest import CommandLine
from support.worker_processes import workers_of

HANGING = 4.0  # seconds; a machine that does many things at once may keep a worker waiting for one


class Workers:
    """A server of two of them."""

    def __init__(self, mailquery: CommandLine, server: Server, metrics: int) -> None:
        self.mailquery = mailquery
        self.server = server
        self._metrics = f"http://127.0.0.1:{metrics}/metrics"

    def pids(self) -> list[int]:
        return workers_of(self.server.process.pid)

    def figure(self, name: str) -> float:
        found = re.findall(rf"^{re.escape(name)} (\S+)$", httpx2.get(self._metrics).text, re.MULTILINE)
        return float(found[0])


@pytest.fixture
def workers(copy_of: Callable[[Path], CommandLine], tmp_path: Path) -> Iterator[Workers]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        metrics = probe.getsockname()[1]
    settings = {
        "MAILQUERY_HTTP__WORKERS": "2",
        "MAILQUERY_HTTP__HANGING_SECONDS": str(HANGING),
        "MAILQUERY_METRICS__PORT": str(metrics),
    }
    mailquery = copy_of(tmp_path)
    with serving(mailquery, **settings) as server:
        found = Workers(mailquery, server, metrics)
        until(lambda: len(found.pids()) == 2, "both are there")
        yield found


class Load:
    """Callers that each ask for one letter after the other, and look at what they get."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._ending = threading.Event()
        self.outcomes: Counter[str] = Counter()
        self.wrong: list[str] = []

    def ask(self, first: int) -> None:
        number = first
        while not self._ending.is_set():
            number = (number + 7) % COUNT
            params = {"name": "search_messages", "arguments": {"query": f"word{number}"}}
            body = {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params}
            try:
                # A connection of its own, so that whoever can answers.
                answer = httpx2.post(self._url, json=body, timeout=60)
            except httpx2.TransportError:
                self.outcomes["cut off"] += 1
                continue
            self.outcomes[self._judged(number, answer)] += 1

    def _judged(self, number: int, answer: httpx2.Response) -> str:
        found = answer.json()
        content = found["result"]["structuredContent"] if answer.status_code == 200 and found["id"] == number else {}
        if content.get("error", {}).get("code") == "SERVICE_UNAVAILABLE":
            return "refused"
        if [row["subject"] for row in content.get("rows", ())] != [f"Letter number {number}"]:
            self.wrong.append(answer.text)
        return "right"

    @contextmanager
    def going_on(self, callers: int = 4) -> Iterator[None]:
        threads = [threading.Thread(target=self.ask, args=(50 * number,)) for number in range(callers)]
        for thread in threads:
            thread.start()
        try:
            until(lambda: self.outcomes["right"] > 10, "calls are answered")
            yield
        finally:
            self._ending.set()
            for thread in threads:
                thread.join()

    def answers(self, more: int = 20) -> None:
        """Waits until there are so many more right answers."""
        before = self.outcomes["right"]
        until(lambda: self.outcomes["right"] >= before + more, f"{more} more answers: {self.outcomes}", 60)


def _stop(worker: int, home: Path, *, in_a_write: bool) -> None:
    """Stops the process while it holds up the others' records, or while it does not."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        os.kill(worker, signal.SIGSTOP)
        until(lambda: _state(worker) == "T", "it is stopped")
        if _is_writing(worker, home) == in_a_write:
            return
        os.kill(worker, signal.SIGCONT)
        time.sleep(0.001)
    raise AssertionError("it was never stopped at the right moment")


def _state(process: int) -> str:
    return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]


def _is_writing(process: int, home: Path) -> bool:
    """Whether it has a lock for writing records (proc_locks(5))."""
    files = {(home / name).stat().st_ino for name in ("control.db-shm", "audit.head")}
    for line in Path("/proc/locks").read_text().splitlines():
        fields = line.split()
        if fields[3:5] == ["WRITE", str(process)] and int(fields[5].rpartition(":")[2]) in files:
            return True
    return False


@pytest.mark.parametrize("in_a_write", [False, True], ids=["between writes", "in a write"])
def test_a_worker_that_is_stopped_under_load_is_replaced_and_no_answer_is_wrong(
    workers: Workers, *, in_a_write: bool
) -> None:
    load = Load(workers.server.url)
    with load.going_on():
        stopped, other = workers.pids()
        _stop(stopped, workers.mailquery.home, in_a_write=in_a_write)
        if not in_a_write:
            load.answers()
            assert stopped in workers.pids(), "the other one answered meanwhile"
        until(lambda: stopped not in workers.pids() and len(workers.pids()) == 2, "it is replaced", 60)
        load.answers()
    assert load.wrong == []
    assert load.outcomes["cut off"] <= 4, load.outcomes  # what the stopped one was answering
    assert other in workers.pids()
    until(lambda: workers.figure("mcp_worker_hangs_total") == 1, "it is counted")
    assert "shows no sign of life" in workers.server.log()
    assert workers.mailquery("audit", "verify").code == 0


def test_a_machine_that_sleeps_ends_no_worker(workers: Workers) -> None:
    everything = [workers.server.process.pid, *workers.pids()]
    for process in everything:
        os.kill(process, signal.SIGSTOP)
    time.sleep(1.5 * HANGING)
    for process in everything:
        os.kill(process, signal.SIGCONT)
    load = Load(workers.server.url)
    with load.going_on():
        time.sleep(HANGING)  # in which a worker would be ended
    assert load.wrong == []
    assert workers.pids() == everything[1:]
    assert workers.figure("mcp_worker_hangs_total") == 0


def test_a_supervisor_that_hangs_is_told_of_by_its_workers_which_go_on_to_answer(workers: Workers) -> None:
    server = workers.server
    load = Load(server.url)
    with load.going_on():
        healthy = server.ready()[1]
        os.kill(server.process.pid, signal.SIGSTOP)
        try:
            until(lambda: httpx2.get(f"{server.root}/health").status_code == 503, "whoever restarts it is told", 60)
            until(lambda: server.ready() == (200, healthy | {"supervisor": "degraded"}), "it is told at /ready")
            load.answers()
        finally:
            os.kill(server.process.pid, signal.SIGCONT)
        until(lambda: httpx2.get(f"{server.root}/health").status_code == 200, "it goes on", 60)
        until(lambda: server.ready() == (200, healthy), "nothing is degraded")
    assert load.wrong == []
    assert load.outcomes["cut off"] == 0
    assert workers.figure("mcp_worker_hangs_total") == 0
