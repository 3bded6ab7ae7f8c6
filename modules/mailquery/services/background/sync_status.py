"""How the accounts on mail servers do: for tools, the command line, health and metrics."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from mailquery.domain.accounts import AccountState, MailAccount
from mailquery.repositories.background import Activity, BackgroundBoard, HostStanding
from mailquery.repositories.interfaces import DirectoryRepository
from mailquery.repositories.records import Visibility
from mailquery.repositories.synchronising import AccountRepository, DeletionQuestion, Outcome, SyncStanding
from mailquery.services.accounts.server_accounts import ServerAccounts
from mailquery.services.background.sync_runs import SyncRuns

_NOTHING = Activity()
_CLOSED = "closed"  # of a circuit breaker: calls go through

Host = Callable[[MailAccount], HostStanding | None]
IsRunning = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class AccountSync:
    """An account on a mail server. `reason` is a sentence, where the state is not ACTIVE. `running_since` is of the run
    that is under way, in whatever process; `stored` of `wanted` messages are its progress, where this process knows it.
    `error` says in words why the last run failed, and `failures` counts those since the last that did not.
    `succeeded` is when the archive was last in step with the server, `age` the seconds since: None where it never was.
    `pending` are messages that the server has and the archive has not. Dates are UTC."""

    account: str
    state: AccountState
    reason: str
    outcome: Outcome
    running_since: datetime | None
    stored: int
    wanted: int
    succeeded: datetime | None
    age: float | None
    error: str
    error_code: str
    failures: int
    mailboxes: int
    messages: int
    pending: int
    next_run: datetime | None
    watched: bool
    questions: tuple[DeletionQuestion, ...]
    host: HostStanding | None

    @property
    def running(self) -> bool:
        return self.running_since is not None

    @property
    def is_well(self) -> bool:
        """Whether nothing keeps its mail from coming in, or the user wants it so."""
        return self.state is AccountState.PAUSED or (self.state is AccountState.ACTIVE and not self.failures)


@dataclass(frozen=True, slots=True)
class SyncOverview:
    """`background` is whether any process on this archive synchronises by itself now; `may_be_counted` whether callers
    may be told numbers of messages (`ServerAccounts`)."""

    accounts: tuple[AccountSync, ...]
    background: bool
    may_be_counted: bool


@dataclass(frozen=True, slots=True)
class SyncFigures:
    """Without names of accounts. `oldest` is the longest time in seconds that an active account was not in step with
    its server, None where there is none that ever was; `new` counts those that never were. `left_alone` are the hosts
    whose circuit breakers are not closed."""

    states: Mapping[AccountState, int]
    failing: int
    pending: int
    oldest: float | None
    left_alone: tuple[HostStanding, ...] = ()
    new: int = 0

    @property
    def is_well(self) -> bool:
        return not self.failing and not self.left_alone and not self.states.get(AccountState.NEEDS_LOGIN, 0)


class SyncStatus:
    def __init__(
        self,
        accounts: AccountRepository,
        directory: DirectoryRepository,
        runs: SyncRuns,
        board: BackgroundBoard,
        shown: ServerAccounts,
        is_running: IsRunning,
        host: Host,
    ) -> None:
        """`is_running` tells whether any process synchronises the account of this name now; `host` how its server does,
        as this process knows it."""
        self._accounts = accounts
        self._directory = directory
        self._runs = runs
        self._board = board
        self._shown = shown
        self._is_running = is_running
        self._host = host

    async def shows_any(self, visible: Visibility) -> bool:
        """Whether there is any account that the caller may see."""
        return bool(await self._shown(visible))

    async def __call__(self, visible: Visibility) -> SyncOverview:
        """Of the accounts that the caller may see, in the order of their names."""
        board = await asyncio.to_thread(self._board.read)
        accounts = [
            await self._account(each, visible, (board or {}).get(each.name, _NOTHING))
            for each in await self._shown(visible)
        ]
        return SyncOverview(tuple(accounts), board is not None, self._shown.may_be_counted)

    async def figures(self) -> SyncFigures:
        """Of all accounts."""
        board = await asyncio.to_thread(self._board.read) or {}
        hosts: dict[str, HostStanding] = {}
        states: Counter[AccountState] = Counter()
        failing = pending = new = 0
        oldest = None
        for account in await self._accounts.all():
            standing = await self._accounts.standing(account.name)
            states[account.state] += 1
            pending += standing.pending
            host = board.get(account.name, _NOTHING).host or self._host(account)
            if host is not None and host.state != _CLOSED:
                hosts[host.host] = host
            if account.state is AccountState.ACTIVE:
                failing += standing.failures > 0
                if standing.succeeded is None:
                    new += 1
                else:
                    oldest = max(oldest or 0.0, _age(standing.succeeded))
        return SyncFigures(states, failing, pending, oldest, tuple(hosts[name] for name in sorted(hosts)), new)

    async def _account(self, account: MailAccount, visible: Visibility, shown: Activity) -> AccountSync:
        standing = await self._accounts.standing(account.name)
        activity = self._activity(account.name, standing, shown)
        host = shown.host or self._host(account)
        return AccountSync(
            account=account.name,
            state=account.state,
            reason=account.state_reason,
            outcome=standing.outcome,
            running_since=activity.running_since,
            stored=activity.stored,
            wanted=activity.wanted,
            succeeded=standing.succeeded,
            age=_age(standing.succeeded) if standing.succeeded is not None else None,
            error=standing.error,
            error_code=standing.error_code,
            failures=standing.failures,
            mailboxes=standing.mailboxes,
            messages=standing.messages,
            pending=standing.pending,
            next_run=activity.next_run if account.state is AccountState.ACTIVE else None,
            watched=activity.watched,
            questions=await self._questions(account.name, standing, visible),
            host=host,
        )

    def _activity(self, name: str, standing: SyncStanding, shown: Activity) -> Activity:
        """What is done now: by this process, by the one that works in the background, or by any other."""
        if (run := self._runs.running.get(name)) is not None:
            stored, wanted = (run.progress.stored, run.progress.wanted) if run.progress is not None else (0, 0)
            return replace(shown, running_since=run.began, stored=stored, wanted=wanted)
        if standing.outcome is Outcome.RUNNING and self._is_running(name):
            return replace(shown, running_since=shown.running_since or standing.started)
        return replace(shown, running_since=None)  # it has ended since that was shown

    async def _questions(self, name: str, standing: SyncStanding, visible: Visibility) -> tuple[DeletionQuestion, ...]:
        """About mailboxes that the caller may see."""
        if not standing.questions:
            return ()
        seen = {mailbox.name for mailbox in await self._directory.mailboxes(visible, name)}
        return tuple(question for question in standing.questions if question.mailbox in seen)


def _age(moment: datetime) -> float:
    """A moment to come is as far away as one that has passed: the clock was set back, and nobody knows how long ago
    that was. Of what is in doubt, nothing is called fresh."""
    return abs((datetime.now(UTC) - moment).total_seconds())
