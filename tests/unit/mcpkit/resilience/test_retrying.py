"""What may go right the next time is tried again, within bounds."""

import asyncio
from collections.abc import Callable

import pytest

from mcpkit.errors import ErrorCode, Fault
from mcpkit.resilience.retrying import Backoff, Retrying

BACKOFF = Backoff(first=1.0, longest=8.0)


def away(retry_after: float | None = None) -> Fault:
    return Fault(ErrorCode.SOURCE_UNAVAILABLE, "It does not answer.", retry_after=retry_after)


class Time:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)


class Work:
    """Fails with each of `failures`, then succeeds. Each try takes `seconds`."""

    def __init__(self, time: Time, *failures: Exception, seconds: float = 0.0) -> None:
        self.time = time
        self.failures = list(failures)
        self.seconds = seconds
        self.tries = 0

    async def __call__(self) -> str:
        self.tries += 1
        self.time.now += self.seconds
        if self.failures:
            raise self.failures.pop(0)
        return f"after {self.tries}"


def always(fault: Fault) -> bool:
    return True


def most() -> float:
    return 1.0


async def run(
    work: Work,
    time: Time,
    retrying: Retrying,
    may_retry: Callable[[Fault], bool] = always,
) -> str:
    return await retrying(work, may_retry, sleep=time.sleep, clock=time, chance=most)


async def test_waits_twice_as_long_after_each_failure_up_to_the_longest() -> None:
    time = Time()
    work = Work(time, *[away() for _ in range(5)])
    assert await run(work, time, Retrying(6, 100.0, BACKOFF)) == "after 6"
    assert time.slept == [1.0, 2.0, 4.0, 8.0, 8.0]


def test_half_of_a_pause_is_left_to_chance() -> None:
    assert BACKOFF.after(3, chance=lambda: 0.0) == 2.0
    assert BACKOFF.after(3, chance=lambda: 1.0) == 4.0
    pauses = {BACKOFF.after(3) for _ in range(50)}
    assert len(pauses) > 40
    assert all(2.0 <= pause <= 4.0 for pause in pauses)


def test_a_thousand_failures_wait_no_longer_than_the_longest() -> None:
    assert BACKOFF.after(100_000, chance=most) == 8.0


async def test_never_comes_back_before_the_server_said() -> None:
    time = Time()
    work = Work(time, away(retry_after=30.0))
    assert await run(work, time, Retrying(3, 100.0, BACKOFF)) == "after 2"
    assert 30.0 <= time.slept[0] <= 31.0


async def test_does_not_wait_for_what_comes_too_late() -> None:
    time = Time()
    work = Work(time, away(retry_after=600.0))
    with pytest.raises(Fault) as raised:
        await run(work, time, Retrying(3, 100.0, BACKOFF))
    assert raised.value.retry_after == 600.0
    assert time.slept == []


async def test_gives_up_after_the_last_try() -> None:
    time = Time()
    last = away()
    work = Work(time, away(), away(), last, away())
    with pytest.raises(Fault) as raised:
        await run(work, time, Retrying(3, 100.0, BACKOFF))
    assert raised.value is last
    assert work.tries == 3


async def test_gives_up_when_the_time_is_over_however_many_tries_are_left() -> None:
    time = Time()
    work = Work(time, *[away() for _ in range(50)], seconds=20.0)
    with pytest.raises(Fault):
        await run(work, time, Retrying(50, 60.0, BACKOFF))
    assert work.tries == 3  # at 0, 21 and 43 seconds; the next would begin at 67


async def test_what_does_not_heal_is_raised_at_once() -> None:
    time = Time()
    work = Work(time, Fault(ErrorCode.LOGIN_FAILED, "The password is wrong."))
    with pytest.raises(Fault, match="password is wrong"):
        await run(work, time, Retrying(3, 100.0, BACKOFF), lambda fault: fault.code is ErrorCode.SOURCE_UNAVAILABLE)
    assert (work.tries, time.slept) == (1, [])


async def test_errors_of_the_program_are_not_tried_again() -> None:
    time = Time()
    work = Work(time, ZeroDivisionError())
    with pytest.raises(ZeroDivisionError):
        await run(work, time, Retrying(3, 100.0, BACKOFF))
    assert work.tries == 1


async def test_can_be_cancelled_while_it_waits() -> None:
    time = Time()
    waiting = asyncio.Event()

    async def sleep(seconds: float) -> None:
        waiting.set()
        await asyncio.Event().wait()

    work = Work(time, away())
    task = asyncio.create_task(Retrying(3, 100.0, BACKOFF)(work, always, sleep=sleep, clock=time))
    await waiting.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert work.tries == 1
