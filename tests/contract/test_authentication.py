"""The door of the HTTP transport: who gets in, and that what belongs to one principal is nothing to another."""

import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client

from contract.catalogue import NoArguments, TextResult, Waiting
from contract.conftest import ERAS
from contract.serving import served
from mcpkit.errors import ErrorCode, Fault
from mcpkit.monitoring.health import Check, Health, Outcome
from mcpkit.protocol.calls import Call
from mcpkit.security.audit import AuditSink
from mcpkit.security.authentication.accounts import AccountAccess
from mcpkit.security.authentication.api_keys import ApiKeys
from mcpkit.security.authentication.authentication import Authentication
from mcpkit.security.authentication.key_store import KeyStore
from mcpkit.security.control import open_control
from mcpkit.transport.http.door.authentication import Guard, ProtectedResource
from mcpkit.transport.http.state import HttpState
from support.calling import Kept

SCOPES = ["read", "write"]
ACCEPT = {"Accept": "application/json, text/event-stream"}
LIST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 0,
    "method": "initialize",
    "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}},
}
MODERN: dict[str, Any] = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
}


def call(tool: str, request_id: int = 7, **meta: Any) -> dict[str, Any]:
    params = {"name": tool, "arguments": {}, "_meta": meta}
    return {"jsonrpc": "2.0", "id": request_id, "method": "tools/call", "params": params}


@dataclass
class Keys:
    """A guarded server's URL, the keys of its users, and the database that they are in."""

    url: str
    ana: str
    ben: str
    reader: str
    stranger: str
    useless: str
    store: KeyStore
    made: ApiKeys

    def http(self, key: str) -> httpx2.AsyncClient:
        return httpx2.AsyncClient(headers={"Authorization": f"Bearer {key}"})

    async def open_session(self, http: httpx2.AsyncClient) -> dict[str, str]:
        """The headers of a session of the handshake era."""
        opened = await http.post(f"{self.url}/mcp", json=INITIALIZE, headers=ACCEPT)
        assert opened.status_code == 200, opened.text
        session = {**ACCEPT, "Mcp-Session-Id": opened.headers["mcp-session-id"]}
        ready = {"jsonrpc": "2.0", "method": "notifications/initialized"}
        assert (await http.post(f"{self.url}/mcp", json=ready, headers=session)).status_code == 202
        return session


@asynccontextmanager
async def guarded(
    folder: Path,
    issuer: str = "",
    waiting: Any = None,
    state: HttpState | None = None,
    audit: AuditSink | None = None,
    recheck_seconds: float = 30,
) -> AsyncIterator[Keys]:
    """With an `issuer`, the server says that tokens are had there."""
    async with await open_control(folder / "control.db") as control:
        store = KeyStore(control)
        keys = ApiKeys(store, "tk")
        users = {"ana": ["*"], "ben": ["*"], "reader": ["home"]}

        def guard(resource: str) -> Guard:
            authentication = Authentication([keys], AccountAccess(users), SCOPES)
            described = ProtectedResource(resource, "Tester", [issuer], SCOPES) if issuer else None
            return Guard(authentication, SCOPES, described, audit, recheck_seconds)

        async def made(user: str, *scopes: str) -> str:
            return (await keys.create(user, scopes))[0]

        async with served(waiting, state, guard) as url:
            yield Keys(
                url,
                ana=await made("ana", *SCOPES),
                ben=await made("ben", *SCOPES),
                reader=await made("reader", "read"),
                stranger=await made("stranger", *SCOPES),
                useless=await made("ana", "*", "other"),
                store=store,
                made=keys,
            )


@pytest.fixture
async def keys(tmp_path: Path) -> AsyncIterator[Keys]:
    async with guarded(tmp_path) as started:
        yield started


@pytest.fixture
async def with_issuer(tmp_path: Path) -> AsyncIterator[Keys]:
    async with guarded(tmp_path, "https://login.example.com") as started:
        yield started


@pytest.mark.parametrize("era", ERAS)
async def test_the_official_client_gets_in_with_an_api_key(keys: Keys, era: str) -> None:
    async with (
        keys.http(keys.ana) as http,
        Client(streamable_http_client(f"{keys.url}/mcp", http_client=http), mode=ERAS[era]) as client,
    ):
        result = await client.call_tool("who_calls", {})
    assert result.structured_content is not None
    assert result.structured_content["text"].startswith("ana over http")


