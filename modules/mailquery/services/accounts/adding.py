"""Adding accounts on mail servers, and giving them another credential."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from mailquery.domain.accounts import AccountState, Login, MailAccount
from mailquery.repositories.synchronising import AccountRepository
from mailquery.services.accounts.account_states import Names, find_account
from mailquery.services.accounts.credentials import AccountCredentials, NewLogin
from mailquery.services.accounts.login_checking import CheckLogin, LoginChecked, provider_of
from mailquery.services.accounts.login_failures import no_password_taken, reason_of
from mailquery.sources.credentials import CredentialSource
from mailquery.sources.remote import Reason
from mcpkit.errors import ErrorCode, Fault
from mcpkit.security.untrusted import clean_line

LONGEST_NAME = 200  # characters
# What is no answer of the server about the login: the next server may be the right one.
_ELSEWHERE = frozenset({Reason.NAME, Reason.CONNECT, Reason.TIMEOUT, Reason.TLS})


@dataclass(frozen=True, slots=True)
class Added:
    """`checked` is None where the login was not tried. `joined` is whether the archive has mail of this account
    already, from an import."""

    account: MailAccount
    checked: LoginChecked | None
    joined: bool


class AddAccount:
    """`archive_names` gives the names of the accounts that have mail in the archive."""

    def __init__(
        self, accounts: AccountRepository, credentials: AccountCredentials, check: CheckLogin, archive_names: Names
    ) -> None:
        self._accounts = accounts
        self._credentials = credentials
        self._check = check
        self._archive_names = archive_names

    async def free_name(self, name: str) -> str:
        """The name as it will be: where the archive has mail of an account that is called so, its spelling. Raises
        Fault VALIDATION_ERROR for what is no name, and CONFLICT where such an account is there."""
        if not name or clean_line(name, LONGEST_NAME) != name or name == "*":
            raise Fault(
                ErrorCode.VALIDATION_ERROR,
                f"The name of an account is one line of at most {LONGEST_NAME} characters.",
                details={"argument": "name"},
            )
        taken = next((each for each in await self._accounts.all() if _same(each.name, name)), None)
        if taken is not None:
            raise Fault(
                ErrorCode.CONFLICT,
                f"There is an account {taken.name} already ({taken.address} at {taken.server.host}). Call this one "
                f"otherwise with --name; or `mailquery accounts login` gives that one a new credential, and "
                f"`mailquery accounts remove` takes it away.",
                details={"account": taken.name},
            )
        return next((each for each in await self._archive_names() if _same(each, name)), name)

    async def __call__(self, choices: Sequence[MailAccount], new: NewLogin, *, check: bool = True) -> Added:
        """Adds the first of `choices` with which the login works: one account, at the servers and with the user names
        that come into question. Nothing is stored before that. Without `check`, the first as it is.

        Raises Fault as `free_name` and `CheckLogin` do.
        """
        choices = [new.of(each) for each in choices]
        found, checked = choices[0], None
        name = await self.free_name(found.name)
        _refuse_password(found)
        if check:
            found, checked = await self._first_that_works(choices, new.source)
        account = replace(found, name=name)
        joined = name in await self._archive_names()
        await new.keep(name)
        try:
            await self._accounts.put(account)
        except BaseException:
            await self._credentials.forget(account)
            raise
        return Added(account, checked, joined)

    async def _first_that_works(
        self, choices: Sequence[MailAccount], source: CredentialSource
    ) -> tuple[MailAccount, LoginChecked]:
        """Another server where one cannot be reached, another user name where one is refused (RFC 6186, section 4)."""
        failures: list[tuple[MailAccount, Fault]] = []
        for choice in choices:
            if any(not _may_help(failed, fault, choice) for failed, fault in failures):
                continue
            try:
                return choice, await self._check(choice, source)
            except Fault as fault:
                failures.append((choice, fault))
        # What a server said about the login tells more than that another was not reached.
        raise next((fault for _, fault in failures if reason_of(fault) not in _ELSEWHERE), failures[0][1])


class RenewLogin:
    """Another credential for an account."""

    def __init__(self, accounts: AccountRepository, credentials: AccountCredentials, check: CheckLogin) -> None:
        self._accounts = accounts
        self._credentials = credentials
        self._check = check

    async def __call__(
        self, name: str, new: NewLogin, *, pinned: str = "", check: bool = True
    ) -> tuple[MailAccount, LoginChecked | None]:
        """`pinned` replaces the fingerprint that is trusted, where it is given. The old credential stays where the new
        one does not work. A paused account stays paused.

        Raises Fault as `CheckLogin` does, and NOT_FOUND for an account that there is not.
        """
        before = await find_account(self._accounts, name)
        paused = before.state is AccountState.PAUSED
        account = replace(
            new.of(before),
            server=replace(before.server, pinned=pinned or before.server.pinned),
            state=AccountState.PAUSED if paused else AccountState.ACTIVE,
            state_reason=before.state_reason if paused else "",
        )
        _refuse_password(account)
        checked = await self._check(account, new.source) if check else None
        await new.keep(account.name)
        await self._accounts.put(account)
        if account.login is not Login.PASSWORD:
            await self._credentials.forget_password(before)
        if account.login is not Login.OAUTH:
            await self._credentials.forget_tokens(before)
        return account, checked


def _refuse_password(account: MailAccount) -> None:
    provider = provider_of(account)
    if account.login is not Login.OAUTH and provider is not None and not provider.password:
        raise no_password_taken(provider)


def _may_help(failed: MailAccount, fault: Fault, choice: MailAccount) -> bool:
    """Whether it makes sense to try `choice` after `failed` came to `fault`."""
    reason = reason_of(fault)
    if failed.server == choice.server:
        return reason is Reason.LOGIN and failed.username != choice.username
    return reason in _ELSEWHERE


def _same(one: str, other: str) -> bool:
    return one.casefold() == other.casefold()
