"""The synchronisations that this process runs: one of an account at a time, whoever asks for it."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from mcpkit.errors import ErrorCode, Fault

logger = logging.getLogger(__name__)

_ENDING = 5.0  # seconds that runs may take to end when they are stopped


class SyncProgress(Protocol):
    """How far a run is: `stored` of `wanted` messages. `wanted` grows while mailboxes are looked at."""

    @property
    def stored(self) -> int: ...

    @property
    def wanted(self) -> int: ...


class SyncResult(Protocol):
    """What a run did."""

    @property
    def added(self) -> int:
        """Messages that are new in the archive."""
        ...


ProgressListener = Callable[[SyncProgress], None]


class Synchronise(Protocol):
    """Brings the archive up to date with an account's server, once. `name` is the account's.

    Raises Fault: CONFLICT where another process does it already, NOT_FOUND where there is no such account, what the
    server raises (`sources.remote`), and what the archive raises.
    """

    async def __call__(self, name: str, progress: ProgressListener) -> SyncResult: ...


@dataclass(slots=True)
class Run:
    """One that is under way. `progress` is None before the first report."""

    began: datetime
    progress: SyncProgress | None = None
    listeners: list[ProgressListener] = field(default_factory=list)

    def report(self, progress: SyncProgress) -> None:
        self.progress = progress
        for listener in tuple(self.listeners):
            try:
                listener(progress)
            except Exception:  # whoever listens must not end what others wait for
                logger.exception("a listener of a synchronisation failed, and is told no more")
                self.listeners.remove(listener)


class SyncRuns:
    """Those who ask while an account is synchronised join that run. A run goes on when they stop waiting."""

    def __init__(self, synchronise: Synchronise) -> None:
        self._synchronise = synchronise
        self._tasks: dict[str, asyncio.Task[SyncResult]] = {}
        self._runs: dict[str, Run] = {}
        self.span: Callable[[], AbstractContextManager[object]] = nullcontext  # around each run
        self.messages_added = 0  # by all runs
        self.ended: dict[str, int] = {"done": 0, "failed": 0, "stopped": 0}

    @property
    def running(self) -> Mapping[str, Run]:
        """By account."""
        return self._runs

    async def join(self, name: str, progress: ProgressListener | None = None) -> SyncResult:
        """Raises what the run raises; SERVICE_UNAVAILABLE where it is stopped."""
        task = self._tasks.get(name)
        if task is None:
            task = self._begin(name)
        run = self._runs[name]
        if progress is not None:
            run.listeners.append(progress)
            if run.progress is not None:
                progress(run.progress)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            if task.cancelled() and not _is_being_cancelled():
                message = f"The synchronisation of {name} was stopped. Ask for it again, if it is still wanted."
                raise Fault(ErrorCode.SERVICE_UNAVAILABLE, message) from None
            raise
        finally:
            if progress is not None and progress in run.listeners:
                run.listeners.remove(progress)

    def _begin(self, name: str) -> "asyncio.Task[SyncResult]":
        run = self._runs[name] = Run(datetime.now(UTC))
        task = asyncio.create_task(self._run(name, run), name=f"synchronising {name}")
        self._tasks[name] = task
        task.add_done_callback(lambda ended: self._ended(name, ended))
        return task

    async def _run(self, name: str, run: Run) -> SyncResult:
        with self.span():
            return await self._synchronise(name, run.report)

    def _ended(self, name: str, task: "asyncio.Task[SyncResult]") -> None:
        del self._tasks[name], self._runs[name]
        if task.cancelled():
            self.ended["stopped"] += 1
        elif (error := task.exception()) is None:
            self.ended["done"] += 1
            self.messages_added += task.result().added
        elif not (isinstance(error, Fault) and error.code is ErrorCode.CONFLICT):  # which another process runs
            self.ended["failed"] += 1

    async def stop(self, name: str) -> None:
        """Ends the run of this account, if there is one, and waits for it, not for long."""
        await self._stop([task for of, task in self._tasks.items() if of == name])

    async def close(self) -> None:
        """Ends all of them."""
        await self._stop(list(self._tasks.values()))

    async def _stop(self, tasks: "list[asyncio.Task[SyncResult]]") -> None:
        for task in tasks:
            task.cancel()
        if tasks:
            _, lasting = await asyncio.wait(tasks, timeout=_ENDING)
            for task in lasting:
                logger.warning("%s does not end; it is left to itself", task.get_name())


def _is_being_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
