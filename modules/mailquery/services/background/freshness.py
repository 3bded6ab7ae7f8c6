"""How much of what is on the servers an answer rests on, and bringing in what is new before it."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from mailquery.domain.accounts import AccountState
from mailquery.repositories.records import Visibility
from mailquery.services.background.refreshing import RefreshAccounts, Refreshed
from mailquery.services.background.sync_status import AccountSync, SyncStatus
from mcpkit.errors import ErrorCode


class Standing(StrEnum):
    FRESH = "fresh"  # in step with its server a short time ago
    STALE = "stale"  # longer ago than it should be
    SYNCHRONISING = "synchronising"  # right now
    FAILED = "failed"  # the last time
    NEEDS_LOGIN = "needs_login"
    PAUSED = "paused"
    NEVER = "never"  # not yet


@dataclass(frozen=True, slots=True)
class Freshness:
    """Of an account on a server. `synchronised` is when the archive was last in step with it (UTC), `pending` how many
    of its messages are not in the archive yet, `brought` how many were brought in just now (neither is told where some
    of its mail is withheld), and `reason` why it is not
    fresh, in a sentence with what helps."""

    account: str
    standing: Standing
    synchronised: datetime | None
    pending: int = 0
    brought: int | None = None
    reason: str = ""


class KeepFresh:
    """`seconds` is how long an answer waits for what is new; an account is stale `stale_after` seconds after it was in
    step with its server."""

    def __init__(self, refresh: RefreshAccounts, status: SyncStatus, seconds: float, stale_after: float) -> None:
        self._refresh = refresh
        self._status = status
        self._seconds = seconds
        self._stale_after = stale_after

    async def bring(self, visible: Visibility, account: str | None = None) -> tuple[Refreshed, ...]:
        """Brings in what is new, of one account or of all, as far as that is done in time. Whatever keeps a server from
        giving it is told and not raised: what the archive has is there all the same."""
        names = None
        if account is not None:
            wanted = account.strip().casefold()
            known = await self._status(visible)
            names = [each.account for each in known.accounts if each.account.casefold() == wanted]
        return await self._refresh.all(visible, self._seconds, names)

    async def __call__(
        self, visible: Visibility, accounts: Sequence[str] | None = None, brought: Sequence[Refreshed] = ()
    ) -> tuple[Freshness, ...]:
        """Of those of `accounts` that are on servers; None is all."""
        by_name = {each.account: each for each in brought}
        if not await self._status.shows_any(visible):
            return ()
        found = await self._status(visible)
        return tuple(
            self._of(each, by_name.get(each.account), may_be_counted=found.may_be_counted)
            for each in found.accounts
            if accounts is None or each.account in accounts
        )

    def _of(self, account: AccountSync, brought: Refreshed | None, *, may_be_counted: bool) -> Freshness:
        standing = self._standing(account)
        reason = remedy(account)
        if not reason and brought is not None and brought.fault is not None:
            reason = brought.fault.message
        if brought is not None and brought.fault is not None and brought.fault.code is ErrorCode.TIMEOUT:
            standing = Standing.SYNCHRONISING
        return Freshness(
            account=account.account,
            standing=standing,
            synchronised=account.succeeded,
            pending=account.pending if may_be_counted else 0,
            brought=brought.added if may_be_counted and brought is not None and brought.fault is None else None,
            reason=reason,
        )

    def _standing(self, account: AccountSync) -> Standing:
        if account.state is AccountState.NEEDS_LOGIN:
            return Standing.NEEDS_LOGIN
        if account.state is AccountState.PAUSED:
            return Standing.PAUSED
        if account.running:
            return Standing.SYNCHRONISING
        if account.failures:
            return Standing.FAILED
        if account.age is None:
            return Standing.NEVER
        return Standing.STALE if account.age > self._stale_after else Standing.FRESH


def remedy(account: AccountSync) -> str:
    """Why its mail does not come in, and what helps. Empty where it does. Only the owner can do it, where the server
    runs."""
    name = shlex.quote(account.account)
    match account.state:
        case AccountState.NEEDS_LOGIN:
            reason = _sentence(account.reason or "Its server refuses the credential")
            return reason if "mailquery accounts" in reason else f"{reason} Run: mailquery accounts login {name}"
        case AccountState.PAUSED:
            return f"It is paused. Run: mailquery accounts resume {name}"
    return _sentence(account.error) if account.failures else ""


def _sentence(text: str) -> str:
    return f"{text.rstrip('.')}." if text else ""
