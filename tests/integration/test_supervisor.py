"""The supervisor of workers, with processes that do nothing but what a test is about."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from mcpkit.transport.workers.signs_of_life import SignsOfLife, next_sign
from mcpkit.transport.workers.supervisor import MOST_FAILED_STARTS, Supervisor

# `journal` gets a line for each thing that befalls a worker.
_WORKER = """
import os, signal, sys, time
from mcpkit.transport.workers.seats import WHERE, Inheritance, Seat
journal, conduct, inherited = sys.argv[1:]
seat = Seat(Inheritance.parsed(inherited))
def note(what):
    with open(journal, "a") as file:
        file.write(f"{what} {seat.number} {os.getpid()}\\n")
signal.signal(signal.SIGHUP, lambda *_: note("hangup"))
if conduct == "broken" or (conduct == "breaks" and seat.number == 1):
    note("failed")
    sys.exit(3)
stubborn = conduct == "stubborn"
if conduct in ("never", "once"):
    signal.signal(WHERE, lambda *_: note("asked"))
    note("began")
    if conduct == "never" or (seat.number == 1 and "asked" not in open(journal).read()):
        time.sleep(3600)  # as at a mount that does not answer
    conduct = "lively"
if conduct == "slow":
    time.sleep(2.5)
    conduct = "lively"
def end(*_):
    note("told")
    if not stubborn:
        sys.exit(0)
signal.signal(signal.SIGTERM, end)
if conduct == "lively":
    import asyncio
    signal.signal(WHERE, lambda *_: note("asked"))
    async def live():
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, lambda: time.sleep(3600))
        seat.show_life()
        note("ready")
        seat.announce()
        await asyncio.Event().wait()
    asyncio.run(live())
note("ready")
seat.announce()
while True:
    time.sleep(10)
