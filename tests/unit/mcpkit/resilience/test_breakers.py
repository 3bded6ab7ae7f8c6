"""What does not answer is left alone for a while, and then asked by a few."""

import asyncio
from collections.abc import Callable

import pytest

from mcpkit.errors import ErrorCode, Fault
from mcpkit.resilience.breakers import Breaker, BreakerRule, Breakers, BreakerStanding, State, Verdict

RULE = BreakerRule(failures=3, seconds=60.0, longest=200.0, probes=2)


class Clock:
    def __init__(self) -> None:
        self.now = 50.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    return Breaker("mail.example", RULE, clock=clock)


def away(retry_after: float | None = None) -> Fault:
    return Fault(ErrorCode.SOURCE_UNAVAILABLE, "It does not answer.", retry_after=retry_after)


def judge(fault: Fault) -> Verdict:
    match fault.code:
        case ErrorCode.SOURCE_UNAVAILABLE:
            return Verdict.FAILED
        case ErrorCode.LOGIN_FAILED:
            return Verdict.ANSWERED
        case _:
            return Verdict.NOTHING


async def call(breaker: Breaker, fault: Exception | None = None) -> None:
    async with breaker.passing(judge):
        await asyncio.sleep(0)
        if fault is not None:
            raise fault


def state(breaker: Breaker) -> State:
    return breaker.standing.state


async def fail(breaker: Breaker, times: int = 1, fault: Fault | None = None) -> None:
    for _ in range(times):
        with pytest.raises(Fault):
            await call(breaker, fault or away())


class Call:
    """One that lasts until it is told how it ends."""

    def __init__(self, breaker: Breaker) -> None:
        self.inside = asyncio.Event()
        self._end: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.task = asyncio.create_task(self._run(breaker))

    async def _run(self, breaker: Breaker) -> None:
        async with breaker.passing(judge):
            self.inside.set()
            await self._end

    async def succeed(self) -> None:
        self._end.set_result(None)
        await self.task

    async def fail(self) -> None:
        self._end.set_exception(away())
        with pytest.raises(Fault):
            await self.task


async def begun(breaker: Breaker) -> Call:
    begun = Call(breaker)
    await begun.inside.wait()
    return begun


async def assert_refused(breaker: Breaker) -> Fault:
    with pytest.raises(Fault) as raised:
        await call(breaker)
    assert raised.value.code is ErrorCode.SERVICE_UNAVAILABLE
    assert raised.value.retry_after is not None
    return raised.value


async def test_opens_after_so_many_failures_in_a_row(breaker: Breaker) -> None:
    await fail(breaker, 2)
    await call(breaker)
    await fail(breaker, 2)
    assert breaker.standing == BreakerStanding("mail.example", State.CLOSED, 2)
    await fail(breaker)
    standing = breaker.standing
    assert (standing.state, standing.failures) == (State.OPEN, 3)
    assert standing.opened is not None
    assert standing.next_try is not None
    assert 59 < (standing.next_try - standing.opened).total_seconds() < 61


async def test_while_it_is_open_nothing_is_called(breaker: Breaker, clock: Clock) -> None:
    await fail(breaker, 3)
    clock.now += 20.0
    refusal = await assert_refused(breaker)
    assert refusal.retry_after == 40.0
    assert "mail.example failed 3 times in a row" in refusal.message
    assert "in 40 s" in refusal.message
    assert refusal.message.endswith("The last failure: It does not answer.")


async def test_a_refused_login_is_an_answer(breaker: Breaker) -> None:
    await fail(breaker, 2)
    await fail(breaker, fault=Fault(ErrorCode.LOGIN_FAILED, "Wrong."))
    await fail(breaker, 2)
    assert state(breaker) is State.CLOSED


async def test_what_did_not_come_so_far_says_nothing(breaker: Breaker) -> None:
    await fail(breaker, 2)
    await fail(breaker, 5, Fault(ErrorCode.CONFLICT, "Another process does it."))
    assert breaker.standing.failures == 2
    await fail(breaker)
    assert state(breaker) is State.OPEN


async def test_an_error_of_the_program_says_nothing(breaker: Breaker) -> None:
    await fail(breaker, 2)
    with pytest.raises(ZeroDivisionError):
        await call(breaker, ZeroDivisionError())
    assert breaker.standing.failures == 2


async def test_no_more_probes_at_a_time_than_the_rule_says(breaker: Breaker, clock: Clock) -> None:
    await fail(breaker, 3)
    clock.now += 60.0
    outcomes = await asyncio.gather(*[call(breaker) for _ in range(20)], return_exceptions=True)
    assert sum(outcome is None for outcome in outcomes) == 2
    assert all(isinstance(outcome, Fault) for outcome in outcomes if outcome is not None)
    assert breaker.standing == BreakerStanding("mail.example", State.CLOSED, 0, breaker.standing.opened)


