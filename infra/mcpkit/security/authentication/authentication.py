"""From a bearer token to a principal: the strategy that takes it, and what the operator lets its user see."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from mcpkit.security.authentication.accounts import AccountAccess, narrowed
from mcpkit.security.authentication.interfaces import Authenticator, Rejected
from mcpkit.security.identity import Principal

MAX_TOKEN_CHARS = 8192
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")  # RFC 6750, section 2.1


@dataclass(frozen=True, slots=True)
class Caller:
    """A principal, who vouches for them, and until when (unix seconds; None where that is not known)."""

    principal: Principal
    issuer: str
    expires: float | None


class Authentication:
    """`scopes` are all that there are here: others in a token mean nothing, `*` least of all."""

    def __init__(self, strategies: Sequence[Authenticator], access: AccountAccess, scopes: Collection[str]) -> None:
        self._strategies = strategies
        self._access = access
        self._scopes = frozenset(scopes)

    async def __call__(self, token: str) -> Caller:
        """
        Raises:
            Rejected: the token is not valid here and now.
            Fault: SERVICE_UNAVAILABLE, where what decides on it cannot be asked.
        """
        if len(token) > MAX_TOKEN_CHARS or not _TOKEN.fullmatch(token):
            raise Rejected("The access token is malformed")
        for strategy in self._strategies:
            if strategy.takes(token):
                found = await strategy.authenticate(token)
                accounts = narrowed(self._access.of(found.user), found.accounts)
                principal = Principal(found.user, found.scopes & self._scopes, found.client, accounts)
                return Caller(principal, found.issuer, found.expires)
        raise Rejected("The access token is of no kind that this server accepts")

    async def close(self) -> None:
        for strategy in self._strategies:
            await strategy.close()
