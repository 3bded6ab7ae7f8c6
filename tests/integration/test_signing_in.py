"""Signing in with a real authorization server, and what becomes of the tokens."""

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from subprocess import PIPE

import httpx2
import pytest

from mcpkit.errors import ErrorCode, Fault
from mcpkit.security.control import open_control
from mcpkit.security.oauth.asking import Endpoints
from mcpkit.security.oauth.clients import Client
from mcpkit.security.oauth.code_flow import CodeFlow
from mcpkit.security.oauth.device_flow import DeviceFlow
from mcpkit.security.oauth.loopback import listening
from mcpkit.security.oauth.metadata import discover
from mcpkit.security.oauth.renewing import AccessTokens
from mcpkit.security.oauth.token_store import TokenStore
from mcpkit.security.oauth.tokens import Tokens
from mcpkit.security.secrets.master_key import FileKeeper
from mcpkit.security.secrets.store import SecretStore
from support.authorization_server import (
    LOOPBACK,
    MAIL,
    MAIL_SECRET,
    AuthorizationServer,
    enter_code,
    refuse,
    running,
    sign_in,
)

ENDPOINTS = Endpoints()


@pytest.fixture(scope="module")
def server() -> Iterator[AuthorizationServer]:
    with running() as started:
        yield started


async def client_of(server: AuthorizationServer, id: str = MAIL, secret: str = "") -> Client:
    found = await discover(server.issuer, ENDPOINTS)
    return Client(found, id, ("openid", "mail", "offline_access"), secret, parameters={"prompt": "consent"})


async def by_browser(client: Client, user: str = "ana@example.com") -> Tokens:
    async with listening(LOOPBACK, "Test") as loopback, httpx2.AsyncClient() as browser:
        flow = CodeFlow(client, loopback.redirect_uri)
        waiting = asyncio.create_task(loopback.answer(flow.code_of))
        page = await browser.get(await sign_in(flow.url, user, loopback.redirect_uri))
        assert "Signed in" in page.text
        return await flow.redeem(await waiting, ENDPOINTS)


@asynccontextmanager
async def stored(folder: Path, client: Client, tokens: Tokens) -> AsyncIterator[tuple[TokenStore, AccessTokens]]:
    async with await open_control(folder / "control.db") as control:
        store = TokenStore(SecretStore(control, FileKeeper(folder / "master.key")), folder)
        await store.replace("work", tokens)
        yield store, AccessTokens("work", client, store, ENDPOINTS)


async def test_a_browser_gives_tokens_of_whoever_signed_in(server: AuthorizationServer) -> None:
    client = await client_of(server)
    assert client.server.names_itself
    tokens = await by_browser(client)
    said = await server.introspect(tokens.access_token)
    assert (said["active"], said["email"], "mail" in str(said["scope"]).split()) == (True, "ana@example.com", True)
    assert tokens.expires is not None
    assert 3000 < tokens.expires - time.time() <= 3600


async def test_a_client_with_a_secret_is_known_by_it(server: AuthorizationServer) -> None:
    assert (await by_browser(await client_of(server, *MAIL_SECRET))).refresh_token
    with pytest.raises(Fault, match="client secret") as caught:
        await by_browser(await client_of(server, MAIL_SECRET[0], "wrong"))
    assert caught.value.code is ErrorCode.CONFIGURATION


async def test_a_person_who_says_no_is_understood(server: AuthorizationServer) -> None:
    async with listening(LOOPBACK, "Test") as loopback, httpx2.AsyncClient() as browser:
        flow = CodeFlow(await client_of(server), loopback.redirect_uri)
        waiting = asyncio.create_task(loopback.answer(flow.code_of))
        page = await browser.get(await refuse(flow.url, loopback.redirect_uri))
        assert "Not signed in" in page.text
        with pytest.raises(Fault, match="refused"):
            await waiting


async def test_a_code_is_good_for_one_use_and_for_its_verifier(server: AuthorizationServer) -> None:
    client = await client_of(server)
    uri = "http://127.0.0.1:9/callback"
    flow, thief = CodeFlow(client, uri), CodeFlow(client, uri)
    code = flow.code_of((await sign_in(flow.url, "ana", uri)).partition("?")[2])
    with pytest.raises(Fault, match="not valid any more"):  # another's verifier
        await thief.redeem(code, ENDPOINTS)
    flow = CodeFlow(client, uri)
    code = flow.code_of((await sign_in(flow.url, "ana", uri)).partition("?")[2])
    tokens = await flow.redeem(code, ENDPOINTS)
    flow._redeemed = False
    with pytest.raises(Fault, match="used before") as again:
        await flow.redeem(code, ENDPOINTS)
    assert again.value.code is ErrorCode.LOGIN_FAILED
    assert (await server.introspect(tokens.access_token))["active"] is False  # the server takes all back