async def test_a_bare_call_gets_in_with_an_api_key(keys: Keys) -> None:
    async with keys.http(keys.ben) as http:
        answer = await http.post(f"{keys.url}/mcp", json=call("who_calls"))
    assert answer.json()["result"]["structuredContent"]["text"].startswith("ben over http")


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "PUT", "OPTIONS"])
async def test_without_a_credential_there_is_a_challenge_and_nothing_else(with_issuer: Keys, method: str) -> None:
    async with httpx2.AsyncClient() as http:
        answer = await http.request(method, f"{with_issuer.url}/mcp", content=b"{not even JSON")
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == (
        f'Bearer scope="read write", resource_metadata="{with_issuer.url}/.well-known/oauth-protected-resource/mcp"'
    )
    error = answer.json()["error"]
    assert (error["code"], error["data"]["code"]) == (1001, "UNAUTHORIZED")
    assert "https://login.example.com" in error["message"]


@pytest.mark.parametrize(
    "given",
    [
        "Basic YW5hOnNlY3JldA==",
        "Bearer",
        "Bearer not-one",
        "Bearer tk_unknown_secret",
        "Bearer " + "x" * 9000,
        "Bearer a b",
        "Bearer \xff\xfe",
        'Bearer "quoted"',
    ],
)
async def test_what_is_no_credential_of_this_server_is_refused(keys: Keys, given: str) -> None:
    async with httpx2.AsyncClient() as http:
        answer = await http.post(f"{keys.url}/mcp", json=LIST, headers={b"Authorization": given.encode("latin-1")})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer ")


async def test_another_keys_secret_or_half_of_it_opens_nothing(keys: Keys) -> None:
    ana, ben = keys.ana.split("_"), keys.ben.split("_")
    for forged in (
        f"{keys.made.name_of(keys.ana)}_{'_'.join(ben[2:])}",
        keys.ana[:-1],
        keys.ana + "x",
        "_".join(ana[:2]),
        keys.ana.upper(),
    ):
        async with keys.http(forged) as http:
            assert (await http.post(f"{keys.url}/mcp", json=LIST)).status_code == 401


@pytest.mark.parametrize("query", ["access_token={}", "a=1&access_token={}", "access_token=", "%61ccess_token={}"])
async def test_a_token_in_the_url_is_refused_though_it_is_valid(keys: Keys, query: str) -> None:
    for headers in ({}, {"Authorization": f"Bearer {keys.ana}"}):
        async with httpx2.AsyncClient() as http:
            answer = await http.post(f"{keys.url}/mcp?{query.format(keys.ana)}", json=LIST, headers=headers)
        assert answer.status_code == 400
        assert 'error="invalid_request"' in answer.headers["www-authenticate"]


async def test_two_credentials_at_once_are_refused(keys: Keys) -> None:
    both = [("Authorization", f"Bearer {keys.ana}"), ("Authorization", f"Bearer {keys.ben}")]
    async with httpx2.AsyncClient() as http:
        answer = await http.post(f"{keys.url}/mcp", json=LIST, headers=both)
    assert answer.status_code == 400


@pytest.mark.parametrize("path", ["", "/mcp"])
async def test_the_metadata_of_the_resource_are_at_both_places_and_open(with_issuer: Keys, path: str) -> None:
    async with httpx2.AsyncClient() as http:
        answer = await http.get(f"{with_issuer.url}/.well-known/oauth-protected-resource{path}")
    assert answer.json() == {
        "resource": f"{with_issuer.url}/mcp",
        "authorization_servers": ["https://login.example.com"],  # as it is in its tokens: no slash is added
        "scopes_supported": ["read", "write"],
        "bearer_methods_supported": ["header"],
        "resource_name": "Tester",
    }


async def test_without_an_authorization_server_nothing_points_to_one(keys: Keys) -> None:
    async with httpx2.AsyncClient() as http:
        assert (await http.get(f"{keys.url}/.well-known/oauth-protected-resource")).status_code == 404
        answer = await http.post(f"{keys.url}/mcp", json=LIST)
    assert answer.headers["www-authenticate"] == 'Bearer scope="read write"'


