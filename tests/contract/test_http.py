"""HTTP as others than the official client meet it."""

import json
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from typing import Any

import anyio
import httpx2
import pytest
from mcp.client import Client

from contract.catalogue import Waiting, build_catalogue
from contract.conftest import HERE, server_environment
from contract.serving import served
from mcpkit.errors import ErrorCode, Fault
from mcpkit.monitoring.health import Check, Health, Outcome, Status
from mcpkit.protocol.identity import LocalUser
from mcpkit.protocol.pipeline import build_pipeline
from mcpkit.protocol.server import build_server
from mcpkit.security.audit import LogAudit
from mcpkit.transport.http.application import HttpSettings, run_http
from mcpkit.transport.http.state import HttpState

JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
async def http() -> AsyncIterator[httpx2.AsyncClient]:
    """A client that sends no header of its own accord but Accept, as curl does."""
    async with httpx2.AsyncClient(headers={"Accept": "*/*"}) as client:
        yield client


async def bare(http: httpx2.AsyncClient, url: str, method: str, **params: object) -> tuple[int, Any]:
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, **({"params": params} if params else {})})
    response = await http.post(url, content=body, headers=JSON)
    assert response.headers["content-type"] == "application/json"
    answer = response.json()
    assert (answer["jsonrpc"], answer["id"]) == ("2.0", 1)
    return response.status_code, answer.get("result") or answer.get("error") or {}


async def test_bare_calls_need_nothing_but_a_content_type(http: httpx2.AsyncClient, http_url: str) -> None:
    _, listing = await bare(http, http_url, "tools/list")
    assert listing["tools"][0]["name"] == "list_rows"
    _, rows = await bare(http, http_url, "tools/call", name="list_rows", arguments={"prefix": "줄", "limit": 1})
    assert rows["structuredContent"]["rows"] == [{"number": 0, "text": "줄0"}]
    _, read = await bare(http, http_url, "resources/read", uri="test://row/4")
    assert read["contents"][0]["text"] == "row 4"
    assert (await bare(http, http_url, "resources/list"))[1]["resources"]
    assert (await bare(http, http_url, "resources/templates/list"))[1]["resourceTemplates"]
    assert (await bare(http, http_url, "prompts/list"))[1]["prompts"]
    _, prompt = await bare(http, http_url, "prompts/get", name="explain", arguments={"topic": "tea"})
    assert prompt["messages"]
    reference, argument = {"type": "ref/prompt", "name": "explain"}, {"name": "topic", "value": "topic7"}
    _, completed = await bare(http, http_url, "completion/complete", ref=reference, argument=argument)
    assert completed["completion"]["total"] == 11
    assert (await bare(http, http_url, "server/discover"))[1]["supportedVersions"] == ["2026-07-28"]
    assert (await bare(http, http_url, "ping")) == (200, {})


async def test_a_bare_call_that_asks_for_progress_still_gets_plain_json(
    http: httpx2.AsyncClient, http_url: str
) -> None:
    status, result = await bare(http, http_url, "tools/call", name="count_down", _meta={"progressToken": 1})
    assert (status, result["structuredContent"]) == (200, {"text": "done"})


@pytest.mark.parametrize("max_chars", [1_000, 2_000])
async def test_a_response_with_all_that_is_around_the_result_is_within_max_chars(
    http: httpx2.AsyncClient, http_url: str, max_chars: int
) -> None:
    arguments = {"prefix": "줄", "limit": 1000, "max_chars": max_chars}
    params = {"name": "list_rows", "arguments": arguments}
    body = {"jsonrpc": "2.0", "id": "00000000-0000-4000-8000-000000000000", "method": "tools/call", "params": params}
    response = await http.post(http_url, content=json.dumps(body), headers=JSON)
    answer = response.json()
    assert answer["result"]["structuredContent"]["truncated"]
    assert max_chars - 100 < len(json.dumps(answer, ensure_ascii=False, separators=(",", ":"))) <= max_chars