"""
PATIENCE = 30.0  # seconds


class Journal:
    def __init__(self, path: Path) -> None:
        self.path = path
        path.touch()

    def pids(self, what: str, number: int | None = None) -> list[int]:
        lines = (line.split() for line in self.path.read_text().splitlines())
        return [int(pid) for event, worker, pid in lines if event == what and number in (None, int(worker))]

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not holds():
                await asyncio.sleep(0.01)


class Running:
    def __init__(self, supervisor: Supervisor, journal: Journal, ended: list[int], ready: list[bool]) -> None:
        self.supervisor = supervisor
        self.journal = journal
        self.ended = ended
        self.ready = ready
        self.task = asyncio.create_task(supervisor.run())

    async def code(self) -> int:
        async with asyncio.timeout(PATIENCE):
            return await self.task


@asynccontextmanager
async def supervised(
    folder: Path,
    conduct: str,
    count: int = 2,
    ending: float = 5.0,
    hanging: float = 3600.0,
    starting: float = 3600.0,
) -> AsyncIterator[Running]:
    journal, ended, ready = Journal(folder / "journal"), list[int](), list[bool]()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        supervisor = Supervisor(
            [sys.executable, "-c", _WORKER, str(journal.path), conduct],
            count,
            listener,
            folder,
            ending_seconds=ending,
            hanging_seconds=hanging,
            starting_seconds=starting,
            on_ready=lambda: ready.append(True),
            on_end=ended.append,
            shortest_wait=0.01,
        )
        running = Running(supervisor, journal, ended, ready)
        try:
            yield running
        finally:
            if not running.task.done():
                os.kill(os.getpid(), signal.SIGTERM)
                await running.code()


async def test_a_worker_that_ends_is_replaced_and_all_end_with_the_supervisor(tmp_path: Path) -> None:
    async with supervised(tmp_path, "good") as running:
        journal = running.journal
        await journal.until(lambda: bool(running.ready))
        assert len(running.supervisor.pids) == 2
        first = journal.pids("ready", 0)[0]
        os.kill(first, signal.SIGKILL)
        await journal.until(lambda: len(journal.pids("ready", 0)) == 2)
        os.kill(journal.pids("ready", 1)[0], signal.SIGTERM)  # by hand: it ends, and another begins
        await journal.until(lambda: len(journal.pids("ready", 1)) == 2)
        assert running.ended[0] == first
        assert running.supervisor.restarts == 2

        os.kill(os.getpid(), signal.SIGHUP)
        await journal.until(lambda: set(journal.pids("hangup")) == set(running.supervisor.pids))
        live = running.supervisor.pids
        os.kill(os.getpid(), signal.SIGTERM)
        assert await running.code() == 0
        assert set(live) <= set(journal.pids("told"))
        assert running.ready == [True]


async def test_what_is_wrong_is_told_by_one_worker_and_its_code_is_the_end(tmp_path: Path) -> None:
    async with supervised(tmp_path, "broken") as running:
        assert await running.code() == 3
        assert len(running.journal.pids("failed")) == 1
        assert not running.ready


async def test_a_worker_that_cannot_start_is_tried_again_while_another_serves(tmp_path: Path) -> None:
    async with supervised(tmp_path, "breaks") as running:
        journal = running.journal
        await journal.until(lambda: len(journal.pids("failed")) > MOST_FAILED_STARTS)
        assert not running.task.done()
        assert not running.ready, "not all of them answer"
        assert len(journal.pids("ready")) == 1


async def test_the_second_signal_ends_workers_that_do_not_listen(tmp_path: Path) -> None:
    async with supervised(tmp_path, "stubborn", ending=600) as running:
        await running.journal.until(lambda: bool(running.ready))
        os.kill(os.getpid(), signal.SIGINT)
        await running.journal.until(lambda: len(running.journal.pids("told")) == 2)
        assert not running.task.done()
        os.kill(os.getpid(), signal.SIGINT)
        assert await running.code() == 0
        assert len(running.ended) == 2


async def test_after_its_first_start_a_worker_that_never_starts_again_is_the_end(tmp_path: Path) -> None:
    async with supervised(tmp_path, "good", count=1) as running:
        journal = running.journal
        await journal.until(lambda: bool(running.ready))
        running.supervisor._command = [*running.supervisor._command[:-1], "broken"]  # as a disk that fails does
        os.kill(journal.pids("ready")[0], signal.SIGKILL)
        assert await running.code() == 3
        assert len(journal.pids("failed")) == MOST_FAILED_STARTS - 1


@pytest.mark.parametrize("cause", [signal.SIGSTOP, signal.SIGUSR1], ids=["stopped", "its loop is blocked"])
async def test_a_worker_that_shows_no_life_is_ended_and_replaced(tmp_path: Path, cause: signal.Signals) -> None:
    async with supervised(tmp_path, "lively", hanging=2.0) as running:
        journal = running.journal
        await journal.until(lambda: bool(running.ready))
        hangs, lives = journal.pids("ready", 1)[0], journal.pids("ready", 0)[0]
        os.kill(hangs, cause)
        await journal.until(lambda: len(journal.pids("ready", 1)) == 2)
        assert running.ended == [hangs]
        assert (running.supervisor.hung, running.supervisor.restarts) == (1, 1)
        assert journal.pids("asked") == ([hangs] if cause == signal.SIGUSR1 else [])
        assert lives in running.supervisor.pids


async def test_a_worker_whose_start_hangs_is_asked_where_and_replaced(tmp_path: Path) -> None:
    async with supervised(tmp_path, "once", starting=3.0) as running:
        journal = running.journal
        await journal.until(lambda: bool(running.ready))
        hung, serves = journal.pids("began", 1)
        assert journal.pids("asked") == [hung]
        assert running.ended == [hung]
        assert (running.supervisor.hung, running.supervisor.restarts) == (1, 1)
        assert serves in running.supervisor.pids


async def test_where_the_first_start_hangs_all_ends_with_an_error(tmp_path: Path) -> None:
    async with supervised(tmp_path, "never", starting=2.0) as running:
        assert await running.code() == 1
        assert running.supervisor.hung == 1
        assert len(running.journal.pids("asked")) == 1
        assert not running.ready


async def test_a_supervisor_shows_its_workers_that_it_lives(tmp_path: Path) -> None:
    async with supervised(tmp_path, "good", count=1) as running:
        await running.journal.until(lambda: bool(running.ready))
        async with asyncio.timeout(PATIENCE):
            for _ in range(2):
                await next_sign(SignsOfLife(tmp_path, 1), 1)


async def test_a_worker_that_is_not_ready_yet_need_not_show_life(tmp_path: Path) -> None:
    """Its start may have much to do, such as bringing an archive up to date."""
    async with supervised(tmp_path, "slow", hanging=1.5) as running:
        await running.journal.until(lambda: bool(running.ready))
        assert running.supervisor.hung == 0