async def test_a_credential_without_a_scope_of_use_is_told_all_that_it_needs(keys: Keys) -> None:
    """The scope `*` of a token means nothing: only who starts the server may do everything."""
    async with keys.http(keys.useless) as http:
        answer = await http.post(f"{keys.url}/mcp", json=LIST)
    assert answer.status_code == 403
    assert 'error="insufficient_scope"' in answer.headers["www-authenticate"]
    assert 'scope="read write"' in answer.headers["www-authenticate"]
    assert answer.json()["error"]["data"]["code"] == "FORBIDDEN"


async def test_a_user_without_accounts_is_told_so(keys: Keys) -> None:
    async with keys.http(keys.stranger) as http:
        answer = await http.post(f"{keys.url}/mcp", json=call("who_calls"))
    assert answer.status_code == 403
    assert "www-authenticate" not in answer.headers  # no token with more scopes would help
    assert "stranger may see no account" in answer.json()["error"]["message"]


async def test_what_one_may_not_use_is_neither_listed_nor_known(keys: Keys) -> None:
    async with keys.http(keys.reader) as http:
        listed = (await http.post(f"{keys.url}/mcp", json=LIST)).json()["result"]
        forbidden = (await http.post(f"{keys.url}/mcp", json=call("erase"))).json()["error"]
        unknown = (await http.post(f"{keys.url}/mcp", json=call("erasf"))).json()["error"]
    assert "erase" not in {tool["name"] for tool in listed["tools"]}
    assert forbidden == unknown
    async with keys.http(keys.ana) as http:
        full = (await http.post(f"{keys.url}/mcp", json=LIST)).json()["result"]
    assert "erase" in {tool["name"] for tool in full["tools"]}
    assert {listed["cacheScope"], full["cacheScope"]} == {"private"}


async def test_a_listing_is_the_same_for_two_users_who_may_the_same(keys: Keys) -> None:
    listings = []
    for key in (keys.ana, keys.ben):
        async with keys.http(key) as http:
            listings.append((await http.post(f"{keys.url}/mcp", json=LIST)).json())
    assert listings[0] == listings[1]


@pytest.mark.parametrize("method", ["POST", "GET", "DELETE"])
async def test_a_session_of_another_principal_does_not_exist(keys: Keys, method: str) -> None:
    async with keys.http(keys.ana) as ana, keys.http(keys.ben) as ben:
        session = await keys.open_session(ana)
        body: dict[str, Any] = {"json": LIST} if method == "POST" else {}
        theirs = await ben.request(method, f"{keys.url}/mcp", headers=session, **body)
        nobodys = await ben.request(method, f"{keys.url}/mcp", headers={**session, "Mcp-Session-Id": "0" * 32}, **body)
        assert theirs.status_code == nobodys.status_code == 404
        assert theirs.content == nobodys.content
        assert (await ana.post(f"{keys.url}/mcp", json=LIST, headers=session)).status_code == 200


async def test_what_is_under_way_in_a_session_is_not_shown_to_another_principal(tmp_path: Path) -> None:
    waiting = Waiting()
    async with guarded(tmp_path, waiting=waiting) as keys, keys.http(keys.ana) as ana, keys.http(keys.ben) as ben:
        session = await keys.open_session(ana)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(lambda: ana.post(f"{keys.url}/mcp", json=call("wait", 7), headers=session, timeout=None))
            await waiting.started.wait()
            taken, free = [
                await ben.post(f"{keys.url}/mcp", json=call("who_calls", number), headers=session) for number in (7, 8)
            ]
            assert taken.status_code == free.status_code == 404
            assert taken.content == free.content
            own = await ana.post(f"{keys.url}/mcp", json=call("who_calls", 7), headers=session)
            assert own.status_code == 400
            assert (await ben.delete(f"{keys.url}/mcp", headers=session)).status_code == 404
            assert not waiting.cancelled.is_set()
            tasks.cancel_scope.cancel()


async def test_another_key_of_the_same_user_opens_no_session_of_the_first(keys: Keys) -> None:
    second, _ = await keys.made.create("ana", SCOPES)
    async with keys.http(keys.ana) as first, keys.http(second) as other:
        session = await keys.open_session(first)
        assert (await other.post(f"{keys.url}/mcp", json=LIST, headers=session)).status_code == 404