@pytest.mark.parametrize(
    ("method", "params", "code"),
    [
        ("tools/call", {"name": "nothing"}, -32602),
        ("tools/call", {"name": "이름"}, -32602),
        ("tools/call", {}, -32602),
        ("tools/call", {"name": 5}, -32602),
        ("resources/read", {"uri": ["test://row/4"]}, -32602),
        ("tools/call", {"name": "list_rows", "arguments": [1]}, -32602),
        ("resources/read", {"uri": "test://nothing"}, -32602),
        ("prompts/get", {"name": "explain"}, -32602),
        ("nothing/at-all", {}, -32601),
    ],
)
async def test_bare_calls_get_the_errors_of_the_protocol(
    http: httpx2.AsyncClient, http_url: str, method: str, params: dict[str, object], code: int
) -> None:
    _, error = await bare(http, http_url, method, **params)
    assert error["code"] == code


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{not json", 400, -32700),
        (b"", 400, -32700),
        (b"[" * 100_000, 400, -32700),
        (b'{"jsonrpc":"2.0","id":1,"method":"\xff"}', 400, -32700),
        (b'{"jsonrpc":"2.0","id":1,"method":"x","params":{"a":"\\ud800"}}', 400, -32700),
        (b'{"jsonrpc":"2.0","id":1,"method":"x","params":{"a":NaN}}', 400, -32700),
        (b'[{"jsonrpc":"2.0","id":1,"method":"tools/list"}]', 400, -32600),
        (b"[]", 400, -32600),
        (b"7", 400, -32600),
        (b'{"id":1,"method":"tools/list"}', 400, -32600),
        (b'{"jsonrpc":"2.0","id":{},"method":"tools/list"}', 400, -32600),
        (b'{"jsonrpc":"2.0","id":1,"method":"x","params":"' + b"x" * 5_000_000 + b'"}', 413, -32600),
    ],
    ids=lambda value: value[:40] if isinstance(value, bytes) else None,
)
@pytest.mark.parametrize("version", [None, "2025-11-25", "2026-07-28"])
async def test_what_is_no_request_is_refused_in_json_on_every_wire(
    http: httpx2.AsyncClient, http_url: str, body: bytes, status: int, code: int, version: str | None
) -> None:
    headers = JSON if version is None else {**JSON, "MCP-Protocol-Version": version}
    response = await http.post(http_url, content=body, headers=headers)
    assert (response.status_code, response.json()["error"]["code"]) == (status, code)


async def test_another_content_type_is_refused(http: httpx2.AsyncClient, http_url: str) -> None:
    response = await http.post(http_url, content=b"{}", headers={"Content-Type": "text/plain"})
    assert (response.status_code, response.json()["error"]["code"]) == (415, -32600)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 421),
        ({"Host": "127.0.0.1.evil.example:80"}, 421),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "http://localhost.evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://localhost:3000"}, 200),
        ({"Host": "localhost"}, 200),
    ],
)
async def test_only_the_loopback_interface_is_a_host_or_origin(
    http: httpx2.AsyncClient, http_url: str, headers: dict[str, str], status: int
) -> None:
    body = b'{"jsonrpc":"2.0","id":1,"method":"tools/list"}'
    answer = await http.post(http_url, content=body, headers={**JSON, **headers})
    assert answer.status_code == status
    if status != 200:  # an operator who reaches the server by another name is told what to set
        assert ("http.allowed_hosts" if status == 421 else "http.allowed_origins") in answer.json()["error"]["message"]


async def test_a_header_value_may_have_white_space_around_it(http: httpx2.AsyncClient, http_url: str) -> None:
    meta = {"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}}
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"_meta": meta}})
    split = httpx2.URL(http_url)
    head = (
        f"POST /mcp HTTP/1.1\r\nHost: {split.netloc.decode()}\r\nContent-Type: application/json\r\n"
        f"Accept: application/json, text/event-stream\r\nMCP-Protocol-Version:\t2026-07-28 \r\n"
        f"Mcp-Method:  tools/list \r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    async with await anyio.connect_tcp("127.0.0.1", split.port or 0) as stream:
        await stream.send((head + body).encode())
        answer = b"".join([chunk async for chunk in stream])
    assert answer.startswith(b"HTTP/1.1 200")


async def test_health_tells_name_and_version(http: httpx2.AsyncClient, http_url: str) -> None:
    response = await http.get(http_url.removesuffix("/mcp") + "/health")
    assert response.json() == {"status": "ok", "name": "tester", "version": "1.2.3"}


async def test_closing_the_connection_cancels_a_bare_call() -> None:
    waiting = Waiting()
    async with served(waiting) as url, httpx2.AsyncClient() as http, anyio.create_task_group() as tasks:
        body = b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"wait"}}'
        tasks.start_soon(lambda: http.post(f"{url}/mcp", content=body, headers=JSON))
        await waiting.started.wait()
        tasks.cancel_scope.cancel()
    assert waiting.cancelled.is_set()


@pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])
async def test_giving_up_a_call_cancels_its_handler(mode: Any) -> None:
    waiting = Waiting()
    async with served(waiting) as url, Client(f"{url}/mcp", mode=mode) as client:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(client.call_tool, "wait", {})
            await waiting.started.wait()
            tasks.cancel_scope.cancel()
        with anyio.fail_after(5):
            await waiting.cancelled.wait()


