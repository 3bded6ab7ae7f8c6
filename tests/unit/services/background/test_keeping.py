"""An account is synchronised at intervals, when its server announces something, and more seldom after failures."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta

import pytest

from mailquery.domain.accounts import Login, MailAccount, Server
from mailquery.repositories.synchronising import Outcome, SyncStanding
from mailquery.services.background.keeping import KeepAccount, Schedule
from mailquery.services.background.sync_runs import SyncRuns
from mcpkit.errors import ErrorCode, Fault
from mcpkit.resilience.retrying import Backoff
from support.syncing import Script
from support.time import Time, settled

ACCOUNT = MailAccount("work", "ana@acme.example", Server("mail.acme.example", 993), "ana", Login.PASSWORD)
SCHEDULE = Schedule(interval=300.0, backoff=Backoff(first=60.0, longest=900.0), rest=5.0)
NEVER = SyncStanding()


def away(retry_after: float | None = None) -> Fault:
    return Fault(ErrorCode.SOURCE_UNAVAILABLE, "It is away.", retry_after=retry_after)


def ago(seconds: float, outcome: Outcome = Outcome.DONE, failures: int = 0) -> SyncStanding:
    then = datetime.now(UTC) - timedelta(seconds=seconds)
    succeeded = then if outcome is Outcome.DONE else None
    return SyncStanding(outcome, started=then, finished=then, succeeded=succeeded, failures=failures)


class Announcing:
    """A server's announcements, as a test makes them. `failures` come first, one for each attempt."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.attempts = 0
        self.waiting = 0  # how often it came to wait for the next announcement
        self._next: asyncio.Future[bool | Exception] | None = None

    async def __call__(
        self, account: MailAccount, watching: Callable[[], None], news: Callable[[], Awaitable[None]]
    ) -> None:
        self.attempts += 1
        if self.failures:
            raise self.failures.pop(0)
        watching()
        while True:
            self.waiting += 1
            self._next = asyncio.get_running_loop().create_future()
            said = await self._next
            if isinstance(said, Exception):
                raise said
            if not said:
                return
            await news()

    @property
    def is_waiting(self) -> bool:
        return self._next is not None and not self._next.done()

    def say(self, what: bool | Exception = True) -> None:
        assert self._next is not None
        self._next.set_result(what)


@asynccontextmanager
async def keeping(
    script: Script,
    time: Time,
    standing: SyncStanding = NEVER,
    watch: Announcing | None = None,
    slots: int = 3,
    chance: Callable[[], float] = lambda: 0.5,
) -> AsyncIterator[KeepAccount]:
    keeper = KeepAccount(
        ACCOUNT,
        standing,
        SyncRuns(script),
        asyncio.Semaphore(slots),
        SCHEDULE,
        watch=watch,
        clock=time.clock,
        sleep=time.sleep,
        chance=chance,
    )
    task = asyncio.create_task(keeper())
    await time.pass_(0)
    try:
        yield keeper
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_is_synchronised_at_once_where_it_never_was_and_then_at_every_interval() -> None:
    script, time = Script(work=[0] * 20), Time()
    async with keeping(script, time) as keeper:
        assert len(script.calls) == 1
        assert keeper.next_run is not None
        assert 290 < (keeper.next_run - datetime.now(UTC)).total_seconds() <= 300
        await time.pass_(299)
        assert len(script.calls) == 1
        await time.pass_(1)
        assert len(script.calls) == 2
        await time.pass_(3_000)
        assert len(script.calls) == 12


async def test_the_interval_varies_by_a_tenth() -> None:
    shares = iter([0.0, 1.0, 0.25])
    script, time = Script(work=[0] * 9), Time()
    async with keeping(script, time, chance=lambda: next(shares)):
        for calls, seconds in enumerate([270, 330], start=1):
            await time.pass_(seconds - 1)
            assert len(script.calls) == calls
            await time.pass_(1)
            assert len(script.calls) == calls + 1


async def test_a_server_that_is_started_again_waits_for_what_is_left_of_the_interval() -> None:
    script, time = Script(work=[0] * 5), Time()
    async with keeping(script, time, ago(200)):
        await time.pass_(95)
        assert not script.calls
        await time.pass_(5)
        assert len(script.calls) == 1


async def test_a_server_that_is_started_again_goes_on_being_patient() -> None:
    script, time = Script(work=[0] * 5), Time()
    async with keeping(script, time, ago(75, Outcome.FAILED, failures=5)):
        await time.pass_(590)  # of three quarters of 900 seconds
        assert not script.calls
        await time.pass_(10)
        assert len(script.calls) == 1


@pytest.mark.parametrize("outcome", [Outcome.RUNNING, Outcome.STOPPED])
async def test_what_was_interrupted_goes_on_at_once(outcome: Outcome) -> None:
    script, time = Script(work=[0]), Time()
    async with keeping(script, time, ago(10, outcome)):
        assert len(script.calls) == 1


async def test_a_clock_that_was_set_back_makes_nobody_wait_longer() -> None:
    script, time = Script(work=[0]), Time()
    async with keeping(script, time, ago(-1_000_000)):
        await time.pass_(300)
        assert len(script.calls) == 1


