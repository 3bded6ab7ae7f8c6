"""Synchronising beside a server."""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from mailquery.domain.accounts import AccountState, MailAccount
from mailquery.repositories.background import Activity, BackgroundBoard, HostStanding
from mailquery.repositories.synchronising import AccountRepository, SyncStanding
from mailquery.services.background.keeping import Clock, KeepAccount, Schedule, Sleep, Watch
from mailquery.services.background.sync_runs import SyncRuns
from mcpkit.errors import Fault

logger = logging.getLogger(__name__)

_BETWEEN_LOOKS = 5.0  # seconds

Host = Callable[[MailAccount], HostStanding | None]


@dataclass(frozen=True, slots=True)
class _Kept:
    keeper: KeepAccount
    task: asyncio.Task[None]


class KeepSynchronised:
    """Keeps every active account in step with its server. Of several processes on one archive, one does; when that
    ends, the next takes over.

    Paused accounts and those that need a login are left alone. Accounts that are added, changed or removed meanwhile
    are taken up at the next look.
    """

    def __init__(
        self,
        accounts: AccountRepository,
        runs: SyncRuns,
        board: BackgroundBoard,
        schedule: Schedule,
        host: Host,
        *,
        watch: Watch | None = None,
        clock: Clock = time.monotonic,
        sleep: Sleep = asyncio.sleep,
        between_looks: float = _BETWEEN_LOOKS,
    ) -> None:
        """`host` tells how an account's server does. `watch` is None where only the interval counts."""
        self._accounts = accounts
        self._runs = runs
        self._board = board
        self._schedule = schedule
        self._host = host
        self._watch = watch
        self._clock = clock
        self._sleep = sleep
        self._between_looks = between_looks
        self._slots = asyncio.Semaphore(schedule.at_once)
        self._kept: dict[str, _Kept] = {}
        self._looked = False

    async def __call__(self) -> None:
        """Goes on until it is cancelled."""
        try:
            while True:
                if await asyncio.to_thread(self._board.take_turn):
                    await self._look()
                    await asyncio.to_thread(self._board.show, self.activities())
                await self._sleep(self._between_looks)
        finally:
            await self._end(list(self._kept))
            self._board.give_up_turn()

    def activities(self) -> dict[str, Activity]:
        """What this process does, for each account that it keeps, by name."""
        return {name: self._activity(kept.keeper) for name, kept in sorted(self._kept.items())}

    def _activity(self, keeper: KeepAccount) -> Activity:
        run = self._runs.running.get(keeper.account.name)
        progress = run.progress if run is not None else None
        return Activity(
            running_since=run.began if run is not None else None,
            stored=progress.stored if progress is not None else 0,
            wanted=progress.wanted if progress is not None else 0,
            next_run=keeper.next_run if run is None else None,
            watched=keeper.watched,
            host=self._host(keeper.account),
        )

    async def _look(self) -> None:
        try:
            accounts = await self._accounts.all()
            active = {each.name: each for each in accounts if each.state is AccountState.ACTIVE}
            await self._end(
                [
                    name
                    for name, kept in self._kept.items()
                    if active.get(name) != kept.keeper.account or kept.task.done()
                ]
            )
            for name in active.keys() - self._kept.keys():
                # One that was added, or logged in to again, is tried at once: what was before says nothing now.
                standing = SyncStanding() if self._looked else await self._accounts.standing(name)
                self._keep(active[name], standing)
        except Fault as fault:
            logger.warning("the accounts cannot be looked at: %s", fault.told_here)
            return
        self._looked = True

    def _keep(self, account: MailAccount, standing: SyncStanding) -> None:
        keeper = KeepAccount(
            account,
            standing,
            self._runs,
            self._slots,
            self._schedule,
            watch=self._watch,
            clock=self._clock,
            sleep=self._sleep,
        )
        self._kept[account.name] = _Kept(keeper, asyncio.create_task(keeper(), name=f"keeping {account.name}"))

    async def _end(self, names: list[str]) -> None:
        tasks = [self._kept.pop(name).task for name in names]
        for task in tasks:
            task.cancel()
        for outcome in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(outcome, Exception):
                logger.error("what keeps an account has ended, and begins anew", exc_info=outcome)
