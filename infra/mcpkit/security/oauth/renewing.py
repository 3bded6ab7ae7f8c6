"""The access token of the moment: renewed before its end, and once after it was refused."""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import replace
from typing import Any, Protocol

import anyio
from oauthlib.oauth2 import WebApplicationClient

from mcpkit.errors import ErrorCode, Fault
from mcpkit.security.oauth.asking import Endpoints
from mcpkit.security.oauth.clients import Client
from mcpkit.security.oauth.code_flow import secret_field
from mcpkit.security.oauth.refusals import needs_login
from mcpkit.security.oauth.tokens import Tokens, read_tokens, renewed

logger = logging.getLogger(__name__)


class Store(Protocol):
    """Where tokens are kept (`token_store.TokenStore`)."""

    async def get(self, name: str) -> Tokens | None: ...

    async def put(self, name: str, tokens: Tokens) -> None: ...

    def exclusive(self, name: str) -> AbstractAsyncContextManager[None]: ...


class AccessTokens:
    """Those that are kept under `name`.

    A refresh token may be good for one use only (RFC 6749, section 10.4), and the second use of one ends all of them
    (RFC 9700, section 4.14.2): one at a time renews, looks first whether another has done so meanwhile, and stores what
    it got before anybody uses it. Who is cancelled meanwhile is so when that is done. The client's secret is the one
    that is kept with the tokens.
    """

    def __init__(
        self, name: str, client: Client, store: Store, endpoints: Endpoints, clock: Callable[[], float] = time.time
    ) -> None:
        self._name = name
        self._client = client
        self._store = store
        self._endpoints = endpoints
        self._clock = clock

    async def current(self) -> str:
        """
        Raises:
            Fault: LOGIN_FAILED with the reason `token`, where only signing in again helps; SOURCE_UNAVAILABLE, where
                the authorization server cannot be asked; CONFIGURATION, where it does not know the client.
        """
        tokens = await self._kept()
        if not tokens.is_due(self._clock()):
            return tokens.access_token
        try:
            return await self._renewed(lambda kept: kept.is_due(self._clock()))
        except Fault as fault:
            if fault.code is not ErrorCode.SOURCE_UNAVAILABLE or tokens.is_over(self._clock()):
                raise
            logger.info("a token is used up to its end: %s", fault.told_here)
            return tokens.access_token

    async def instead_of(self, rejected: str) -> str:
        """Another than the one that was refused where it was used. Raises Fault as `current` does."""
        return await self._renewed(lambda kept: kept.access_token == rejected)

    async def _renewed(self, is_old: Callable[[Tokens], bool]) -> str:
        async with self._store.exclusive(self._name):
            before = await self._kept()
            if not is_old(before):
                return before.access_token
            if not before.refresh_token:
                raise needs_login("The login is over, and came without a means to renew it.")
            return await _to_the_end(self._renew(before))

    async def _renew(self, before: Tokens) -> str:
        # What cannot be stored must not be asked for: the old refresh token would be spent, and the new one lost.
        await self._store.put(self._name, before)
        after = renewed(before, await self._refresh(before))
        await self._store.put(self._name, after)
        return after.access_token

    async def _refresh(self, kept: Tokens) -> Tokens:
        """RFC 6749, section 6. It is never tried twice: an answer that was lost may have spent the refresh token."""
        client, asked = replace(self._client, client_secret=kept.client_secret), self._clock()
        form = WebApplicationClient(client.client_id).prepare_refresh_body(
            refresh_token=kept.refresh_token, client_id=client.client_id, include_client_id=True, **secret_field(client)
        )
        return read_tokens(await self._endpoints.post(client.server.token_endpoint, form, client), client, asked)

    async def _kept(self) -> Tokens:
        tokens = await self._store.get(self._name)
        if tokens is None:
            raise needs_login("Nobody has signed in to this account.")
        return tokens


async def _to_the_end(work: Coroutine[Any, Any, str]) -> str:
    """Its result, or the cancellation that came meanwhile, once it has ended. The time that it takes is bounded."""
    task = asyncio.create_task(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        with anyio.CancelScope(shield=True):
            while not task.done():
                with suppress(asyncio.CancelledError):  # again
                    await asyncio.wait([task])
        if not task.cancelled():
            task.exception()  # nobody asks for it any more
        raise
