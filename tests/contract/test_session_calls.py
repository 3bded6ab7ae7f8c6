"""Calls in sessions of the handshake era: answered as the SDK would, and by a document where nothing is said before."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import anyio
import httpx2
import pytest
from mcp.client import Client
from mcp_types import ElicitRequestParams, ElicitResult
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS

from contract.catalogue import NoArguments, TextResult, Waiting
from contract.serving import served
from mcpkit.protocol.calls import Call, Form
from mcpkit.transport.http import answers
from mcpkit.transport.http.state import HttpState

_INITIALIZED = {"jsonrpc": "2.0", "method": "notifications/initialized"}
_FORM = Form("May I?", "answer", "Answer", ("yes", "no"))


def request(method: str, number: str | int = 7, **params: object) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": params}


def call(tool: str, number: str | int = 7, arguments: object | None = None, **meta: object) -> dict[str, Any]:
    more = {"_meta": meta} if meta else {}
    return request("tools/call", number, name=tool, arguments={} if arguments is None else arguments, **more)


def cancelled(number: str | int) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": number}}


@dataclass(slots=True)
class Session:
    """Of a client that speaks HTTP by hand. One that did not say that it is initialized is served by the SDK alone."""

    http: httpx2.AsyncClient
    url: str
    headers: dict[str, str]

    async def post(self, message: object, **headers: str) -> httpx2.Response:
        return await self.http.post(self.url, json=message, headers={**self.headers, **headers})

    async def delete(self) -> httpx2.Response:
        return await self.http.delete(self.url, headers=self.headers)

    async def initialized(self) -> None:
        assert (await self.post(_INITIALIZED)).status_code == 202
        with anyio.fail_after(10):  # it is answered before it is looked at
            while (await self.post(call("who_calls", 0))).headers["content-type"] != "application/json":
                pass


async def begin(
    http: httpx2.AsyncClient, url: str, version: str = "2025-11-25", *, initialized: bool = True, **capabilities: object
) -> Session:
    client = {"name": "by hand", "version": "1"}
    hello = request("initialize", 0, protocolVersion=version, capabilities=capabilities, clientInfo=client)
    opened = await http.post(url, json=hello)
    named = {"Mcp-Session-Id": opened.headers["mcp-session-id"], "MCP-Protocol-Version": version}
    session = Session(http, url, named)
    if initialized:
        await session.initialized()
    return session


@asynccontextmanager
async def client() -> AsyncIterator[httpx2.AsyncClient]:
    headers = {"Accept": "application/json, text/event-stream"}
    async with httpx2.AsyncClient(headers=headers, timeout=20) as http:
        yield http


@pytest.fixture(scope="module")
async def http() -> AsyncIterator[httpx2.AsyncClient]:
    async with client() as made:
        yield made


def events(stream: str) -> list[dict[str, Any]]:
    return [json.loads(line.removeprefix("data: ")) for line in stream.splitlines() if line.startswith("data: ")]


class Slow(Waiting):
    """Answers once it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.may_end = anyio.Event()

    async def __call__(self, call: Call, arguments: NoArguments) -> TextResult:
        self.started.set()
        try:
            await self.may_end.wait()
        except anyio.get_cancelled_exc_class():
            self.cancelled.set()
            raise
        return TextResult(text="at last")


class Asks(Waiting):
    """Asks the person twice, and says what they answered."""

    async def __call__(self, call: Call, arguments: NoArguments) -> TextResult:
        if call.asking.ask is None:
            return TextResult(text="nobody to ask")
        self.started.set()
        try:
            heard = [await call.asking.ask(_FORM), await call.asking.ask(_FORM)]
        except anyio.get_cancelled_exc_class():
            self.cancelled.set()
            raise
        return TextResult(text=" ".join(f"{each.action} {each.chosen(_FORM)}" for each in heard))


class Chatty(Waiting):
    """Says something when it is cancelled, before it ends."""

    async def __call__(self, call: Call, arguments: NoArguments) -> TextResult:
        self.started.set()
        try:
            await anyio.sleep_forever()
        finally:
            with anyio.CancelScope(shield=True):
                await call.report(1, None, "nearly")
        raise AssertionError


