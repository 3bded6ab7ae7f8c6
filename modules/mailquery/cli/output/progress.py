"""How far a long work is, on standard error."""

import sys
import time
from typing import Protocol, Self

from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from mailquery.cli.output.printing import console

_PLAIN_INTERVAL = 5.0  # seconds between the lines where there is no terminal


class Shown(Protocol):
    """A context manager while the work goes on. `done` of `total`, and in words what was done and at what it is."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...

    def show(self, done: int, total: int, counts: str, now_at: str = "") -> None: ...


def progress() -> Shown:
    """A bar with the time that is left on a terminal, else a line every few seconds."""
    return _Bar() if sys.stderr.isatty() else _Lines()


class _Lines:
    def __init__(self) -> None:
        self._next = time.monotonic() + _PLAIN_INTERVAL

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...

    def show(self, done: int, total: int, counts: str, now_at: str = "") -> None:
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + _PLAIN_INTERVAL
        line = f"{done / total if total else 1.0:4.0%}  {counts}  {now_at}".rstrip()
        print(line, file=sys.stderr, flush=True)


class _Bar:
    def __init__(self) -> None:
        self._progress = Progress(
            TextColumn("{task.percentage:>3.0f}%", markup=False),
            BarColumn(),
            TextColumn("{task.fields[counts]}", markup=False),
            TimeRemainingColumn(elapsed_when_finished=True),
            TextColumn("{task.fields[now_at]}", markup=False),
            console=console(stderr=True),
            transient=True,
        )
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def show(self, done: int, total: int, counts: str, now_at: str = "") -> None:
        if self._task is None:
            self._task = self._progress.add_task("", total=total, counts=counts, now_at=now_at)
        self._progress.update(self._task, completed=done, total=total, counts=counts, now_at=now_at)