async def test_a_session_has_the_rights_of_each_request_and_not_of_the_first(keys: Keys) -> None:
    async with keys.http(keys.ana) as http:
        session = await keys.open_session(http)
        assert "erase" in (await http.post(f"{keys.url}/mcp", json=LIST, headers=session)).text
        await keys.store._database.write(
            lambda connection: connection.execute("UPDATE api_keys SET scopes = '[\"read\"]' WHERE user = 'ana'")
        )
        assert "erase" not in (await http.post(f"{keys.url}/mcp", json=LIST, headers=session)).text
        refused = await http.post(f"{keys.url}/mcp", json=call("erase"), headers=session)
        assert "no such tool" in refused.json()["error"]["message"]


async def test_a_revoked_key_ends_an_open_session(keys: Keys) -> None:
    async with keys.http(keys.ana) as http:
        session = await keys.open_session(http)
        assert await keys.store.revoke(keys.made.name_of(keys.ana), 1)
        answer = await http.post(f"{keys.url}/mcp", json=LIST, headers=session)
    assert answer.status_code == 401
    assert "was revoked" in answer.headers["www-authenticate"]


async def test_a_stream_that_is_kept_open_ends_with_its_key(tmp_path: Path) -> None:
    async with guarded(tmp_path) as keys:
        brief, _ = await keys.made.create("ana", SCOPES, expires=int(time.time()) + 2)
        async with keys.http(brief) as http:
            session = await keys.open_session(http)
            with anyio.fail_after(20):
                async with http.stream("GET", f"{keys.url}/mcp", headers=session, timeout=None) as stream:
                    assert stream.status_code == 200
                    async for _ in stream.aiter_raw():
                        pass
            assert (await http.post(f"{keys.url}/mcp", json=LIST, headers=session)).status_code == 401


async def test_a_stream_that_is_kept_open_ends_when_its_key_is_revoked(tmp_path: Path) -> None:
    async with guarded(tmp_path, recheck_seconds=0.05) as keys, keys.http(keys.ana) as http:
        session = await keys.open_session(http)
        with anyio.fail_after(20):
            async with http.stream("GET", f"{keys.url}/mcp", headers=session, timeout=None) as stream:
                assert stream.status_code == 200
                assert await keys.store.revoke(keys.made.name_of(keys.ana), 1)
                async for _ in stream.aiter_raw():
                    pass


async def test_who_is_turned_away_is_in_the_audit(tmp_path: Path) -> None:
    audit = Kept()
    async with guarded(tmp_path, audit=audit) as keys:
        for credential in ("", f"{keys.ana}x", keys.useless, keys.stranger, keys.ana):
            headers = {"Authorization": f"Bearer {credential}"} if credential else {}
            async with httpx2.AsyncClient(headers=headers) as http:
                await http.post(f"{keys.url}/mcp", json=LIST)
    told = [(record.user, record.decision, record.error, record.reason) for record in audit.records]
    assert told == [
        ("", "denied", "UNAUTHORIZED", "Authentication is needed"),
        ("", "denied", "UNAUTHORIZED", "The API key is unknown"),
        ("ana", "denied", "FORBIDDEN", "The credential has none of the scopes that are of use here"),
        ("stranger", "denied", "FORBIDDEN", audit.records[3].reason),
    ]
    assert {record.address for record in audit.records} == {"this machine"}
    assert audit.records[2].credential == keys.made.name_of(keys.useless)
    written = str([record.as_dict() for record in audit.records])
    assert not any(key.split("_", 2)[2] in written for key in (keys.ana, keys.useless, keys.stranger))


async def test_progress_goes_to_whoever_asked_though_another_uses_the_same_ids(keys: Keys) -> None:
    answers: dict[str, str] = {}

    async def count(key: str) -> None:
        async with keys.http(key) as http:
            session = await keys.open_session(http)
            counted = call("count_down", 1, progressToken="same")
            answers[key] = (await http.post(f"{keys.url}/mcp", json=counted, headers=session)).text

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(count, keys.ana)
        tasks.start_soon(count, keys.ben)
    for text in answers.values():
        assert text.count("notifications/progress") == 3
        assert text.count('"done"') >= 1