@pytest.mark.parametrize("version", HANDSHAKE_PROTOCOL_VERSIONS)
@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("list_rows", {"prefix": "ä", "limit": 2}),
        ("list_rows", {"prefix": "x", "max_chars": 700, "limit": 900}),
        ("list_rows", {"unknown": 1}),
        ("who_calls", {}),
        ("count_down", {}),
        ("refuse", {}),
        ("fail", {"code": "NOT_FOUND"}),
        ("attach", {"text": "x"}),
        ("who_calls", [1]),
        ("nothing of the kind", {}),
    ],
)
async def test_both_ways_give_the_same(
    http: httpx2.AsyncClient, http_url: str, version: str, tool: str, arguments: object
) -> None:
    ours = await begin(http, http_url, version)
    theirs = await begin(http, http_url, version, initialized=False)
    for number in (7, "seven"):
        streamed = await theirs.post(call(tool, number, arguments))
        assert streamed.headers["content-type"].startswith("text/event-stream")
        answered = await ours.post(call(tool, number, arguments))
        is_taken = isinstance(arguments, dict) and tool != "nothing of the kind"
        found = [answered.json()] if is_taken else events(answered.text)
        assert found == events(streamed.text)
        assert found[0]["id"] == number
        assert (answered.status_code, streamed.status_code) == (200, 200)
        assert answered.headers["mcp-session-id"] == ours.headers["Mcp-Session-Id"]


async def test_progress_that_is_asked_for_comes_before_the_answer(http: httpx2.AsyncClient, http_url: str) -> None:
    session = await begin(http, http_url)
    theirs = await begin(http, http_url, initialized=False)
    for token in ("p", 3):
        answered = await session.post(call("count_down", progressToken=token))
        assert answered.headers["content-type"] == "text/event-stream"
        *said, last = events(answered.text)
        assert [each["params"]["progress"] for each in said] == [1, 2, 3]
        assert {each["params"]["progressToken"] for each in said} == {token}
        assert last["result"]["structuredContent"] == {"text": "done"}
        assert events(answered.text) == events((await theirs.post(call("count_down", progressToken=token))).text)
    quiet = await session.post(call("who_calls", progressToken=1))
    assert quiet.headers["content-type"] == "application/json"


@pytest.mark.parametrize("token", [True, None, 1.5, {}])
async def test_a_token_that_is_none_is_refused_by_the_sdk(
    http: httpx2.AsyncClient, http_url: str, token: object
) -> None:
    session = await begin(http, http_url)
    (refused,) = events((await session.post(call("who_calls", progressToken=token))).text)
    theirs = await begin(http, http_url, initialized=False)
    assert [refused] == events((await theirs.post(call("who_calls", progressToken=token))).text)


async def test_a_question_opens_the_stream_and_its_answer_comes_by_another_request() -> None:
    async with served(Asks()) as url, client() as http:
        session = await begin(http, f"{url}/mcp", elicitation={})
        async with http.stream("POST", session.url, json=call("wait"), headers=session.headers) as stream:
            assert stream.headers["content-type"] == "text/event-stream"
            lines = (line async for line in stream.aiter_lines() if line.startswith("data: "))
            for answer in ("yes", "no"):
                asked = json.loads((await anext(lines)).removeprefix("data: "))
                assert (asked["method"], asked["params"]["message"]) == ("elicitation/create", "May I?")
                result = {"action": "accept", "content": {"answer": answer}}
                answered = await session.post({"jsonrpc": "2.0", "id": asked["id"], "result": result})
                assert answered.status_code == 202
            last = json.loads((await anext(lines)).removeprefix("data: "))
        assert last["result"]["structuredContent"] == {"text": "accept yes accept no"}
        answered = await session.post(call("who_calls"))  # and nothing of it is left behind
        assert answered.json()["result"]["structuredContent"]


async def test_who_cannot_be_asked_is_not() -> None:
    async with served(Asks()) as url, client() as http:
        session = await begin(http, f"{url}/mcp")
        answered = await session.post(call("wait"))
        assert answered.json()["result"]["structuredContent"] == {"text": "nobody to ask"}


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_the_official_client_calls_is_asked_and_gives_up(mode: Any) -> None:
    asks = Asks()

    async def answer(context: Any, params: ElicitRequestParams) -> ElicitResult:
        return ElicitResult(action="accept", content={"answer": "yes"})

    async with served(asks) as url, Client(f"{url}/mcp", mode=mode, elicitation_callback=answer) as connected:
        for _ in range(3):
            result = await connected.call_tool("wait", {})
            expected = "accept yes accept yes" if mode == "legacy" else "nobody to ask"  # by ending the call, only
            assert result.structured_content == {"text": expected}
        said: list[float] = []

        async def heard(progress: float, total: float | None, message: str | None) -> None:
            said.append(progress)

        assert (await connected.call_tool("count_down", {}, progress_callback=heard)).structured_content
        assert said == [1, 2, 3]


