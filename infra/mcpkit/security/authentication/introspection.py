"""Access tokens that only their issuer understands: it is asked about each (RFC 7662)."""

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any
from urllib.parse import quote_plus

import anyio

from mcpkit.security.authentication.claims import ClaimNames, numeric_date
from mcpkit.security.authentication.fetching import JsonFetcher, unavailable
from mcpkit.security.authentication.interfaces import Authenticated, Rejected
from mcpkit.security.authentication.issuer import Issuer

_MOST_KEPT = 1000
_AT_ONCE = 10  # questions under way


class Introspection:
    """`resource` is this server's identifier, which tokens must have as audience. Answers are kept for `cache` seconds
    and never past the token's end: that long a revoked token may still be taken. `skew` is in seconds."""

    def __init__(
        self,
        issuer: Issuer,
        fetcher: JsonFetcher,
        *,
        resource: str,
        client: tuple[str, str],
        url: str = "",
        cache: float = 30.0,
        skew: float = 60.0,
        claims: ClaimNames | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._issuer = issuer
        self._fetcher = fetcher
        self._resource = resource
        # RFC 6749, section 2.3.1: both are form-encoded first.
        self._client = (quote_plus(client[0]), quote_plus(client[1]))
        self._url = url
        self._cache = cache
        self._skew = skew
        self._claims = claims or ClaimNames()
        self._clock = clock
        self._kept: OrderedDict[bytes, tuple[float, Authenticated | str]] = OrderedDict()
        self._slots = anyio.Semaphore(_AT_ONCE)

    def takes(self, token: str) -> bool:
        return True

    async def authenticate(self, token: str) -> Authenticated:
        key = hashlib.sha256(token.encode()).digest()  # the token itself is kept nowhere
        until, verdict = self._kept.get(key, (0.0, ""))
        if self._clock() >= until:
            verdict = await self._verdict(token)
            self._keep(key, verdict)
        if isinstance(verdict, str):
            raise Rejected(verdict)
        return verdict

    async def close(self) -> None:
        await self._fetcher.close()

    async def _verdict(self, token: str) -> Authenticated | str:
        """Whom it stands for, or why it is refused."""
        async with self._slots:
            url = self._url or await self._issuer.endpoint("introspection_endpoint")
            form = {"token": token, "token_type_hint": "access_token"}
            answer = await self._fetcher.post_form(url, form, self._client)
        if answer is None:
            raise unavailable()
        try:
            self._check(answer)
            return self._claims.read(answer, self._issuer.identifier)
        except Rejected as rejected:
            return rejected.reason

    def _check(self, answer: dict[str, Any]) -> None:
        if answer.get("active") is not True:
            raise Rejected("The access token is unknown, expired or revoked")
        now = self._clock()
        expires, begins = numeric_date(answer.get("exp")), numeric_date(answer.get("nbf"))
        if expires is not None and now >= expires + self._skew:
            raise Rejected("The access token has expired")
        if begins is not None and now < begins - self._skew:
            raise Rejected("The access token is not valid yet")
        if answer.get("iss", self._issuer.identifier) != self._issuer.identifier:
            raise Rejected("The access token is of another issuer")
        audience = answer.get("aud")
        if self._resource not in (audience if isinstance(audience, list) else [audience]):
            raise Rejected("The access token is not meant for this server")

    def _keep(self, key: bytes, verdict: Authenticated | str) -> None:
        until = self._clock() + self._cache
        if isinstance(verdict, Authenticated) and verdict.expires is not None:
            until = min(until, verdict.expires)
        self._kept[key] = (until, verdict)
        self._kept.move_to_end(key)
        while len(self._kept) > _MOST_KEPT:
            self._kept.popitem(last=False)
