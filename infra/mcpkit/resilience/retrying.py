"""Trying again what may well go right the next time."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception

from mcpkit.errors import Fault

Result = TypeVar("Result")
Fraction = Callable[[], float]  # of chance, from 0 to 1
_LARGEST_EXPONENT = 32  # 2 to a larger one would only be cut off again


@dataclass(frozen=True, slots=True)
class Backoff:
    """How long to wait after failures, in seconds: `first` after the first, twice as long after each further one, up to
    `longest`. Half of it is left to chance, so that those who failed together do not come back together."""

    first: float
    longest: float

    def after(self, failures: int, hint: float | None = None, chance: Fraction = random.random) -> float:
        """After that many failures in a row, at least one. `hint` is the pause that was asked for: never less than it,
        and as much more as would be waited without one is left to chance."""
        whole = min(self.longest, self.first * 2.0 ** min(failures - 1, _LARGEST_EXPONENT))
        if hint is not None and hint > 0:
            return hint + whole / 2 * chance()
        return whole / 2 + whole / 2 * chance()


@dataclass(frozen=True, slots=True)
class Retrying:
    """`tries` are counted with the first. None begins later than `seconds` after the first began; how long one may take
    is for the work itself to bound."""

    tries: int
    seconds: float
    backoff: Backoff

    async def __call__(
        self,
        work: Callable[[], Awaitable[Result]],
        may_retry: Callable[[Fault], bool],
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
        chance: Fraction = random.random,
    ) -> Result:
        """What `work` gives. Raises the Fault of the last try, at once where it may not be retried, or where the pause
        that it asks for (`retry_after`) would end too late. Everything else that `work` raises ends it, and so does
        cancelling it."""
        began = clock()

        def wait(state: RetryCallState) -> float:
            return self.backoff.after(state.attempt_number, _fault(state).retry_after, chance)

        def stop(state: RetryCallState) -> bool:
            return state.attempt_number >= self.tries or clock() - began + state.upcoming_sleep > self.seconds

        attempts = AsyncRetrying(
            sleep=sleep,
            wait=wait,
            stop=stop,
            retry=retry_if_exception(lambda error: isinstance(error, Fault) and may_retry(error)),
            reraise=True,
        )
        return await attempts(work)


def _fault(state: RetryCallState) -> Fault:
    error = state.outcome.exception() if state.outcome is not None else None
    assert isinstance(error, Fault)
    return error
