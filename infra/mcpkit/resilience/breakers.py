"""Circuit breakers: what does not answer is left alone for a while (Nygard, Release It!, 2nd edition, chapter 5).

The states and the counting are those of `pybreaker`. Its way of calling is not used: it holds a lock of the thread for
as long as a call lasts, which is nothing between the tasks of an event loop, so that in the half-open state any number
would get through; and it measures by the wall's clock. Who is let through, and when, is settled here.
"""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum, StrEnum

from pybreaker import CircuitBreaker, CircuitBreakerState

from mcpkit.errors import ErrorCode, Fault

_WHILE_OTHERS_PROBE = 5.0  # seconds


class State(StrEnum):
    """By the names of `pybreaker`."""

    CLOSED = "closed"  # calls go through
    OPEN = "open"  # none do
    HALF_OPEN = "half-open"  # a few may try


class Verdict(Enum):
    """What a Fault says about the one that was called."""

    FAILED = "failed"
    ANSWERED = "answered"  # it works, and says no
    NOTHING = "nothing"  # the call did not come so far


@dataclass(frozen=True, slots=True)
class BreakerRule:
    """It opens after `failures` in a row, for `seconds`; then `probes` at a time may try, and as many must succeed for
    it to close. One that fails opens it again, for twice as long as before, up to `longest` seconds."""

    failures: int = 5
    seconds: float = 60.0
    longest: float = 900.0
    probes: int = 1


@dataclass(frozen=True, slots=True)
class BreakerStanding:
    """`failures` are those in a row. `opened` is when it opened last, and `next_try` when it lets a probe through: None
    where that is now. Both are UTC."""

    name: str
    state: State
    failures: int
    opened: datetime | None = None
    next_try: datetime | None = None


class Breaker:
    """For what the tasks of one event loop call. Its standing may be read from any thread."""

    def __init__(
        self,
        name: str,
        rule: BreakerRule,
        *,
        clock: Callable[[], float] = time.monotonic,
        changed: Callable[[BreakerStanding], None] | None = None,
    ) -> None:
        """`changed` is called whenever it opens, half-opens or closes."""
        self.name = name
        self._rule = rule
        self._clock = clock
        self._changed = changed
        self._states = CircuitBreaker(
            fail_max=rule.failures, success_threshold=rule.probes, name=name, throw_new_error_on_trip=False
        )
        self._probes: set[object] = set()  # those that are under way
        self._openings = 0  # since it was closed
        self._last = ""  # what the last failure said
        self._opened: datetime | None = None
        self._closes_at = 0.0  # by the clock: when it is open no longer

    @property
    def standing(self) -> BreakerStanding:
        state = State(self._states.current_state)
        left = self._closes_at - self._clock()
        next_try = datetime.fromtimestamp(time.time() + left, UTC) if state is State.OPEN and left > 0 else None
        return BreakerStanding(self.name, state, self._states.fail_counter, self._opened, next_try)

    @asynccontextmanager
    async def passing(self, judge: Callable[[Fault], Verdict]) -> AsyncIterator[None]:
        """Around one call. Raises Fault SERVICE_UNAVAILABLE, with `retry_after`, where none goes through now.

        `judge` tells which Faults are failures. What else ends the call, such as being cancelled, says nothing.
        """
        admitted = self._admit()
        probe = object()
        if admitted.name == State.HALF_OPEN:
            self._probes.add(probe)
        try:
            yield
        except Fault as fault:
            self._settle(admitted, judge(fault), fault)
            raise
        else:
            self._settle(admitted, Verdict.ANSWERED)
        finally:
            self._probes.discard(probe)

    def _admit(self) -> CircuitBreakerState:
        """The state in which the call goes through. There is a new object of it whenever it is entered."""
        state = self._states.state
        if state.name == State.OPEN:
            if (left := self._closes_at - self._clock()) > 0:
                raise self._refusal(left)
            self._probes.clear()
            self._states.half_open()
            self._tell()
        elif state.name == State.HALF_OPEN and len(self._probes) >= self._rule.probes:
            raise self._refusal(_WHILE_OTHERS_PROBE)
        return self._states.state

    def _settle(self, admitted: CircuitBreakerState, verdict: Verdict, fault: Fault | None = None) -> None:
        """Counts what became of a call. One that was let through before the state changed says nothing about now."""
        if self._states.state is not admitted or verdict is Verdict.NOTHING:
            return
        if verdict is Verdict.ANSWERED:
            self._states.call(_succeed)
        else:
            assert fault is not None
            self._last = fault.message
            with suppress(Fault):  # it is raised to the caller already
                self._states.call(_fail, fault)
        if self._states.state is not admitted:
            self._entered(fault)

    def _entered(self, fault: Fault | None) -> None:
        if self._states.current_state == State.CLOSED:
            self._openings = 0
        else:
            seconds = min(self._rule.longest, self._rule.seconds * 2.0 ** min(self._openings, 32))
            hint = fault.retry_after if fault is not None else None
            self._closes_at = self._clock() + max(seconds, hint or 0.0)
            self._openings += 1
            self._opened = datetime.now(UTC)
        self._tell()

    def _tell(self) -> None:
        if self._changed is not None:
            self._changed(self.standing)

    def _refusal(self, seconds: float) -> Fault:
        return Fault(
            ErrorCode.SERVICE_UNAVAILABLE,
            f"{self.name} failed {_times(self._states.fail_counter)}, and is left alone for now: it is tried "
            f"again in {max(1, round(seconds))} s. The last failure: {self._last}",
            details={"breaker": self._states.current_state},
            retry_after=max(1.0, seconds),
        )


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times in a row"


def _succeed() -> None:
    """The library counts calls, and this is one."""


def _fail(fault: Fault) -> None:
    raise fault


class Breakers:
    """One for each host, or whatever else fails as a whole: made when it is first asked for."""

    def __init__(
        self,
        rule: BreakerRule | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        changed: Callable[[BreakerStanding], None] | None = None,
    ) -> None:
        self._rule = rule or BreakerRule()
        self._clock = clock
        self._changed = changed
        self._breakers: dict[str, Breaker] = {}

    def of(self, name: str) -> Breaker:
        if (breaker := self._breakers.get(name)) is None:
            breaker = Breaker(name, self._rule, clock=self._clock, changed=self._changed)
            self._breakers[name] = breaker
        return breaker

    def standing(self, name: str) -> BreakerStanding:
        """Closed, where nothing was called yet."""
        breaker = self._breakers.get(name)
        return breaker.standing if breaker is not None else BreakerStanding(name, State.CLOSED, 0)

    def standings(self) -> tuple[BreakerStanding, ...]:
        """In the order of their names. May be asked for from any thread."""
        return tuple(sorted((each.standing for each in tuple(self._breakers.values())), key=lambda each: each.name))
