"""Accounts on mail servers as they are: listed, tried, changed, paused, resumed, removed."""

import asyncio
import shlex
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace

from mailquery.domain.accounts import AccountState, MailAccount, WhenGone
from mailquery.repositories.synchronising import AccountRepository, SyncStanding
from mailquery.services.accounts.credentials import AccountCredentials
from mailquery.services.accounts.login_checking import CheckLogin, LoginChecked
from mailquery.services.scope import unknown_name
from mcpkit.errors import ErrorCode, Fault
from mcpkit.security.untrusted import clean_line

_LONGEST_REASON = 500  # characters

Progress = Callable[[int, int], None]  # so many messages, of so many
# Takes the mail of an account out of the archive; how many messages.
RemoveMail = Callable[[str, Progress | None], Awaitable[int]]
Names = Callable[[], Awaitable[Sequence[str]]]
# Keeps an account, by its name, from being synchronised meanwhile. Raises Fault CONFLICT where it is.
Hold = Callable[[str], AbstractAsyncContextManager[None]]

_PATIENCE = 15.0  # seconds: what a server does in the background ends within them
_BETWEEN_TRIES = 0.2


@dataclass(frozen=True, slots=True)
class MailAccountStanding:
    account: MailAccount
    standing: SyncStanding


async def find_account(accounts: AccountRepository, name: str) -> MailAccount:
    """By its name, whatever the case, or by its address. Raises Fault NOT_FOUND that names the nearest."""
    wanted = name.strip().casefold()
    known = await accounts.all()
    for field in ("name", "address"):
        found = [each for each in known if getattr(each, field).casefold() == wanted]
        if len(found) == 1:
            return found[0]
    nearest = unknown_name("account", "account on a mail server", name.strip(), (each.name for each in known))
    raise Fault(
        ErrorCode.NOT_FOUND,
        "There is no account on a mail server of that name. `mailquery accounts list` shows those that there are."
        if known
        else "There is no account on a mail server yet: mailquery accounts add ADDRESS",
        details=nearest.details,
        others=nearest.others,
    )


@asynccontextmanager
async def noting_refusals(accounts: AccountRepository, name: str) -> AsyncIterator[None]:
    """Around what logs in to an account: a refused credential is recorded, so that it is not shown to the server again
    and again. A paused account stays paused."""
    try:
        yield
    except Fault as fault:
        if fault.code is ErrorCode.LOGIN_FAILED:
            account = await accounts.get(name)
            if account is not None and account.state is not AccountState.PAUSED:
                # Without what the server said: that is others' text, and is shown where accounts are listed.
                reason = clean_line(fault.message, _LONGEST_REASON)
                await accounts.set_state(name, AccountState.NEEDS_LOGIN, reason)
        raise


class ListMailAccounts:
    def __init__(self, accounts: AccountRepository) -> None:
        self._accounts = accounts

    async def __call__(self) -> tuple[MailAccountStanding, ...]:
        """In the order of their names."""
        return tuple(
            [MailAccountStanding(each, await self._accounts.standing(each.name)) for each in await self._accounts.all()]
        )


class CheckAccount:
    """Tries the login of an account."""

    def __init__(self, accounts: AccountRepository, credentials: AccountCredentials, check: CheckLogin) -> None:
        self._accounts = accounts
        self._credentials = credentials
        self._check = check

    async def __call__(self, name: str) -> tuple[MailAccount, LoginChecked]:
        """Where it works, an account that needed a login needs none any more; where the credential is refused, it
        does. Raises Fault as `CheckLogin` does, and NOT_FOUND."""
        account = await find_account(self._accounts, name)
        async with noting_refusals(self._accounts, account.name):
            checked = await self._check(account, self._credentials.of(account))
        if account.state is AccountState.NEEDS_LOGIN:
            await self._accounts.set_state(account.name, AccountState.ACTIVE)
        return await find_account(self._accounts, account.name), checked


@dataclass(frozen=True, slots=True)
class Changes:
    """Of what is brought in of an account; None leaves it as it is."""

    include: tuple[str, ...] | None = None
    exclude: tuple[str, ...] | None = None
    when_gone: WhenGone | None = None
    largest: int | None = None  # bytes


