"""Several worker processes that serve one socket, and the supervisor that keeps them.

The supervisor listens, starts the workers and starts another where one has ended, or hangs; it serves nothing itself. A
socket that all of them accept at loses no connection when one dies: what waits is taken by the others.
"""

import asyncio
import logging
import os
import signal
import socket
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from mcpkit.beside import given_up
from mcpkit.transport.workers.seats import WHERE, Inheritance
from mcpkit.transport.workers.signs_of_life import SignsOfLife, silence

logger = logging.getLogger(__name__)

MOST_FAILED_STARTS = 5  # of one worker in a row, where no other one serves
_SHORTEST_WAIT, _LONGEST_WAIT = 0.5, 30.0  # seconds before a worker is started that ended soon after its last start
_STEADY_SECONDS = 60.0  # a worker that lived so long did not fail at its start
_LAST_SECONDS = 15.0  # beyond what a worker takes to end when it is told to
_HANGING_SECONDS = 30.0
_STARTING_SECONDS = 600.0
_TELLING_SECONDS = 2.0  # in which a worker that hangs can write where


@dataclass(slots=True)
class _Worker:
    number: int
    process: asyncio.subprocess.Process | None = None
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    failures: int = 0  # starts in a row that came to nothing
    is_behind: bool = False  # a SIGHUP came before it was ready: it may have read its settings already

    @property
    def pid(self) -> int | None:
        return self.process.pid if self.process is not None and self.process.returncode is None else None

    def signal(self, number: int) -> None:
        if self.pid is not None:
            with suppress(ProcessLookupError):
                # Not `process.send_signal`, which takes the return code away from whom asyncio has wait for it.
                os.kill(self.pid, number)