@pytest.mark.parametrize("number", [7, "7", "seven"])
async def test_a_call_is_cancelled_by_its_client(number: str | int) -> None:
    slow = Slow()
    async with served(slow) as url, client() as http:
        session = await begin(http, f"{url}/mcp")
        lasting = asyncio.create_task(session.post(call("wait", number)))
        await slow.started.wait()
        assert (await session.post(cancelled(8))).status_code == 202
        for _ in range(2):
            assert (await session.post(cancelled(number))).status_code == 202
        (answered,) = events((await lasting).text)
        assert (answered["id"], answered["error"]) == (number, {"code": -32800, "message": "Request cancelled"})
        assert slow.cancelled.is_set()
        assert (await session.post(call("who_calls", number))).json()["result"]  # its id is free again


async def test_a_question_is_withdrawn_when_its_call_is_cancelled() -> None:
    asks = Asks()
    async with served(asks) as url, client() as http:
        session = await begin(http, f"{url}/mcp", elicitation={})
        lasting = asyncio.create_task(session.post(call("wait")))
        await asks.started.wait()
        assert (await session.post(cancelled(7))).status_code == 202
        said = events((await lasting).text)
        assert [each.get("method") for each in said] == ["elicitation/create", "notifications/cancelled", None]
        assert said[1]["params"]["requestId"] == said[0]["id"]
        assert said[2]["error"]["code"] == -32800
        assert asks.cancelled.is_set()


async def test_nobody_cancels_a_call_of_another_session() -> None:
    slow = Slow()
    async with served(slow) as url, client() as http:
        session, other = await begin(http, f"{url}/mcp"), await begin(http, f"{url}/mcp")
        lasting = asyncio.create_task(session.post(call("wait")))
        await slow.started.wait()
        assert (await other.post(cancelled(7))).status_code == 202
        assert (await other.post(call("who_calls"))).json()["result"]  # and ids of one are free in another
        slow.may_end.set()
        assert (await lasting).json()["result"]["structuredContent"] == {"text": "at last"}


async def test_a_client_that_goes_away_cancels_its_call() -> None:
    waiting = Waiting()
    async with served(waiting) as url, client() as http:
        session = await begin(http, f"{url}/mcp")
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(session.post, call("wait"))
            await waiting.started.wait()
            tasks.cancel_scope.cancel()
        with anyio.fail_after(10):
            await waiting.cancelled.wait()
            while (await session.post(call("who_calls"))).status_code != 200:
                pass


async def test_a_session_that_is_ended_takes_its_calls_with_it() -> None:
    waiting, state = Waiting(), HttpState()
    async with served(waiting, state) as url, client() as http:
        session, other = await begin(http, f"{url}/mcp"), await begin(http, f"{url}/mcp")
        lasting = asyncio.create_task(session.post(call("wait")))
        await waiting.started.wait()
        assert (await session.delete()).status_code == 200
        answered = await lasting
        assert (answered.status_code, answered.json()["id"], answered.json()["error"]["code"]) == (404, 7, -32600)
        assert waiting.cancelled.is_set()
        assert (await session.post(call("who_calls"))).status_code == 404
        assert (await other.post(call("who_calls"))).status_code == 200
        assert state.sessions() == 1


async def test_a_session_that_is_ended_takes_its_questions_with_it() -> None:
    asks = Asks()
    async with served(asks) as url, client() as http:
        session = await begin(http, f"{url}/mcp", elicitation={})
        lasting = asyncio.create_task(session.post(call("wait")))
        await asks.started.wait()
        assert (await session.delete()).status_code == 200
        last = events((await lasting).text)[-1]
        assert (last["id"], last["error"]["code"]) == (7, -32600)
        assert asks.cancelled.is_set()


async def test_what_is_said_after_a_session_has_ended_holds_nothing_up() -> None:
    chatty = Chatty()
    async with served(chatty) as url, client() as http:
        session = await begin(http, f"{url}/mcp")
        lasting = asyncio.create_task(session.post(call("wait", progressToken=1)))
        await chatty.started.wait()
        assert (await session.delete()).status_code == 200
        with anyio.fail_after(10):
            answered = await lasting
        assert "-32600" in answered.text