async def test_is_tried_ever_more_seldom_while_it_fails() -> None:
    script, time = Script(work=[away() for _ in range(30)]), Time()
    async with keeping(script, time):
        for calls, seconds in enumerate([45, 90, 180, 360, 675, 675], start=1):
            await time.pass_(seconds - 1)
            assert len(script.calls) == calls
            await time.pass_(1)
            assert len(script.calls) == calls + 1


async def test_one_success_ends_the_patience() -> None:
    script, time = Script(work=[away(), away(), away(), 0, away(), 0]), Time()
    async with keeping(script, time):
        await time.pass_(45 + 90 + 180)
        assert len(script.calls) == 4
        await time.pass_(300 + 45)
        assert len(script.calls) == 6


async def test_a_pause_that_the_server_asks_for_is_kept() -> None:
    script, time = Script(work=[away(retry_after=2_000.0), 0]), Time()
    async with keeping(script, time):
        await time.pass_(1_999)
        assert len(script.calls) == 1
        await time.pass_(32)
        assert len(script.calls) == 2


async def test_an_error_of_the_program_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    script, time = Script(work=[ZeroDivisionError(), 0]), Time()
    async with keeping(script, time):
        await time.pass_(61)
        assert len(script.calls) == 2
    assert "ZeroDivisionError" in caplog.text


async def test_what_another_process_does_is_left_to_it_quietly(caplog: pytest.LogCaptureFixture) -> None:
    script, time = Script(work=[Fault(ErrorCode.CONFLICT, "Another process does it."), 0]), Time()
    async with keeping(script, time):
        await time.pass_(299)
        assert len(script.calls) == 1
        await time.pass_(1)
        assert len(script.calls) == 2
    assert not caplog.records


async def test_an_announcement_is_followed_at_once() -> None:
    script, time, watch = Script(work=[0] * 5), Time(), Announcing()
    async with keeping(script, time, ago(1), watch) as keeper:
        assert keeper.watched
        assert len(script.calls) == 1  # for what came while nobody watched
        await time.pass_(100)
        watch.say()
        await time.pass_(0)
        assert len(script.calls) == 2
        assert watch.waiting == 2


async def test_announcements_without_end_do_not_keep_it_busy() -> None:
    script, time, watch = Script(work=[0] * 100), Time(), Announcing()
    async with keeping(script, time, ago(1), watch):
        for _ in range(100):
            if watch.is_waiting:
                watch.say()
            await time.pass_(1)
    assert 15 <= len(script.calls) <= 100 / SCHEDULE.rest + 2


async def test_what_comes_during_a_run_is_brought_in_by_the_next() -> None:
    script, time, watch = Script(), Time(), Announcing()
    async with keeping(script, time, ago(1), watch):
        run = await script.begun("work")
        await time.pass_(10)
        watch.say()
        await time.pass_(1)
        run.succeed()
        await time.pass_(5)
        (await script.begun("work")).succeed()
        await settled()
        assert len(script.calls) == 2


async def test_announcements_do_not_make_failures_more_frequent() -> None:
    script, time, watch = Script(work=[0, away(), 0]), Time(), Announcing()
    async with keeping(script, time, ago(1), watch):
        await time.pass_(10)
        watch.say()
        await time.pass_(0)
        assert len(script.calls) == 2
        watch.say()
        await time.pass_(44)
        assert len(script.calls) == 2
        await time.pass_(1)
        assert len(script.calls) == 3


async def test_is_not_watched_before_it_has_been_synchronised_once() -> None:
    script, time, watch = Script(), Time(), Announcing()
    async with keeping(script, time, NEVER, watch):
        run = await script.begun("work")
        await time.pass_(1_000)
        assert watch.attempts == 0
        run.succeed()
        await time.pass_(0)
        assert watch.attempts == 1


async def test_a_watch_that_breaks_off_is_taken_up_again_and_brings_in_what_was_missed() -> None:
    script, time, watch = Script(work=[0] * 9), Time(), Announcing()
    async with keeping(script, time, ago(1), watch) as keeper:
        await time.pass_(10)
        watch.say(away())
        await time.pass_(44)
        assert not keeper.watched
        await time.pass_(1)
        assert watch.is_waiting
        assert watch.attempts == 2
        assert len(script.calls) == 2


async def test_a_watch_that_cannot_be_had_is_tried_ever_more_seldom() -> None:
    script, time, watch = Script(work=[0] * 30), Time(), Announcing(*[away() for _ in range(20)])
    async with keeping(script, time, ago(1), watch):
        await time.pass_(45 + 90 + 180 + 360)
        assert watch.attempts == 5
        assert len(script.calls) == 2  # at its interval


async def test_where_the_server_announces_nothing_the_interval_counts() -> None:
    script, time, watch = Script(work=[0] * 30), Time(), Announcing()
    async with keeping(script, time, ago(1), watch) as keeper:
        watch.say(False)
        await time.pass_(400)
        assert not keeper.watched
        assert watch.attempts == 1
        assert len(script.calls) >= 2


async def test_waits_for_its_turn() -> None:
    script, time = Script(work=[0]), Time()
    async with keeping(script, time, slots=0):
        await time.pass_(100)
        assert not script.calls


async def test_a_run_ends_with_it() -> None:
    script, time = Script(), Time()
    async with keeping(script, time):
        run = await script.begun("work")
    assert run.was_cancelled
