"""Bringing in what is new, because somebody asks for it now."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from mailquery.domain.accounts import AccountState, MailAccount
from mailquery.repositories.records import Visibility
from mailquery.services.accounts.server_accounts import ServerAccounts
from mailquery.services.background.sync_runs import ProgressListener, SyncRuns
from mcpkit.errors import ErrorCode, Fault

_BETWEEN_TRIES = 0.5  # seconds, while another process does it


@dataclass(frozen=True, slots=True)
class Refreshed:
    """What became of one account. `added` are messages that are new in the archive. `fault` is why it is not up to
    date; `TIMEOUT` where it goes on and was not waited for any longer."""

    account: str
    added: int = 0
    fault: Fault | None = None


class RefreshAccounts:
    """Synchronises now, joining what is under way. What is not waited for any longer goes on."""

    def __init__(
        self,
        accounts: ServerAccounts,
        runs: SyncRuns,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._accounts = accounts
        self._runs = runs
        self._sleep = sleep

    async def one(
        self, visible: Visibility, name: str, seconds: float | None = None, progress: ProgressListener | None = None
    ) -> Refreshed:
        """Raises VALIDATION_ERROR, naming the nearest, where the caller sees no such account on a server."""
        account = await self._accounts.named(visible, name)
        return await self._refresh(account, seconds, progress)

    async def all(
        self,
        visible: Visibility,
        seconds: float | None = None,
        names: Sequence[str] | None = None,
        listen: Callable[[str], ProgressListener] | None = None,
    ) -> tuple[Refreshed, ...]:
        """Of all active accounts that the caller sees, or those of `names`, side by side, within `seconds`. Never
        raises what befell one of them. `listen` gives what hears of the progress of an account."""
        chosen = [
            each
            for each in await self._accounts(visible)
            if each.state is not AccountState.PAUSED and (names is None or each.name in names)
        ]
        return tuple(
            await asyncio.gather(
                *(self._refresh(each, seconds, listen(each.name) if listen else None) for each in chosen)
            )
        )

    async def _refresh(
        self, account: MailAccount, seconds: float | None, progress: ProgressListener | None = None
    ) -> Refreshed:
        try:
            _check(account)
            async with asyncio.timeout(seconds):
                return Refreshed(account.name, await self._added(account.name, progress))
        except TimeoutError:
            message = f"{account.name} is still being synchronised; that goes on."
            return Refreshed(account.name, fault=Fault(ErrorCode.TIMEOUT, message))
        except Fault as fault:
            return Refreshed(account.name, fault=fault)

    async def _added(self, name: str, progress: ProgressListener | None) -> int:
        while True:
            try:
                return (await self._runs.join(name, progress)).added
            except Fault as fault:
                if fault.code is not ErrorCode.CONFLICT:
                    raise
            await self._sleep(_BETWEEN_TRIES)  # another process does it: when it has ended, little is left


def _check(account: MailAccount) -> None:
    """That it may be tried. Raises Fault."""
    match account.state:
        case AccountState.PAUSED:
            message = f"{account.name} is paused. Run: mailquery accounts resume {account.name}"
            raise Fault(ErrorCode.SERVICE_UNAVAILABLE, message)
        case AccountState.NEEDS_LOGIN:
            reason = account.state_reason or "Its server refuses the credential."
            raise Fault(ErrorCode.LOGIN_FAILED, f"{account.name} needs a login. {reason}")
