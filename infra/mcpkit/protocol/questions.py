"""Questions that a person is being asked, so that several calls that wait for the same one ask it once."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

SIMULTANEOUS = 5.0  # seconds after a question was sent away in which another call counts as made beside it
PATIENCE = 45.0  # seconds that such a call waits for the answer, before it asks by itself


@dataclass(slots=True)
class _Open:
    since: float
    attended: bool
    outcome: "asyncio.Future[str | None]"


class OpenQuestions:
    """By a key that says what is asked of whom. A question that a call attends ends with that call. One that was sent
    away with the call's end may never be answered, so nobody waits for it who comes late."""

    def __init__(
        self,
        *,
        simultaneous: float = SIMULTANEOUS,
        patience: float = PATIENCE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._simultaneous = simultaneous
        self._patience = patience
        self._clock = clock
        self._open: dict[str, _Open] = {}

    def is_asked(self, key: str) -> bool:
        """Whether to wait for another call's question instead of asking."""
        question = self._open.get(key)
        return question is not None and (question.attended or self._clock() - question.since < self._simultaneous)

    def begin(self, key: str, *, attended: bool) -> None:
        now = self._clock()
        for old in [old for old, each in self._open.items() if not each.attended and now - each.since > self._patience]:
            self.end(old, None)
        self.end(key, None)  # who waits for a question that was given up waits for this one
        self._open[key] = _Open(now, attended, asyncio.get_running_loop().create_future())

    def end(self, key: str, outcome: str | None) -> None:
        """None is that nobody could be asked: who waits asks by itself."""
        question = self._open.pop(key, None)
        if question is not None and not question.outcome.done():
            question.outcome.set_result(outcome)

    async def outcome(self, key: str) -> str | None:
        """What came of the question; None where it was not answered, or is not within the time."""
        question = self._open.get(key)
        if question is None:
            return None
        try:
            async with asyncio.timeout(self._patience if not question.attended else None):
                return await asyncio.shield(question.outcome)
        except TimeoutError:
            return None