async def test_a_long_call_shows_signs_of_life_before_its_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "SIGN_OF_LIFE", 0.01)
    slow = Slow()
    async with served(slow) as url, client() as http:
        session = await begin(http, f"{url}/mcp")
        async with http.stream("POST", session.url, json=call("wait"), headers=session.headers) as stream:
            assert stream.headers["content-type"] == "text/event-stream"
            assert stream.headers["mcp-session-id"] == session.headers["Mcp-Session-Id"]
            lines = stream.aiter_lines()
            assert await anext(lines) == ": ping"
            slow.may_end.set()
            (answer,) = events("\n".join([line async for line in lines]))
    assert (answer["id"], answer["result"]["structuredContent"]) == (7, {"text": "at last"})


@pytest.mark.parametrize("initialized", [True, False])
@pytest.mark.parametrize("again", [call("who_calls"), call("wait", "7"), request("prompts/list"), request("ping")])
async def test_an_id_that_is_under_way_is_refused_at_once(again: dict[str, Any], initialized: bool) -> None:
    """Whoever serves the first: its stream would be given to the second, and it would never end."""
    slow = Slow()
    async with served(slow) as url, client() as http:
        session = await begin(http, f"{url}/mcp", initialized=initialized)
        lasting = asyncio.create_task(session.post(call("wait")))
        await slow.started.wait()
        refused = await session.post(again)
        assert (refused.status_code, refused.json()["error"]["code"]) == (400, -32600)
        assert refused.json()["id"] == again["id"]
        assert (await session.post(call("who_calls", 8))).status_code == 200
        slow.may_end.set()
        assert "at last" in (await lasting).text
        assert (await session.post(again)).status_code == 200  # once it has its answer


async def test_many_requests_of_one_id_at_once_all_end() -> None:
    slow = Slow()
    async with served(slow) as url, client() as http:
        for initialized in (True, False):
            session = await begin(http, f"{url}/mcp", initialized=initialized)
            async with asyncio.TaskGroup() as tasks:
                posted = [tasks.create_task(session.post(call("who_calls"))) for _ in range(20)]
            statuses = {task.result().status_code for task in posted}
            assert statuses <= {200, 400}
            assert 200 in statuses


async def test_a_request_cannot_take_the_place_of_the_stream_of_a_session() -> None:
    async with served(Slow()) as url, client() as http:
        session = await begin(http, f"{url}/mcp")
        async with http.stream("GET", session.url, headers=session.headers) as stream:
            assert stream.status_code == 200
            for message in (call("who_calls", "_GET_stream"), request("ping", "_GET_stream")):
                assert (await session.post(message)).status_code == 400
        assert (await session.post(call("who_calls"))).status_code == 200


@pytest.mark.parametrize("number", [[7], {}, True, 1.5, None])
async def test_what_has_no_proper_id_is_a_notification(http: httpx2.AsyncClient, http_url: str, number: object) -> None:
    session = await begin(http, http_url)
    for method in ("tools/call", "ping", "notifications/cancelled"):
        message = {
            "jsonrpc": "2.0",
            "id": number,
            "method": method,
            "params": {"name": "who_calls", "requestId": number},
        }
        assert (await session.post(message)).status_code == 202


async def test_what_the_sdk_refuses_is_refused_still(http: httpx2.AsyncClient, http_url: str) -> None:
    session = await begin(http, http_url)
    assert (await session.post(call("who_calls"), **{"Mcp-Session-Id": "nothing"})).status_code == 404
    assert (await session.post(call("who_calls"), **{"MCP-Protocol-Version": "2024-01-01"})).status_code == 400
    assert (await session.post(call("who_calls"), Accept="application/json")).status_code == 406
    assert (await session.post([call("who_calls")])).status_code == 400
    assert (await session.post([call("who_calls")], **{"MCP-Protocol-Version": "2025-03-26"})).status_code == 400
    unsaid = {name: value for name, value in session.headers.items() if name != "MCP-Protocol-Version"}
    answered = await http.post(http_url, json=call("who_calls"), headers=unsaid)
    assert "at 2025-11-25" in answered.json()["result"]["structuredContent"]["text"]