async def test_closes_when_as_many_probes_have_succeeded(breaker: Breaker, clock: Clock) -> None:
    await fail(breaker, 3)
    clock.now += 60.0
    first, second = await begun(breaker), await begun(breaker)
    await assert_refused(breaker)
    await first.succeed()
    assert state(breaker) is State.HALF_OPEN
    await second.succeed()
    assert state(breaker) is State.CLOSED
    await fail(breaker, 2)
    assert state(breaker) is State.CLOSED


async def test_a_probe_that_fails_opens_it_for_twice_as_long(breaker: Breaker, clock: Clock) -> None:
    await fail(breaker, 3)
    for seconds in (60.0, 120.0, 200.0, 200.0):
        clock.now += seconds - 1.0
        await assert_refused(breaker)
        clock.now += 1.0
        await fail(breaker)
        assert state(breaker) is State.OPEN
    clock.now += 200.0
    await call(breaker)
    await call(breaker)
    await fail(breaker, 3)
    assert (await assert_refused(breaker)).retry_after == 60.0


async def test_is_open_as_long_as_the_server_asked(breaker: Breaker, clock: Clock) -> None:
    await fail(breaker, 2)
    await fail(breaker, fault=away(retry_after=700.0))
    assert (await assert_refused(breaker)).retry_after == 700.0


async def test_calls_that_began_before_it_opened_do_not_open_it_again(breaker: Breaker, clock: Clock) -> None:
    late = [await begun(breaker) for _ in range(5)]
    await fail(breaker, 3)
    clock.now += 60.0
    probe = await begun(breaker)
    for each in late[:4]:
        await each.fail()
    assert state(breaker) is State.HALF_OPEN
    await late[4].succeed()
    assert state(breaker) is State.HALF_OPEN
    await probe.succeed()
    await call(breaker)
    assert state(breaker) is State.CLOSED


async def test_a_probe_that_is_cancelled_makes_room_for_another(breaker: Breaker, clock: Clock) -> None:
    await fail(breaker, 3)
    clock.now += 60.0
    probes = [await begun(breaker) for _ in range(2)]
    await assert_refused(breaker)
    probes[0].task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await probes[0].task
    await call(breaker)
    await probes[1].succeed()
    assert state(breaker) is State.CLOSED


async def test_a_probe_of_last_time_takes_no_place_from_the_next(breaker: Breaker, clock: Clock) -> None:
    await fail(breaker, 3)
    clock.now += 60.0
    hanging, failing = await begun(breaker), await begun(breaker)
    await failing.fail()
    clock.now += 120.0
    probes = [await begun(breaker) for _ in range(2)]
    await hanging.succeed()
    await assert_refused(breaker)
    for probe in probes:
        await probe.succeed()
    assert state(breaker) is State.CLOSED


async def test_every_change_is_told_once(clock: Clock) -> None:
    told: list[tuple[str, State]] = []

    def changed(standing: BreakerStanding) -> None:
        told.append((standing.name, standing.state))

    breakers = Breakers(BreakerRule(failures=1, probes=1), clock=clock, changed=changed)
    await fail(breakers.of("one"))
    await call(breakers.of("two"))
    clock.now += 60.0
    await call(breakers.of("one"))
    assert told == [("one", State.OPEN), ("one", State.HALF_OPEN), ("one", State.CLOSED)]


async def test_one_host_says_nothing_about_another(clock: Clock) -> None:
    breakers = Breakers(BreakerRule(failures=1), clock=clock)
    await fail(breakers.of("b.example"))
    await call(breakers.of("a.example"))
    assert breakers.of("b.example") is breakers.of("b.example")
    assert [(each.name, each.state) for each in breakers.standings()] == [
        ("a.example", State.CLOSED),
        ("b.example", State.OPEN),
    ]
    assert breakers.standing("c.example") == BreakerStanding("c.example", State.CLOSED, 0)
    assert len(breakers.standings()) == 2


def test_pybreaker_alone_would_let_any_number_probe() -> None:
    """Why its calls are not used: when this fails, look whether they can be."""
    from pybreaker import CircuitBreaker

    states = CircuitBreaker(fail_max=1)
    states.half_open()
    inside: list[int] = []

    def probe(deeper: int) -> None:
        inside.append(deeper)
        if deeper:
            states.call(probe, deeper - 1)  # on the same thread, as every task of a loop is

    probe_all: Callable[[int], None] = probe
    states.call(probe_all, 5)
    assert len(inside) == 6