async def test_nobody_cancels_the_call_of_another(tmp_path: Path) -> None:
    waiting = Waiting()
    async with guarded(tmp_path, waiting=waiting) as keys, keys.http(keys.ana) as ana, keys.http(keys.ben) as ben:
        session, other = await keys.open_session(ana), await keys.open_session(ben)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(lambda: ana.post(f"{keys.url}/mcp", json=call("wait", 7), headers=session, timeout=None))
            await waiting.started.wait()
            cancel = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 7}}
            for headers in (session, other, {**ACCEPT, "MCP-Protocol-Version": "2026-07-28"}, ACCEPT):
                await ben.post(f"{keys.url}/mcp", json=cancel, headers=headers)
            # What was sent has been dealt with once a later request is answered.
            assert (await ben.post(f"{keys.url}/mcp", json=LIST, headers=other)).status_code == 200
            assert not waiting.cancelled.is_set()
            await ana.post(f"{keys.url}/mcp", json=cancel, headers=session)
            with anyio.fail_after(10):
                await waiting.cancelled.wait()
            tasks.cancel_scope.cancel()


class Watching:
    """A tool that keeps what it was called with."""

    def __init__(self) -> None:
        self.calls: list[Call] = []

    async def __call__(self, call: Call, arguments: NoArguments) -> TextResult:
        self.calls.append(call)
        return TextResult(text="seen")


async def test_a_credential_goes_no_further_than_the_door_and_into_no_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    watching = Watching()
    with caplog.at_level(logging.DEBUG):
        async with guarded(tmp_path, waiting=watching) as keys, keys.http(keys.ana) as http:
            session = await keys.open_session(http)
            await http.post(f"{keys.url}/mcp", json=call("wait"), headers=session)
            await http.post(f"{keys.url}/mcp", json=call("wait"))
            await http.post(f"{keys.url}/mcp", json=call("wait", **MODERN), headers=MODERN_HEADERS)
            refused = await http.post(f"{keys.url}/mcp?access_token={keys.ana}", json=LIST)
            wrong = await http.post(
                f"{keys.url}/mcp", json=LIST, headers={"Authorization": f"Bearer {keys.made.name_of(keys.ben)}_guess"}
            )
    assert len(watching.calls) == 3
    secret = keys.ana.split("_", 2)[2]
    for seen in watching.calls:
        assert "authorization" not in seen.headers
        assert secret not in repr(seen)
    logged = "\n".join(
        logging.Formatter("%(name)s %(message)s").format(record)
        for record in caplog.records
        if not record.name.startswith(("httpx2", "httpcore2"))  # of the client, which is in this process too
    )
    said = logged + refused.text + str(refused.headers) + wrong.text + str(wrong.headers)
    assert secret not in said
    assert "guess" not in said
    assert "refused" in logged


MODERN_HEADERS = {**ACCEPT, "MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/call", "Mcp-Name": "wait"}


@pytest.mark.parametrize(
    "claimed",
    [
        {"user": "ben"},
        {"principal": {"user": "ben"}},
        {"io.modelcontextprotocol/clientInfo": {"name": "ben", "version": "1"}},
        {"sub": "ben", "authorization": "Bearer ben"},
    ],
)
async def test_nothing_in_a_request_but_its_credential_says_who_calls(keys: Keys, claimed: dict[str, Any]) -> None:
    headers = {"X-User": "ben", "X-Forwarded-User": "ben", "Remote-User": "ben", "X-Authenticated-User": "ben"}
    async with keys.http(keys.ana) as http:
        answer = await http.post(f"{keys.url}/mcp", json=call("who_calls", **claimed), headers=headers)
    assert answer.json()["result"]["structuredContent"]["text"].startswith("ana over http")


async def test_health_is_open_and_tells_nothing_private(tmp_path: Path) -> None:
    async def damaged() -> Outcome:
        raise Fault(ErrorCode.STORAGE_DAMAGED, "/home/ana/mail/archive.db is damaged.")

    state = HttpState(Health([Check("database", damaged)]))
    async with guarded(tmp_path, state=state) as keys, httpx2.AsyncClient() as http:
        alive, ready = await http.get(f"{keys.url}/health"), await http.get(f"{keys.url}/ready")
    assert alive.json() == {"status": "ok", "name": "tester", "version": "1.2.3"}
    assert ready.json()["checks"]["database"]["detail"] == "STORAGE_DAMAGED"
    assert "ana" not in ready.text


async def test_only_the_door_and_what_says_where_it_is_are_open(with_issuer: Keys) -> None:
    async with httpx2.AsyncClient() as http:
        for path in ("/", "/mcp/", "/metrics", "/docs", "/.well-known/", "/.well-known/oauth-protected-resource/other"):
            assert (await http.get(with_issuer.url + path, follow_redirects=False)).status_code in (404, 307)