class ChangeAccount:
    def __init__(self, accounts: AccountRepository) -> None:
        self._accounts = accounts

    async def __call__(self, name: str, changes: Changes) -> MailAccount:
        """Holds from the next synchronisation on. What the archive has stays: mail of a mailbox that is left out from
        now on, and mail that was gone before as it was treated then. Raises Fault NOT_FOUND."""
        account = await find_account(self._accounts, name)
        changed = replace(
            account,
            include=account.include if changes.include is None else changes.include,
            exclude=account.exclude if changes.exclude is None else changes.exclude,
            when_gone=changes.when_gone or account.when_gone,
            largest=changes.largest or account.largest,
        )
        await self._accounts.set_selection(changed)
        return changed


class PauseAccount:
    def __init__(self, accounts: AccountRepository) -> None:
        self._accounts = accounts

    async def __call__(self, name: str, reason: str = "") -> MailAccount:
        """Nothing of it is synchronised from now on; its mail stays to be searched. Raises Fault NOT_FOUND."""
        account = await find_account(self._accounts, name)
        await self._accounts.set_state(account.name, AccountState.PAUSED, reason or "You paused it.")
        return await find_account(self._accounts, account.name)


class ResumeAccount:
    def __init__(self, accounts: AccountRepository) -> None:
        self._accounts = accounts

    async def __call__(self, name: str) -> MailAccount:
        """Raises Fault NOT_FOUND, and LOGIN_FAILED for one that needs another credential first."""
        account = await find_account(self._accounts, name)
        if account.state is AccountState.NEEDS_LOGIN:
            raise Fault(
                ErrorCode.LOGIN_FAILED,
                f"{account.name} needs a login: mailquery accounts login {shlex.quote(account.name)}",
                details={"account": account.name},
            )
        await self._accounts.set_state(account.name, AccountState.ACTIVE)
        return await find_account(self._accounts, account.name)


@dataclass(frozen=True, slots=True)
class Removed:
    """`messages` is how many were taken out of the archive; None where its mail stays."""

    name: str
    messages: int | None


class RemoveAccount:
    """`archive_names` gives the names of the accounts that have mail in the archive."""

    def __init__(
        self,
        accounts: AccountRepository,
        credentials: AccountCredentials,
        archive_names: Names,
        remove_mail: RemoveMail,
        hold: Hold,
        *,
        patience: float = _PATIENCE,
    ) -> None:
        self._accounts = accounts
        self._credentials = credentials
        self._archive_names = archive_names
        self._remove_mail = remove_mail
        self._hold = hold
        self._patience = patience

    async def __call__(self, name: str, *, with_mail: bool, progress: Progress | None = None) -> Removed:
        """Takes the account and its credential away, and its mail out of the archive where that is wanted. What is on
        the server stays as it is. Interrupted, it goes on when it is called again; so it takes, with its mail, also an
        account that is in the archive alone.

        Raises Fault NOT_FOUND, CONFLICT where it is being synchronised and that does not end soon, and what removing
        mail raises.
        """
        named = await self._of_the_archive(name) if with_mail else None
        try:
            account = await find_account(self._accounts, name)
        except Fault:
            if named is None:
                raise
        else:
            named = account.name
            # The credential first: it must not outlive the account, of which nobody would know it any more. The mail
            # last: nothing may bring in more of it meanwhile.
            async with self._standing_still(account):
                await self._credentials.forget(account)
                await self._accounts.forget(account.name)
        removed = None
        if with_mail:
            removed = await self._remove_mail(named, progress) if named in await self._archive_names() else 0
        return Removed(named, removed)

    @asynccontextmanager
    async def _standing_still(self, account: MailAccount) -> AsyncIterator[None]:
        """A synchronisation under way would make known again what is forgotten meanwhile. One in the background ends
        because the account is paused."""
        async with AsyncExitStack() as held:
            await self._accounts.set_state(account.name, AccountState.PAUSED, "It is being removed.")
            try:
                await self._enter(held, account.name)
            except BaseException:
                await self._accounts.set_state(account.name, account.state, account.state_reason)
                raise
            yield

    async def _enter(self, held: AsyncExitStack, name: str) -> None:
        until = time.monotonic() + self._patience
        while True:
            try:
                await held.enter_async_context(self._hold(name))
            except Fault as fault:
                if fault.code is not ErrorCode.CONFLICT or time.monotonic() >= until:
                    raise
            else:
                return
            await asyncio.sleep(_BETWEEN_TRIES)

    async def _of_the_archive(self, name: str) -> str | None:
        wanted = name.strip().casefold()
        return next((each for each in await self._archive_names() if each.casefold() == wanted), None)