async def test_a_code_on_another_device_gives_tokens_when_the_person_agrees(server: AuthorizationServer) -> None:
    waited = asyncio.Event()

    async def sleep(seconds: float) -> None:
        await asyncio.sleep(0.05)
        waited.set()

    flow = DeviceFlow(await client_of(server), ENDPOINTS, sleep=sleep)
    code = await flow.begin()
    waiting = asyncio.create_task(flow.wait(code))
    await waited.wait()
    assert not waiting.done()
    await enter_code(code.verification_uri, code.user_code, "ana@example.com")
    tokens = await waiting
    assert tokens.refresh_token
    assert (await server.introspect(tokens.access_token))["email"] == "ana@example.com"


async def test_a_person_who_aborts_on_the_other_device_ends_the_wait(server: AuthorizationServer) -> None:
    flow = DeviceFlow(await client_of(server), ENDPOINTS, sleep=lambda _: asyncio.sleep(0.02))
    code = await flow.begin()
    await enter_code(code.verification_uri, code.user_code, "ana", abort="yes")
    with pytest.raises(Fault, match="refused"):
        await flow.wait(code)


async def test_refresh_tokens_that_rotate_are_followed(server: AuthorizationServer, tmp_path: Path) -> None:
    client = await client_of(server)
    first = await by_browser(client)
    async with stored(tmp_path, client, first) as (store, access):
        tokens = [first.access_token]
        for _ in range(3):
            tokens.append(await access.instead_of(tokens[-1]))
        assert len(set(tokens)) == 4
        assert (await server.introspect(tokens[-1]))["active"] is True
        kept = await store.get("work")
        assert kept is not None
        assert kept.refresh_token != first.refresh_token
        # The use of one that was used before ends them all.
        with pytest.raises(Fault) as caught:
            await AccessTokens("work", client, _Old(first), ENDPOINTS).instead_of(first.access_token)
        assert caught.value.details["reason"] == "token"
        with pytest.raises(Fault) as caught:
            await access.instead_of(tokens[-1])
        assert (caught.value.code, caught.value.details["reason"]) == (ErrorCode.LOGIN_FAILED, "token")


class _Old:
    """A store that another has overtaken."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens

    async def get(self, name: str) -> Tokens:
        return self._tokens

    async def put(self, name: str, tokens: Tokens) -> None:
        pass

    @asynccontextmanager
    async def exclusive(self, name: str) -> AsyncIterator[None]:
        yield


RENEWING = """
import asyncio, pathlib, sys
from mcpkit.security.control import open_control
from mcpkit.security.secrets.master_key import FileKeeper
from mcpkit.security.oauth.asking import Endpoints
from mcpkit.security.oauth.clients import AuthorizationServer, Client
from mcpkit.security.oauth.renewing import AccessTokens
from mcpkit.security.oauth.token_store import TokenStore
from mcpkit.security.secrets.store import SecretStore

async def main(folder, issuer, old):
    async with await open_control(folder / "control.db") as control:
        store = TokenStore(SecretStore(control, FileKeeper(folder / "master.key")), folder)
        server = AuthorizationServer(issuer, f"{issuer}/auth", f"{issuer}/token")
        access = AccessTokens("work", Client(server, "mail", ("mail",)), store, Endpoints())
        print("ready", flush=True)
        sys.stdin.readline()
        print(await access.instead_of(old) == old, flush=True)

asyncio.run(main(pathlib.Path(sys.argv[1]), *sys.argv[2:]))
"""


async def test_two_processes_that_renew_at_once_spend_a_refresh_token_once(
    server: AuthorizationServer, tmp_path: Path
) -> None:
    client = await client_of(server)
    tokens = await by_browser(client)
    async with stored(tmp_path, client, tokens) as (store, _):
        command = [sys.executable, "-c", RENEWING, str(tmp_path), server.issuer, tokens.access_token]
        with ExitStack() as stack:
            others = [
                stack.enter_context(subprocess.Popen(command, stdin=PIPE, stdout=PIPE, text=True)) for _ in range(3)
            ]
            for other in others:
                assert other.stdout is not None
                assert await asyncio.to_thread(other.stdout.readline) == "ready\n"
            said = await asyncio.gather(*(asyncio.to_thread(other.communicate, "\n") for other in others))
        assert [out for out, _ in said] == ["False\n"] * 3
        kept = await store.get("work")
        assert kept is not None
        # Had one been spent twice, the server would have ended them all.
        assert (await server.introspect(kept.access_token))["active"] is True


async def test_a_revoked_login_needs_another(server: AuthorizationServer, tmp_path: Path) -> None:
    client = await client_of(server)
    tokens = await by_browser(client)
    async with stored(tmp_path, client, tokens) as (store, access):
        await server.revoke(tokens.refresh_token, MAIL)
        with pytest.raises(Fault) as caught:
            await access.instead_of(tokens.access_token)
        assert (caught.value.code, caught.value.details["error"]) == (ErrorCode.LOGIN_FAILED, "invalid_grant")
        await store.replace("work", await by_browser(client))
        assert (await server.introspect(await access.current()))["active"] is True
