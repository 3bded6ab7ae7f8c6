"""How long each step of a search takes."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Step:
    name: str
    seconds: float


class Steps:
    """Keeps the steps of one search in their order. A step may run on another thread while its caller waits for it."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._began = clock()
        self._taken: list[Step] = []

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        began = self._clock()
        try:
            yield
        finally:
            self._taken.append(Step(name, self._clock() - began))

    @property
    def taken(self) -> tuple[Step, ...]:
        return tuple(self._taken)

    def seconds(self) -> float:
        """Since the first step could begin; what lies between the steps (waiting for a thread) is in it."""
        return self._clock() - self._began
