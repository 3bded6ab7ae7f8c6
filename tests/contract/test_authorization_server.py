"""Tokens of a real authorization server, written by others: how the official client gets them, and when they hold."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

import anyio
import httpx2
import pytest
from mcp.client import Client
from mcp.client.auth import OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import AuthorizationCodeResult, OAuthClientInformationFull, OAuthClientMetadata, OAuthToken
from pydantic import AnyUrl

from contract.conftest import ERAS
from contract.serving import served
from mcpkit.security.authentication.accounts import AccountAccess
from mcpkit.security.authentication.authentication import Authentication
from mcpkit.security.authentication.fetching import JsonFetcher
from mcpkit.security.authentication.interfaces import Authenticator
from mcpkit.security.authentication.introspection import Introspection
from mcpkit.security.authentication.issuer import Issuer
from mcpkit.security.authentication.jwt_bearer import JwtBearer
from mcpkit.security.authentication.key_set import KeySet
from mcpkit.transport.http.door.authentication import Guard, ProtectedResource
from support.authorization_server import INTROSPECTOR, REDIRECT, AuthorizationServer, running, sign_in

SCOPES = ["read", "write"]
LIST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}


@pytest.fixture(scope="module")
def server() -> Iterator[AuthorizationServer]:
    with running() as started:
        yield started


@pytest.fixture(scope="module")
def other() -> Iterator[AuthorizationServer]:
    with running() as started:
        yield started


def guard(issuer: str, strategy: Callable[[str], Authenticator]) -> Callable[[str], Guard]:
    def make(resource: str) -> Guard:
        authentication = Authentication([strategy(resource)], AccountAccess({"*": ["*"]}), SCOPES)
        return Guard(authentication, SCOPES, ProtectedResource(resource, "Tester", [issuer], SCOPES))

    return make


def by_signature(
    keys_of: str, issuer: str | None = None, *, floor: float = 0, skew: float = 0
) -> Callable[[str], Guard]:
    """Trusts the keys of one server, and takes the tokens of the issuer that is named."""
    fetcher = JsonFetcher()
    published = Issuer(keys_of, fetcher)
    keys = KeySet(lambda: published.endpoint("jwks_uri"), fetcher, floor=floor)
    trusted = Issuer(issuer or keys_of, fetcher)
    algorithms = ["RS256", "ES256"]

    def strategy(resource: str) -> Authenticator:
        return JwtBearer(trusted, keys, fetcher, resource=resource, algorithms=algorithms, skew=skew)

    return guard(trusted.identifier, strategy)


def by_asking(server: AuthorizationServer, cache: float = 0) -> Callable[[str], Guard]:
    fetcher = JsonFetcher()
    issuer = Issuer(server.issuer, fetcher)
    return guard(
        server.issuer,
        lambda resource: Introspection(issuer, fetcher, resource=resource, client=INTROSPECTOR, cache=cache),
    )


async def asked(url: str, token: str) -> tuple[int, str]:
    """The status of a request with the token, and the challenge that came back."""
    async with httpx2.AsyncClient(headers={"Authorization": f"Bearer {token}"}) as http:
        answer = await http.post(f"{url}/mcp", json=LIST)
    return answer.status_code, answer.headers.get("www-authenticate", "")


@asynccontextmanager
async def connected(url: str, era: str, **options: Any) -> AsyncIterator[Client]:
    async with (
        httpx2.AsyncClient(**options) as http,
        Client(streamable_http_client(f"{url}/mcp", http_client=http), mode=ERAS[era]) as client,
    ):
        yield client


async def who(client: Client) -> str:
    structured = (await client.call_tool("who_calls", {})).structured_content
    assert structured is not None
    text: str = structured["text"]
    return text


class Kept:
    """The official client's storage, with a client that was registered before."""

    def __init__(self, client_id: str) -> None:
        self._client = OAuthClientInformationFull(
            client_id=client_id, redirect_uris=[AnyUrl(REDIRECT)], token_endpoint_auth_method="none"
        )
        self.tokens: OAuthToken | None = None

    async def get_tokens(self) -> OAuthToken | None:
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self._client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self._client = client_info


class Person:
    """Signs in with the browser as `user`, when the official client asks for it."""

    def __init__(self, url: str, user: str, client_id: str) -> None:
        self._user = user
        self._answer: dict[str, list[str]] = {}
        self.asked = ""
        self.kept = Kept(client_id)
        metadata = OAuthClientMetadata(redirect_uris=[AnyUrl(REDIRECT)], token_endpoint_auth_method="none")
        self.flow = OAuthClientProvider(f"{url}/mcp", metadata, self.kept, self._browse, self._come_back)

    async def _browse(self, url: str) -> None:
        self.asked = url
        self._answer = parse_qs(urlsplit(await sign_in(url, self._user)).query)

    async def _come_back(self) -> AuthorizationCodeResult:
        return AuthorizationCodeResult(**{name: self._answer[name][0] for name in ("code", "state", "iss")})

    @property
    def token(self) -> str:
        assert self.kept.tokens is not None
        return self.kept.tokens.access_token


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("client_id", ["app", "app-opaque"])
async def test_the_official_client_finds_the_way_to_a_token_by_itself(
    server: AuthorizationServer, client_id: str, era: str
) -> None:
    door = by_asking(server) if client_id == "app-opaque" else by_signature(server.issuer)
    async with served(guard=door) as url:
        person = Person(url, "ana", client_id)
        async with connected(url, era, auth=person.flow) as client:
            assert (await who(client)).startswith("ana over http")
        wanted = parse_qs(urlsplit(person.asked).query)
    assert wanted["resource"] == [f"{url}/mcp"]
    assert wanted["code_challenge_method"] == ["S256"]
    assert wanted["scope"][0].split()[:2] == SCOPES


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("client_id", ["machine", "machine-ecdsa"])
async def test_a_token_by_client_credentials_calls_a_tool(
    server: AuthorizationServer, client_id: str, era: str
) -> None:
    async with served(guard=by_signature(server.issuer)) as url:
        token = await server.machine_token(f"{url}/mcp", "read", client=client_id)
        async with connected(url, era, headers={"Authorization": f"Bearer {token}"}) as client:
            assert (await who(client)).startswith(f"{client_id} over http")
            assert "erase" not in {tool.name for tool in (await client.list_tools()).tools}


