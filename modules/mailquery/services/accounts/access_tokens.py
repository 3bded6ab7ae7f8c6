"""The access token of an account as its credential, and what becomes of the account when there is none any more."""

import logging
import shlex
from collections.abc import Awaitable
from typing import Protocol

from mailquery.domain.accounts import AccountState
from mailquery.repositories.synchronising import AccountRepository
from mailquery.sources.credentials import Credential, CredentialKind
from mailquery.sources.remote import Reason
from mcpkit.errors import ErrorCode, Fault

logger = logging.getLogger(__name__)


class Tokens(Protocol):
    """Those of one account (`mcpkit.security.oauth.renewing`). Both methods raise Fault: LOGIN_FAILED, where only
    signing in again helps; SOURCE_UNAVAILABLE, CONFIGURATION, and what storing raises."""

    async def current(self) -> str: ...

    async def instead_of(self, rejected: str) -> str:
        """Another than the one that was refused."""
        ...


class AccessTokenCredential:
    """The `CredentialSource` of an account that signs in by OAuth. Where only signing in again helps, the account is
    marked `needs_login`, with a sentence that says which command to run."""

    def __init__(self, account: str, tokens: Tokens, accounts: AccountRepository) -> None:
        self._account = account
        self._tokens = tokens
        self._accounts = accounts

    async def current(self) -> Credential:
        return await self._credential(self._tokens.current())

    async def instead_of(self, rejected: Credential) -> Credential:
        return await self._credential(self._tokens.instead_of(rejected.secret))

    async def _credential(self, token: Awaitable[str]) -> Credential:
        try:
            return Credential(CredentialKind.TOKEN, await token)
        except Fault as fault:
            if fault.code is not ErrorCode.LOGIN_FAILED:
                raise
            sentence = f"{self._account} needs a new login. {fault.message} {login_remedy(self._account)}"
            await self._mark(sentence)
            details = {**fault.details, "reason": Reason.TOKEN.value, "account": self._account}
            raise Fault(ErrorCode.LOGIN_FAILED, sentence, details=details, others=fault.others) from fault

    async def _mark(self, sentence: str) -> None:
        try:
            await self._accounts.set_state(self._account, AccountState.NEEDS_LOGIN, sentence)
        except Fault as fault:  # the caller is told of the login all the same
            logger.warning("%s could not be marked as in need of a login: %s", self._account, fault.told_here)


def login_remedy(account: str) -> str:
    return f"Run: mailquery accounts login {shlex.quote(account)}"
