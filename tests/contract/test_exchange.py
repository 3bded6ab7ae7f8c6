"""A call that gets one answer is answered as the SDK would, whichever way it takes."""

import json
from typing import Any

import anyio
import httpx2
import pytest
from mcp_types import LOG_LEVEL_META_KEY
from starlette.requests import Request

from contract.catalogue import NoArguments, TextResult, Waiting, build_catalogue
from contract.serving import served
from mcpkit.protocol.calls import Call
from mcpkit.protocol.identity import LocalUser
from mcpkit.protocol.pipeline import build_pipeline
from mcpkit.protocol.server import build_server
from mcpkit.security.audit import LogAudit
from mcpkit.transport.http import answers
from mcpkit.transport.http.exchange import Exchange

_ENVELOPE: dict[str, Any] = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
}
_HEADERS = {
    "content-type": "application/json",
    "accept": "application/json, text/event-stream",
    "mcp-protocol-version": "2026-07-28",
    "mcp-method": "tools/call",
}
_STREAMED = {"progressToken": "p1"}  # with this among its `_meta`, a call goes to the SDK


def message(tool: str, arguments: object, **meta: object) -> dict[str, Any]:
    params = {"name": tool, "arguments": arguments, "_meta": {**_ENVELOPE, **meta}}
    return {"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": params}


async def post(http: httpx2.AsyncClient, url: str, tool: str, arguments: object, **meta: object) -> httpx2.Response:
    body = json.dumps(message(tool, arguments, **meta))
    return await http.post(url, content=body, headers={**_HEADERS, "mcp-name": tool})


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("list_rows", {"prefix": "ä", "limit": 2}),
        ("list_rows", {"prefix": "x", "limit": 0}),
        ("list_rows", {"prefix": "x", "max_chars": 700, "limit": 900}),
        ("list_rows", {"unknown": 1}),
        ("fail", {"code": "NOT_FOUND"}),
        ("attach", {"text": "x"}),
        ("wait", [1]),
        ("nothing of the kind", {}),
    ],
)
async def test_both_ways_give_the_same(http_url: str, tool: str, arguments: object) -> None:
    async with httpx2.AsyncClient() as http:
        ours = await post(http, http_url, tool, arguments)
        theirs = await post(http, http_url, tool, arguments, **_STREAMED)
    assert ours.json() == theirs.json()
    assert ours.text.count('"resultType"') == theirs.text.count('"resultType"')  # and each member once
    assert (ours.status_code, ours.headers["content-type"]) == (theirs.status_code, theirs.headers["content-type"])


@pytest.mark.parametrize(
    "meta",
    [
        {"io.modelcontextprotocol/clientInfo": {"name": "c", "version": "1"}},
        {"io.modelcontextprotocol/clientInfo": {"name": "c"}},
        {"io.modelcontextprotocol/clientInfo": "c"},
        {"io.modelcontextprotocol/clientCapabilities": {"elicitation": {}}},
        {"io.modelcontextprotocol/clientCapabilities": {"elicitation": {"form": 1}}},
        {"io.modelcontextprotocol/clientCapabilities": None},
        {"io.modelcontextprotocol/protocolVersion": "2025-11-25"},
        {"io.modelcontextprotocol/of-another-day": 1},
        {"traceparent": 1, "example.com/own": {"x": [1]}},
    ],
)
async def test_whatever_a_client_says_of_itself_both_ways_answer_the_same(http_url: str, meta: dict[str, Any]) -> None:
    async with httpx2.AsyncClient() as http:
        ours = await post(http, http_url, "list_rows", {"prefix": "x", "limit": 1}, **meta)
        theirs = await post(http, http_url, "list_rows", {"prefix": "x", "limit": 1}, **meta, **_STREAMED)
    assert (ours.status_code, ours.json()) == (theirs.status_code, theirs.json())


class Slow(Waiting):
    """Answers once it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.may_end = anyio.Event()

    async def __call__(self, call: Call, arguments: NoArguments) -> TextResult:
        self.started.set()
        await self.may_end.wait()
        return TextResult(text="at last")


async def test_a_long_call_shows_signs_of_life_before_its_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "SIGN_OF_LIFE", 0.01)
    slow = Slow()
    async with served(slow) as url, httpx2.AsyncClient() as http:
        body = json.dumps(message("wait", {}))
        headers = {**_HEADERS, "mcp-name": "wait"}
        async with http.stream("POST", f"{url}/mcp", content=body, headers=headers) as response:
            assert response.headers["content-type"] == "text/event-stream"
            lines = response.aiter_lines()
            assert await anext(lines) == ": ping"
            slow.may_end.set()
            (data,) = [line async for line in lines if line.startswith("data: ")]
    answer = json.loads(data.removeprefix("data: "))
    assert (answer["id"], answer["result"]["structuredContent"]) == (7, {"text": "at last"})


def _with_params(sent: dict[str, Any], **params: object) -> dict[str, Any]:
    return {**sent, "params": {**sent["params"], **params}}


def _taken(sent: object, **headers: str) -> object:
    server = build_server(build_catalogue(), build_pipeline(LocalUser("tester"), LogAudit()))
    fields = {**_HEADERS, "mcp-name": "list_rows", **headers}
    scope = {"type": "http", "headers": [(name.encode(), value.encode()) for name, value in fields.items() if value]}
    return Exchange(server).call_of(Request(scope), sent)


def test_what_gets_one_answer_is_taken() -> None:
    assert _taken(message("list_rows", {})) is not None


@pytest.mark.parametrize(
    ("sent", "headers"),
    [
        (message("list_rows", {}, **_STREAMED), {}),
        (message("list_rows", {}, **{LOG_LEVEL_META_KEY: "debug"}), {}),
        (message("list_rows", {}), {"mcp-param-region": "eu"}),
        (message("list_rows", {}), {"accept": "application/json"}),
        (message("list_rows", {}), {"mcp-protocol-version": "2025-11-25"}),
        (message("list_rows", {}), {"mcp-name": "wait"}),
        (message("a tool of somebody else's", {}), {"mcp-name": "a tool of somebody else's"}),
        ({**message("list_rows", {}), "method": "prompts/get"}, {"mcp-method": "prompts/get"}),
        ({"jsonrpc": "2.0", "method": "tools/call", "params": message("list_rows", {})["params"]}, {}),
        ({**message("list_rows", {}), "id": True}, {}),
        ({**message("list_rows", {}), "id": None}, {}),
        ({**message("list_rows", {}), "jsonrpc": "1.0"}, {}),
        ({**message("list_rows", {}), "other": 1}, {}),
        (message("list_rows", None), {}),
        (_with_params(message("list_rows", {}), requestState="s"), {}),
        (_with_params(message("list_rows", {}), inputResponses={}), {}),
        (message("list_rows", {}, **{"io.modelcontextprotocol/clientInfo": {"name": 1}}), {}),
        (message("list_rows", {}, **{"io.modelcontextprotocol/clientInfo": {"name": "n" * 5_000, "version": ""}}), {}),
        ([message("list_rows", {})], {}),
        ("text", {}),
    ],
)  # fmt: skip
def test_what_may_be_told_things_or_is_not_in_order_is_left_to_the_sdk(sent: object, headers: dict[str, str]) -> None:
    assert _taken(sent, **{name.replace("_", "-"): value for name, value in headers.items()}) is None
