"""Worker processes that prepare messages, and what happens when a message is too much for one of them.

A message that takes too long is interrupted. One that kills its worker (a crash in a compiled library, the kernel's
out-of-memory killer) costs the batch it was in a second try, message by message; the culprit is stored with its headers
only. The import goes on in every case.
"""

import asyncio
import faulthandler
import functools
import gc
import multiprocessing
import multiprocessing.connection
import multiprocessing.process
import multiprocessing.queues
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from types import FrameType
from typing import TextIO

from mailquery.domain.messages import Problem, ProblemCode
from mailquery.repositories.prepared import PreparedMessage
from mailquery.services.preparing import prepare, prepare_headers_only, unparsable
from mailquery.sources.interfaces import SourceMessage
from mcpkit.shortage import too_little_memory

_SECONDS_PER_MESSAGE = 20.0
_BETWEEN_LOOKS = 1.0  # seconds in which it is noticed that nobody settles futures any more

Prepare = Callable[[SourceMessage, bytes, datetime], PreparedMessage]


@dataclass(frozen=True, slots=True)
class Job:
    """A message to prepare, with its fingerprint."""

    message: SourceMessage
    fingerprint: bytes


class _TimeIsUp(BaseException):
    """Not an Exception, so that no handler inside a parser can swallow it."""


def _interrupt(signum: int, frame: FrameType | None) -> None:
    raise _TimeIsUp


def _die_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        multiprocessing.connection.wait([parent.sentinel])
        os._exit(1)


def _start_worker() -> None:
    # Ctrl-C reaches the whole process group; the parent decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGALRM, _interrupt)
    threading.Thread(target=_die_with_parent, daemon=True).start()
    # What a batch makes lives until it is sent: looking through it for cycles over and over finds none.
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def _watch(seconds: float) -> float:
    """Has this process ended from outside Python unless called again within `seconds`: a loop in a compiled library
    holds the interpreter, so that no Python signal handler would run. Returns the time of the call."""
    faulthandler.dump_traceback_later(seconds, exit=True, file=_nowhere())
    return time.monotonic()


@functools.cache
def _nowhere() -> TextIO:
    return open(os.devnull, "w")


def _prepare_one(prepare: Prepare, job: Job, now: datetime, seconds: float) -> PreparedMessage:
    try:
        signal.setitimer(signal.ITIMER_REAL, seconds)
        try:
            return prepare(job.message, job.fingerprint, now)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    except _TimeIsUp:
        why = Problem(ProblemCode.PARSER_TIMEOUT, f"not parsed within {seconds:g} s; only headers are indexed")
    except Exception as error:  # noqa: BLE001 - any fault of the parser is recorded with the message
        why = unparsable(error)
    return prepare_headers_only(job.message, job.fingerprint, now, why)


def _prepare_batch(prepare: Prepare, jobs: Sequence[Job], now: datetime, seconds: float) -> list[PreparedMessage]:
    prepared = []
    watched = _watch(2 * seconds)
    for job in jobs:
        if time.monotonic() - watched > seconds / 10:  # arming it costs a thread: not for each message
            watched = _watch(2 * seconds)
        prepared.append(_prepare_one(prepare, job, now, seconds))
    faulthandler.cancel_dump_traceback_later()
    return prepared


def _executor(workers: int) -> ProcessPoolExecutor:
    # Not fork: this process has threads, and a forked child may inherit a lock that one of them holds.
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(workers, mp_context=context, initializer=_start_worker)


async def _outcome(executor: ProcessPoolExecutor, future: Future[list[PreparedMessage]]) -> list[PreparedMessage]:
    """What the future gives.

    The thread that settles an executor's futures starts threads itself, and ends where there is no memory for one; then
    nobody settles them, and the workers wait for ever, also when this process ends. Raises Fault SERVICE_UNAVAILABLE.
    """
    outcome = asyncio.wrap_future(future)
    while not (await asyncio.wait([outcome], timeout=_BETWEEN_LOOKS))[0]:
        manager: threading.Thread | None = getattr(executor, "_executor_manager_thread", None)
        if manager is not None and not manager.is_alive() and not future.done():
            processes: Mapping[int, multiprocessing.process.BaseProcess] = getattr(executor, "_processes", None) or {}
            for process in tuple(processes.values()):
                process.kill()
            raise too_little_memory()
    return outcome.result()


def _let_go(executor: ProcessPoolExecutor) -> None:
    """Before Python 3.11.5 (https://github.com/python/cpython/issues/94777) an executor whose worker died while it was
    being sent a batch that is larger than a pipe waits for ever for that to be read, and this process does not end."""
    if sys.version_info < (3, 11, 5) and getattr(executor, "_broken", False):
        queue: multiprocessing.queues.Queue[object] | None = getattr(executor, "_call_queue", None)
        if queue is not None:
            queue._reader.close()  # type: ignore[attr-defined] # as later versions do; nobody else reads


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """A worker that is started meanwhile inherits that SIGINT waits: Ctrl-C reaches it, too, and it could not yet have
    said that it ignores it. Here it comes right afterwards."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class ParserPool:
    """Prepares batches of messages in `workers` processes. Several batches may be under way at once."""

    def __init__(
        self, workers: int, *, seconds_per_message: float = _SECONDS_PER_MESSAGE, prepare: Prepare = prepare
    ) -> None:
        """`prepare` is a function of a module, so that the workers can import it."""
        self._workers = workers
        self._prepare = prepare
        self._seconds = seconds_per_message
        self._executor = _executor(workers)

    def submit(self, jobs: Sequence[Job], now: datetime) -> Future[list[PreparedMessage]]:
        """Starts preparing `jobs`. The future is for `result`."""
        with _interrupts_held():
            try:
                return self._executor.submit(_prepare_batch, self._prepare, jobs, now, self._seconds)
            except BrokenProcessPool:
                _let_go(self._executor)
                self._executor.shutdown(wait=False, cancel_futures=True)
                self._executor = _executor(self._workers)
                return self._executor.submit(_prepare_batch, self._prepare, jobs, now, self._seconds)

    async def result(
        self, future: Future[list[PreparedMessage]], jobs: Sequence[Job], now: datetime
    ) -> list[PreparedMessage]:
        """The prepared messages of a submitted batch, one a job, in order."""
        try:
            return await _outcome(self._executor, future)
        except BrokenProcessPool:
            _let_go(self._executor)
            return await self._isolated(jobs, now)

    async def _isolated(self, jobs: Sequence[Job], now: datetime) -> list[PreparedMessage]:
        """Prepares a batch in which a message may be deadly, in a process of its own; halves it until that is found."""
        executor = _executor(1)
        try:
            with _interrupts_held():
                future = executor.submit(_prepare_batch, self._prepare, jobs, now, self._seconds)
            return await _outcome(executor, future)
        except BrokenProcessPool:
            _let_go(executor)
            if len(jobs) == 1:
                why = Problem(ProblemCode.PARSER_ERROR, "the parser's process died on it; only headers are indexed")
                return [prepare_headers_only(jobs[0].message, jobs[0].fingerprint, now, why)]
            middle = len(jobs) // 2
            return [*await self._isolated(jobs[:middle], now), *await self._isolated(jobs[middle:], now)]
        finally:
            executor.shutdown(wait=False, cancel_futures=True)

    def close(self) -> None:
        """Ends the workers after the batches that they are at; the others are dropped."""
        self._executor.shutdown(wait=False, cancel_futures=True)


def default_workers() -> int:
    """One for each core that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