async def test_what_is_wrong_makes_it_not_ready_without_saying_too_much() -> None:
    async def damaged() -> Outcome:
        raise Fault(ErrorCode.STORAGE_DAMAGED, "/home/ana/archive.db is damaged.")

    async def broken() -> Outcome:
        raise RuntimeError("swordfish")

    async def stale() -> Outcome:
        return Outcome(Status.DEGRADED, "no mail comes in", "from mail.acme.example")

    checks = [Check("database", damaged), Check("disk", broken), Check("sources", stale)]
    async with served(Waiting(), HttpState(Health(checks))) as url, httpx2.AsyncClient() as http:
        answer = await http.get(f"{url}/ready")
        assert (await http.get(f"{url}/health")).json()["status"] == "ok"
    assert answer.status_code == 503
    found = answer.json()
    assert found["status"] == "unhealthy"
    assert found["checks"]["database"]["status"] == "unhealthy"
    assert found["checks"]["database"]["detail"] == "STORAGE_DAMAGED"
    assert re.fullmatch("error id [0-9a-f]+", found["checks"]["disk"]["detail"])
    assert 0 <= found["checks"]["sources"].pop("seconds") < 2
    assert found["checks"]["sources"] == {"status": "degraded", "detail": "no mail comes in"}
    for private in ("swordfish", "/home/ana", "acme"):
        assert private not in answer.text


async def test_open_sessions_are_counted() -> None:
    state = HttpState()
    hello = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
    body = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello}
    headers = {"Accept": "application/json, text/event-stream"}
    async with served(Waiting(), state) as url, httpx2.AsyncClient(headers=headers) as http:
        assert state.sessions() == 0
        opened = await http.post(f"{url}/mcp", json=body)
        assert state.sessions() == 1
        await http.delete(f"{url}/mcp", headers={"Mcp-Session-Id": opened.headers["mcp-session-id"]})
        assert state.sessions() == 0


async def test_what_is_degraded_is_ready_and_what_drains_is_not() -> None:
    async def stale() -> Outcome:
        return Outcome(Status.DEGRADED, "no mail comes in")

    state = HttpState(Health([Check("sources", stale)]))
    async with served(Waiting(), state) as url, httpx2.AsyncClient() as http:
        answer = await http.get(f"{url}/ready")
        assert (answer.status_code, answer.json()["status"]) == (200, "degraded")
        state.drain()
        answer = await http.get(f"{url}/ready")
        assert (answer.status_code, answer.json()["checks"]["server"]["status"]) == (503, "unhealthy")
        assert (await http.get(f"{url}/health")).status_code == 200


async def test_a_port_in_use_is_an_error_that_names_the_option(http_url: str) -> None:
    port = httpx2.URL(http_url).port
    assert port is not None
    server = build_server(build_catalogue(), build_pipeline(LocalUser("tester"), LogAudit()))
    with pytest.raises(Fault, match="--port") as caught:
        await run_http(server, HttpSettings(port=port))
    assert caught.value.code is ErrorCode.CONFIGURATION


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_the_server_cleanly(number: signal.Signals) -> None:
    process = await anyio.open_process(
        [sys.executable, str(HERE / "http_server.py"), "0"], stderr=subprocess.DEVNULL, env=server_environment()
    )
    async with process:
        assert process.stdout is not None
        await process.stdout.receive()
        process.send_signal(number)
        with anyio.fail_after(10):
            assert await process.wait() == 0


async def test_a_stream_is_opened_whatever_the_last_event_was(http_url: str) -> None:
    """No events are kept, and a client that resumes one is given the next ones."""
    hello = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello})
    accepting = {"Accept": "application/json, text/event-stream"}
    async with httpx2.AsyncClient(headers=accepting) as http:
        opened = await http.post(http_url, content=body, headers=JSON)
        session = {"Mcp-Session-Id": opened.headers["mcp-session-id"], "MCP-Protocol-Version": "2025-11-25"}
        resuming = {**session, "Last-Event-ID": "an-event-of-long-ago"}
        async with http.stream("GET", http_url, headers=resuming) as stream:
            assert stream.status_code == 200
            assert stream.headers["content-type"].startswith("text/event-stream")


async def test_every_answer_names_its_request_and_takes_no_name_from_the_client(
    http: httpx2.AsyncClient, http_url: str
) -> None:
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    answers = [await http.post(http_url, json=body, headers={"X-Request-ID": "mine"}) for _ in range(2)]
    answers.append(await http.post(http_url, content=b"{", headers=JSON))
    answers.append(await http.get(http_url.replace("/mcp", "/nothing")))
    ids = [answer.headers["x-request-id"] for answer in answers]
    assert len(set(ids)) == 4
    assert all(re.fullmatch("[0-9a-f]{16}", request_id) for request_id in ids)
