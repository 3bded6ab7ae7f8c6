"""The access token of an account as its credential, and what becomes of the account when there is none any more."""

import logging
import shlex
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from mailquery.domain.accounts import AccountState, MailAccount, OAuthClient
from mailquery.repositories.synchronising import AccountRepository
from mailquery.sources.remote import Reason
from mcpkit.errors import ErrorCode, Fault

logger = logging.getLogger(__name__)

T = TypeVar("T")


class Tokens(Protocol):
    """Those of one account (`mcpkit.security.oauth.renewing`). Both methods raise Fault: LOGIN_FAILED with the reason
    TOKEN, where only signing in again helps; SOURCE_UNAVAILABLE, CONFIGURATION and what storing raises."""

    async def current(self) -> str: ...

    async def instead_of(self, rejected: str) -> str:
        """Another than the one that was refused."""
        ...

    async def close(self) -> None: ...


class AccessTokens:
    """`tokens_of` gives those of an account that signs in by OAuth."""

    def __init__(self, accounts: AccountRepository, tokens_of: Callable[[MailAccount], Tokens]) -> None:
        self._accounts = accounts
        self._tokens_of = tokens_of
        self._known: dict[tuple[str, OAuthClient | None], Tokens] = {}

    async def current(self, account: MailAccount) -> str:
        """
        Raises:
            Fault: LOGIN_FAILED, with a sentence that says which command to run, when the account is marked
                `needs_login`; else as `Tokens` says.
        """
        return await self._asking(account, self._tokens(account).current())

    async def instead_of(self, account: MailAccount, rejected: str) -> str:
        """Another than the one that the mail server refused. Raises Fault as `current` does."""
        return await self._asking(account, self._tokens(account).instead_of(rejected))

    async def use(self, account: MailAccount, log_in: Callable[[str], Awaitable[T]]) -> T:
        """Logs in with the token, and once more with another where the mail server refuses the first. Raises what
        `log_in` raises, and Fault as `current` does."""
        token = await self.current(account)
        try:
            return await log_in(token)
        except Fault as fault:
            if fault.code is not ErrorCode.LOGIN_FAILED or fault.details.get("reason") != Reason.TOKEN:
                raise
            logger.info("%s: the mail server refused a token; another is asked for", account.name)
        return await log_in(await self.instead_of(account, token))

    async def close(self) -> None:
        """Waits for renewals that are under way."""
        for tokens in self._known.values():
            await tokens.close()

    def _tokens(self, account: MailAccount) -> Tokens:
        key = (account.name, account.oauth)
        if key not in self._known:
            self._known[key] = self._tokens_of(account)
        return self._known[key]

    async def _asking(self, account: MailAccount, token: Awaitable[str]) -> str:
        try:
            return await token
        except Fault as fault:
            if fault.code is not ErrorCode.LOGIN_FAILED:
                raise
            sentence = f"{account.name} needs a new login. {fault.message} {login_remedy(account.name)}"
            await self._mark(account, sentence)
            raise Fault(
                ErrorCode.LOGIN_FAILED,
                sentence,
                details={**fault.details, "reason": Reason.TOKEN.value, "account": account.name},
                others=fault.others,
            ) from fault

    async def _mark(self, account: MailAccount, sentence: str) -> None:
        try:
            await self._accounts.set_state(account.name, AccountState.NEEDS_LOGIN, sentence)
        except Fault as fault:  # the caller is told of the login all the same
            logger.warning("%s could not be marked as in need of a login: %s", account.name, fault.message)


def login_remedy(account: str) -> str:
    return f"Run: mailquery accounts login {shlex.quote(account)}"