class Supervisor:
    """`command` starts a worker: the text of an `Inheritance` is added to it as the last argument. `ending_seconds` is
    what a worker takes at most to end after SIGTERM. `folder` is empty, for the workers' own use, and readable by
    nobody else. A worker that does not answer within `starting_seconds` of its start, or that has answered, and whose
    event loop shows no sign of life for `hanging_seconds`, gets `WHERE`, to write where it hangs, and then SIGKILL."""

    def __init__(
        self,
        command: Sequence[str],
        count: int,
        listener: socket.socket,
        folder: Path,
        *,
        ending_seconds: float,
        hanging_seconds: float = _HANGING_SECONDS,
        starting_seconds: float = _STARTING_SECONDS,
        on_ready: Callable[[], object] = lambda: None,
        on_end: Callable[[int], object] = lambda pid: None,
        shortest_wait: float = _SHORTEST_WAIT,
    ) -> None:
        """`on_ready` is called once, when all workers answer; `on_end` with the process id of each worker that has
        ended. Raises OSError, where the folder cannot be used."""
        self._command = command
        self._listener = listener
        self._folder = folder
        self._ending_seconds = ending_seconds
        self._hanging_seconds = hanging_seconds
        self._starting_seconds = starting_seconds
        self._signs = SignsOfLife(folder, count)
        self._on_ready = on_ready
        self._on_end = on_end
        self._shortest_wait = shortest_wait
        self._workers = [_Worker(number) for number in range(count)]
        self._ending = asyncio.Event()
        self._failed: int | None = None  # the code of a worker because of which all ends
        self.restarts = 0
        self.hung = 0  # workers that were ended because they hung

    @property
    def pids(self) -> tuple[int, ...]:
        return tuple(worker.pid for worker in self._workers if worker.pid is not None)

    async def run(self) -> int:
        """Until SIGINT or SIGTERM; the second one ends the workers at once. SIGHUP is passed on to them. The exit code:
        0, or that of a worker which cannot be started."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._told_to_end)
        loop.add_signal_handler(signal.SIGHUP, self._pass_on_hangup)
        self._signs.keep_giving(len(self._workers))
        try:
            return await self._run()
        finally:
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                loop.remove_signal_handler(number)

    async def _run(self) -> int:
        # One first: what is wrong with the settings or the archive is told once, and what is made at the first start is
        # made by one process.
        first, *others = self._workers
        keeping = [self._kept(first, is_first=True)]
        try:
            if await _all_ready([first], self._ending):
                keeping += [self._kept(worker) for worker in others]
                if await _all_ready(self._workers, self._ending):
                    self._on_ready()
            await self._ending.wait()
            await self._end(keeping)
        finally:
            for worker in self._workers:
                worker.signal(signal.SIGKILL)
            await asyncio.gather(*keeping)
        return self._failed or 0

    async def _end(self, keeping: Sequence["asyncio.Task[None]"]) -> None:
        self._listener.close()  # the workers have it still, and accept as long as they are to
        self._pass_on(signal.SIGTERM)
        _, left = await asyncio.wait(keeping, timeout=self._ending_seconds + _LAST_SECONDS)
        if left:
            logger.error("%d workers do not end and are killed", len(left))

    def _kept(self, worker: _Worker, *, is_first: bool = False) -> "asyncio.Task[None]":
        task = asyncio.create_task(self._keep(worker, is_first=is_first))
        task.add_done_callback(lambda _: self._ending.set())  # it ends with the rest, or by an error of the program
        return task

    async def _keep(self, worker: _Worker, *, is_first: bool = False) -> None:
        while not self._ending.is_set():
            began = time.monotonic()
            try:
                was_ready, code = await self._run_once(worker)
            except OSError as error:
                logger.error("no process can be started: %s", error.strerror)  # noqa: TRY400 - it says all
                was_ready, code = False, 1
            if self._ending.is_set():
                return
            if is_first and not was_ready and not self.restarts:
                self._fail(code)  # it has said why
                return
            steady = was_ready and time.monotonic() - began >= _STEADY_SECONDS
            worker.failures = 0 if steady else worker.failures + 1
            if worker.failures >= MOST_FAILED_STARTS and not was_ready and not self._any_serves():
                logger.error("no worker can be started; the last one ended with %s", _told(code))
                self._fail(code)
                return
            wait = self._wait(worker.failures)
            logger.warning("worker %d ended with %s; another starts in %g s", worker.number, _told(code), wait)
            with suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._ending.wait()
            self.restarts += 1

    def _wait(self, failures: int) -> float:
        """The first time there is none: most likely it was somebody from outside."""
        return min(_LONGEST_WAIT, self._shortest_wait * 2.0 ** (failures - 2)) if failures > 1 else 0.0

    async def _run_once(self, worker: _Worker) -> tuple[bool, int]:
        """Whether it became ready, and the return code."""
        here, there = socket.socketpair()
        with here:
            with there:
                inheritance = Inheritance(
                    worker.number,
                    len(self._workers),
                    self._listener.fileno(),
                    there.fileno(),
                    str(self._folder),
                    self._hanging_seconds,
                )
                process = await asyncio.create_subprocess_exec(
                    *self._command,
                    str(inheritance),
                    stdin=asyncio.subprocess.DEVNULL,
                    pass_fds=(self._listener.fileno(), there.fileno()),
                    process_group=0,  # Ctrl-C is for the supervisor to understand
                )
            worker.process = process
            watching = asyncio.create_task(self._end_if_its_start_hangs(worker))
            if self._ending.is_set():
                worker.signal(signal.SIGTERM)
            try:
                here.setblocking(False)
                was_ready = bool(await asyncio.get_running_loop().sock_recv(here, 16))
                if was_ready:
                    await given_up(watching)
                    worker.ready.set()
                    if worker.is_behind:
                        worker.signal(signal.SIGHUP)
                    watching = asyncio.create_task(self._end_if_it_hangs(worker))
                return was_ready, await process.wait()
            finally:
                watching.cancel()
                worker.ready.clear()
                worker.is_behind = False
                self._on_end(process.pid)

    async def _end_if_its_start_hangs(self, worker: _Worker) -> None:
        """What may take long in it, such as bringing an archive up to date, lets the loop go on; what hangs may, too.
        So the whole has a limit, and signs of life are none of its concern: it gives the first when it answers."""
        seconds = self._starting_seconds
        await silence(self._signs, worker.number, seconds)
        await self._end_as_hanging(worker, "worker %d has not begun to answer within %g s and is ended", seconds)

    async def _end_if_it_hangs(self, worker: _Worker) -> None:
        seconds = self._hanging_seconds
        await silence(self._signs, worker.number, seconds)
        await self._end_as_hanging(worker, "worker %d shows no sign of life for %g s and is ended", seconds)

    async def _end_as_hanging(self, worker: _Worker, told: str, seconds: float) -> None:
        if self._ending.is_set():  # it may have ended its loop already; `_end` waits for the rest
            return
        self.hung += 1
        logger.error(told, worker.number, seconds)
        worker.signal(WHERE)
        await asyncio.sleep(_TELLING_SECONDS)
        worker.signal(signal.SIGKILL)  # which also ends a process that is stopped

    def _any_serves(self) -> bool:
        return any(worker.ready.is_set() for worker in self._workers)

    def _fail(self, code: int) -> None:
        self._failed = code if code > 0 else 1
        self._ending.set()

    def _told_to_end(self) -> None:
        if self._ending.is_set():
            self._pass_on(signal.SIGKILL)
        self._ending.set()

    def _pass_on_hangup(self) -> None:
        for worker in self._workers:
            if worker.ready.is_set():
                worker.signal(signal.SIGHUP)
            else:  # it would end by it: nothing of it listens yet
                worker.is_behind = True

    def _pass_on(self, number: int) -> None:
        for worker in self._workers:
            worker.signal(number)


async def _all_ready(workers: Sequence[_Worker], ending: asyncio.Event) -> bool:
    """Waits until they are; False where all ends first."""

    async def ready() -> None:
        for worker in workers:
            await worker.ready.wait()

    tasks = [asyncio.create_task(ready()), asyncio.create_task(ending.wait())]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
    return not ending.is_set()


def _told(code: int) -> str:
    return signal.Signals(-code).name if code < 0 else f"code {code}"
