"""Keeping one account in step with its server."""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from mailquery.domain.accounts import MailAccount
from mailquery.repositories.synchronising import Outcome, SyncStanding
from mailquery.services.background.sync_runs import SyncRuns
from mcpkit.errors import ErrorCode, Fault
from mcpkit.resilience.retrying import Backoff

logger = logging.getLogger(__name__)

_SHARE = 0.1  # of an interval that is left to chance, either way
_LONG_AGO = float("-inf")
_BACKOFF = Backoff(first=60.0, longest=900.0)

Watch = Callable[[MailAccount, Callable[[], None], Callable[[], Awaitable[None]]], Awaitable[None]]
Sleep = Callable[[float], Awaitable[None]]
Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Schedule:
    """Seconds, but for `at_once`, which is how many accounts are synchronised side by side. `interval` lies between
    two runs of an account, `backoff` after failures. News that come sooner than `rest` after a run wait until then."""

    interval: float = 300.0
    at_once: int = 3
    backoff: Backoff = _BACKOFF
    rest: float = 5.0


class KeepAccount:
    """Synchronises at every interval and when the server announces news; after failures ever more seldom."""

    def __init__(
        self,
        account: MailAccount,
        standing: SyncStanding,
        runs: SyncRuns,
        slots: asyncio.Semaphore,
        schedule: Schedule,
        *,
        watch: Watch | None = None,
        clock: Clock = time.monotonic,
        sleep: Sleep = asyncio.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        """`watch` waits for what the server announces (`services.background.watching`); None is where only the
        interval counts. `standing` is how it went before."""
        self.account = account
        self.next_run: datetime | None = None
        self.watched = False
        self._runs = runs
        self._slots = slots
        self._schedule = schedule
        self._watch = watch
        self._clock = clock
        self._sleep = sleep
        self._chance = chance
        self._wake = asyncio.Event()
        self._succeeded = asyncio.Event()  # once
        if standing.succeeded is not None:
            self._succeeded.set()
        self._failures = standing.failures if standing.outcome is Outcome.FAILED else 0
        self._first_wait = self._left(standing)
        self._last_end = _LONG_AGO  # of a run, by the clock
        self._run_ended = asyncio.Condition()

    async def __call__(self) -> None:
        """Goes on until it is cancelled; ends a run that is under way then."""
        try:
            async with asyncio.TaskGroup() as tasks:
                if self._watch is not None:
                    tasks.create_task(self._keep_watching(self._watch))
                await self._keep_synchronising()
        finally:
            await self._runs.stop(self.account.name)

    async def _keep_synchronising(self) -> None:
        await self._until_woken(self._first_wait)
        while True:
            async with self._slots:
                self._wake.clear()  # what was announced so far, this run brings in
                wait = await self._synchronise()
            self._last_end = self._clock()
            async with self._run_ended:
                self._run_ended.notify_all()
            await self._until_woken(wait)

    async def _synchronise(self) -> float:
        """One run; how long to wait for the next."""
        try:
            await self._runs.join(self.account.name)
        except Fault as fault:
            if fault.code is ErrorCode.CONFLICT:  # another process does it
                return self._interval()
            return self._failed(fault.told_here, fault.retry_after)
        except Exception:  # it must not end the server, nor what is done for the other accounts
            logger.exception("synchronising %s failed", self.account.name)
            return self._failed("An error of the program.")
        self._failures = 0
        self._succeeded.set()
        return self._interval()

    def _failed(self, message: str, hint: float | None = None) -> float:
        self._failures += 1
        wait = self._schedule.backoff.after(self._failures, hint, self._chance)
        logger.warning("%s is tried again in %.0f s: %s", self.account.name, wait, message)
        return wait

    def _interval(self) -> float:
        return self._schedule.interval * (1 - _SHARE + 2 * _SHARE * self._chance())

    def _left(self, standing: SyncStanding) -> float:
        """What is left of the wait that began when the last run ended, in this process or another."""
        if standing.finished is None or standing.outcome not in (Outcome.DONE, Outcome.FAILED):
            return 0.0
        failures = self._failures
        whole = self._schedule.backoff.after(failures, chance=self._chance) if failures else self._interval()
        gone = (datetime.now(UTC) - standing.finished).total_seconds()
        return min(max(0.0, whole - gone), whole)  # whatever the machine's clock was set to meanwhile

    async def _until_woken(self, seconds: float) -> None:
        self.next_run = datetime.now(UTC) + timedelta(seconds=seconds)
        timer = asyncio.ensure_future(self._sleep(seconds))
        woken = asyncio.ensure_future(self._wake.wait())
        try:
            await asyncio.wait({timer, woken}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            timer.cancel()
            woken.cancel()

    async def _keep_watching(self, watch: Watch) -> None:
        """Announcements are of use once there is something to add to. What ends a watch is waited out, as what ends a
        run is: whether the account is in order, the next run will tell."""
        await self._succeeded.wait()
        failures = 0

        def watching() -> None:
            nonlocal failures
            failures = 0
            self.watched = True
            self._wake.set()  # for what came after the last run

        while True:
            hint = None
            try:
                await watch(self.account, watching, self._news)
            except Fault as fault:
                logger.info("%s is not watched for now: %s", self.account.name, fault.told_here)
                hint = fault.retry_after
            except Exception:
                logger.exception("watching %s failed", self.account.name)
            else:
                logger.info("the server of %s does not announce new mail; it is asked at intervals", self.account.name)
                return
            finally:
                self.watched = False
            failures += 1
            await self._sleep(self._schedule.backoff.after(failures, hint, self._chance))

    async def _news(self) -> None:
        """Something was announced: a run begins soon. Returns when it has ended. While runs fail, announcements do not
        make them more frequent."""
        if not self._failures:
            rest = self._schedule.rest - (self._clock() - self._last_end)
            if rest > 0:
                await self._sleep(rest)
            self._wake.set()
        async with self._run_ended:
            await self._run_ended.wait()