async def test_a_token_for_another_resource_is_refused(server: AuthorizationServer) -> None:
    async with served(guard=by_signature(server.issuer)) as url:
        token = await server.machine_token("https://elsewhere.example/mcp", "read")
        status, challenge = await asked(url, token)
    assert status == 401
    assert 'error="invalid_token"' in challenge
    assert "not meant for this server" in challenge


async def test_a_token_of_another_issuer_is_refused(server: AuthorizationServer, other: AuthorizationServer) -> None:
    async with served(guard=by_signature(server.issuer)) as url:
        signed_elsewhere = await other.machine_token(f"{url}/mcp", "read")
        assert (await asked(url, signed_elsewhere))[0] == 401
    async with served(guard=by_signature(server.issuer, "https://another.example")) as url:
        same_keys = await server.machine_token(f"{url}/mcp", "read")
        status, challenge = await asked(url, same_keys)
    assert (status, "of another issuer" in challenge) == (401, True)


async def test_an_expired_token_ends_an_open_session(server: AuthorizationServer) -> None:
    async with served(guard=by_signature(server.issuer)) as url:
        token = await server.machine_token(f"{url}/mcp", "read", client="machine-brief")
        async with httpx2.AsyncClient(headers={"Authorization": f"Bearer {token}"}) as http:
            opened = await http.post(f"{url}/mcp", json=INITIALIZE, headers=ACCEPT)
            assert opened.status_code == 200, opened.text
            session = {**ACCEPT, "Mcp-Session-Id": opened.headers["mcp-session-id"]}
            with anyio.fail_after(20):
                while (answer := await http.post(f"{url}/mcp", json=LIST, headers=session)).status_code == 200:
                    await anyio.sleep(0.1)
    assert answer.status_code == 401
    assert "has expired" in answer.headers["www-authenticate"]


async def test_a_revoked_token_is_refused_by_the_next_question(server: AuthorizationServer) -> None:
    async with served(guard=by_asking(server)) as url:
        person = Person(url, "ben", "app-opaque")
        async with connected(url, "modern", auth=person.flow) as client:
            await who(client)
        assert (await asked(url, person.token))[0] == 200
        await server.revoke(person.token, "app-opaque")
        status, challenge = await asked(url, person.token)
    assert (status, 'error="invalid_token"' in challenge) == (401, True)


async def test_what_the_server_said_of_a_token_is_kept_for_a_while(server: AuthorizationServer) -> None:
    async with served(guard=by_asking(server, cache=300)) as url:
        person = Person(url, "ben", "app-opaque")
        async with connected(url, "modern", auth=person.flow) as client:
            await who(client)
        await server.revoke(person.token, "app-opaque")
        assert (await asked(url, person.token))[0] == 200


async def test_an_opaque_token_for_another_resource_is_refused(server: AuthorizationServer) -> None:
    async with served(guard=by_asking(server)) as first, served(guard=by_asking(server)) as second:
        person = Person(first, "ana", "app-opaque")
        async with connected(first, "modern", auth=person.flow) as client:
            await who(client)
        status, challenge = await asked(second, person.token)
    assert (status, "not meant for this server" in challenge) == (401, True)


async def test_new_signing_keys_are_found_and_old_ones_forgotten(server: AuthorizationServer) -> None:
    async with served(guard=by_signature(server.issuer)) as url:
        before = await server.machine_token(f"{url}/mcp", "read")
        assert (await asked(url, before))[0] == 200
        server.rotate()
        after = await server.machine_token(f"{url}/mcp", "read")
        assert (await asked(url, after))[0] == 200
        assert (await asked(url, before))[0] == 401


async def test_keys_are_not_asked_for_again_within_the_floor(server: AuthorizationServer) -> None:
    async with served(guard=by_signature(server.issuer, floor=3600)) as url:
        before = await server.machine_token(f"{url}/mcp", "read")
        assert (await asked(url, before))[0] == 200
        server.rotate()
        assert (await asked(url, await server.machine_token(f"{url}/mcp", "read")))[0] == 401
        assert (await asked(url, before))[0] == 200


async def test_a_token_without_any_scope_of_use_is_told_what_it_needs(server: AuthorizationServer) -> None:
    async with served(guard=by_signature(server.issuer)) as url:
        status, challenge = await asked(url, await server.machine_token(f"{url}/mcp", "other"))
    assert status == 403
    assert 'error="insufficient_scope"' in challenge
    assert 'scope="read write"' in challenge
    assert f'resource_metadata="{url}/.well-known/oauth-protected-resource/mcp"' in challenge


async def test_a_server_that_is_not_there_is_no_reason_to_let_anybody_in(server: AuthorizationServer) -> None:
    async with served(guard=by_signature("http://127.0.0.1:9")) as url, httpx2.AsyncClient() as http:
        token = await server.machine_token(f"{url}/mcp", "read")
        answer = await http.post(f"{url}/mcp", json=LIST, headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) >= 1
    assert answer.json()["error"]["data"]["code"] == "SERVICE_UNAVAILABLE"


ACCEPT = {"Accept": "application/json, text/event-stream"}
INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 0,
    "method": "initialize",
    "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}},
}
