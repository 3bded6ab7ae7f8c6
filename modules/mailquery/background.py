"""Synchronising beside a server, as it is set."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING

from mailquery.domain.accounts import MailAccount
from mailquery.repositories.background import BackgroundBoard, HostStanding
from mailquery.repositories.synchronising import AccountRepository, SyncStanding
from mailquery.services.background.sync_runs import ProgressListener, Synchronise, SyncResult, SyncRuns
from mailquery.settings.synchronising import Sync, SyncBreaker
from mcpkit.errors import Fault

if TYPE_CHECKING:
    from mailquery.services.background.keeping import Watch
    from mailquery.sources.remote import MailServer
    from mailquery.sources.traced import Spans
    from mcpkit.resilience.breakers import Breakers, BreakerStanding

logger = logging.getLogger(__name__)

_FIRST_LOOK = 2.0  # seconds after a server's start, which is not to be slowed down
_BETWEEN_LOOKS = 5.0  # seconds, as long as there is no account on a server
_USUAL_PORTS = frozenset({143, 993})

ServerOf = Callable[[MailAccount], "MailServer"]


class Hosts:
    """The circuit breakers of the accounts' hosts. What they stand on is imported with the first connection."""

    def __init__(self, chosen: SyncBreaker) -> None:
        self._chosen = chosen
        self._breakers: Breakers | None = None
        self.spans: Spans | None = None  # around what is asked of the servers, where that is to be seen in a trace

    def guarded(self, account: MailAccount, server: "MailServer") -> "MailServer":
        """The same server by way of its host's breaker."""
        from mailquery.sources.guarded import GuardedServer

        if self.spans is not None:
            from mailquery.sources.traced import TracedServer

            server = TracedServer(server, account.server.host, self.spans)
        return GuardedServer(server, self._made().of(_host(account)))

    def standing(self, account: MailAccount) -> HostStanding | None:
        """As this process knows it; None where it has not connected to any yet."""
        if self._breakers is None:
            return None
        found = self._breakers.standing(_host(account))
        return HostStanding(found.name, found.state.value, found.failures, found.next_try)

    def standings(self) -> "Sequence[BreakerStanding]":
        return self._breakers.standings() if self._breakers is not None else ()

    def _made(self) -> "Breakers":
        if self._breakers is None:
            from mcpkit.resilience.breakers import BreakerRule, Breakers

            chosen = self._chosen
            rule = BreakerRule(chosen.failures, chosen.seconds, chosen.longest_seconds, chosen.probes)
            self._breakers = Breakers(rule, changed=_tell)
        return self._breakers


def _host(account: MailAccount) -> str:
    server = account.server
    return server.host if server.port in _USUAL_PORTS else f"{server.host}:{server.port}"


def _tell(standing: "BreakerStanding") -> None:
    logger.warning("the circuit breaker of %s is %s", standing.name, standing.state.value)


class MadeLater:
    """A `Synchronise` that is made with the first run, in a thread: what it stands on is imported then."""

    def __init__(self, make: Callable[[], Synchronise]) -> None:
        self._make = make
        self._made: Synchronise | None = None

    async def __call__(self, name: str, progress: ProgressListener) -> SyncResult:
        if self._made is None:
            self._made = await asyncio.to_thread(self._make)
        return await self._made(name, progress)


async def keep_synchronised(
    accounts: AccountRepository,
    runs: SyncRuns,
    hosts: Hosts,
    board: BackgroundBoard,
    servers: Callable[[], ServerOf],
    chosen: Sync,
    *,
    first_look: float = _FIRST_LOOK,
) -> None:
    """Goes on until it is cancelled. `servers` makes what gives the guarded server of an account."""
    await asyncio.sleep(first_look)
    while True:
        if await _any(accounts):
            break
        await asyncio.sleep(_BETWEEN_LOOKS)
    # In a thread: what is imported takes longer than an answer may wait for.
    await asyncio.to_thread(import_module, "mailquery.services.background.scheduling")
    server_of = await asyncio.to_thread(servers)
    from mailquery.services.background.keeping import Schedule
    from mailquery.services.background.scheduling import KeepSynchronised

    schedule = Schedule(interval=chosen.interval_seconds, at_once=chosen.accounts_at_once)
    watch = _watch(server_of, chosen)
    await KeepSynchronised(accounts, runs, board, schedule, hosts.standing, watch=watch)()


async def keep_these(
    accounts: Sequence[tuple[MailAccount, SyncStanding]], runs: SyncRuns, server_of: ServerOf, chosen: Sync
) -> None:
    """The same for some accounts, whatever other processes do: each is synchronised by one at a time. Goes on until it
    is cancelled."""
    from mailquery.services.background.keeping import KeepAccount, Schedule

    schedule = Schedule(interval=chosen.interval_seconds, at_once=chosen.accounts_at_once)
    slots, watch = asyncio.Semaphore(schedule.at_once), _watch(server_of, chosen)
    async with asyncio.TaskGroup() as tasks:
        for account, standing in accounts:
            tasks.create_task(KeepAccount(account, standing, runs, slots, schedule, watch=watch)())


def _watch(server_of: ServerOf, chosen: Sync) -> "Watch | None":
    """What waits for news of an account; None where that is not wanted."""
    if not chosen.idle:
        return None
    from mailquery.services.background.watching import WatchInbox

    async def watch(account: MailAccount, watching: Callable[[], None], news: Callable[[], Awaitable[None]]) -> None:
        await WatchInbox(server_of(account), chosen.timeouts.idle)(watching, news)

    return watch


async def _any(accounts: AccountRepository) -> bool:
    try:
        return bool(await accounts.all())
    except Fault as fault:
        logger.warning("the accounts cannot be looked at: %s", fault.told_here)
        return False
