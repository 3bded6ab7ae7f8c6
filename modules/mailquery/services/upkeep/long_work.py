"""Long work on files, which can be stopped and says how far it is."""

import asyncio
import threading
from collections.abc import Callable
from typing import Protocol, TypeVar

T = TypeVar("T")

Report = Callable[[int, int], None]
"""Is told how much of how much is done. What it raises ends the work."""


class Stopped(Exception):
    """The work was given up meanwhile."""


class Stop(Protocol):
    def is_set(self) -> bool: ...


async def in_thread(work: Callable[[threading.Event], T]) -> T:
    """Runs `work` on a thread of its own. Where the caller is cancelled, its event is set, and the thread's end is
    awaited: what it has begun is cleared away by then."""
    stop = threading.Event()
    task = asyncio.ensure_future(asyncio.to_thread(work, stop))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        stop.set()
        await asyncio.wait({task})
        if not task.cancelled():
            task.exception()  # what stopping it raised
        raise


class Told:
    """How far several passes over files are, in bytes."""

    def __init__(self, progress: Report | None, total: int, stop: Stop) -> None:
        self._progress = progress
        self._total = total
        self._stop = stop
        self._done = 0

    def by(self, bytes: int) -> None:
        if self._stop.is_set():
            raise Stopped
        if self._progress is not None:
            self._progress(min(self._done + bytes, self._total), self._total)

    def passed(self, bytes: int) -> None:
        self._done += bytes
        self.by(0)
