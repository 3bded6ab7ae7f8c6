"""What a caller over HTTP, and the log, are told of an error that nobody expected."""

import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mcpkit.transport.http.containing import ContainHttpErrors

SECRET = "hunter2-the-secret"
SCOPE: Scope = {"type": "http", "method": "POST", "path": "/mcp", "headers": []}


async def sent_by(app: ASGIApp, *arriving: Message) -> list[Message]:
    """The messages that a server would be given of a request that arrives so."""
    sent: list[Message] = []
    inbox = list(arriving)

    async def receive() -> Message:
        return inbox.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    await ContainHttpErrors(app)(SCOPE, receive, send)
    return sent


def answer_in(sent: list[Message]) -> tuple[int, Any]:
    return sent[0]["status"], json.loads(sent[1]["body"])


async def raising(scope: Scope, receive: Receive, send: Send) -> None:
    raise RuntimeError(SECRET)


async def silent(scope: Scope, receive: Receive, send: Send) -> None:
    return


@pytest.mark.parametrize("app", [raising, silent, PlainTextResponse(SECRET, 500)])
async def test_an_error_and_a_missing_answer_are_told_by_the_id_under_which_the_log_has_them(
    app: Callable[[Scope, Receive, Send], Awaitable[None]], caplog: pytest.LogCaptureFixture
) -> None:
    status, answer = answer_in(await sent_by(app))
    assert status == 500
    assert (answer["jsonrpc"], answer["error"]["code"]) == ("2.0", -32603)
    assert SECRET not in json.dumps(answer)
    (record,) = caplog.records
    assert answer["error"]["data"]["details"]["error_id"] == vars(record)["error_id"]
    assert record.exc_info is not None


async def test_an_answer_that_has_begun_is_not_begun_again(caplog: pytest.LogCaptureFixture) -> None:
    async def breaking_off(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise RuntimeError(SECRET)

    sent = await sent_by(breaking_off)
    assert [message["type"] for message in sent] == ["http.response.start"]
    assert len(caplog.records) == 1


async def test_an_ordinary_answer_passes() -> None:
    sent = await sent_by(PlainTextResponse("hello", 404))
    assert (sent[0]["status"], sent[1]["body"]) == (404, b"hello")


@pytest.mark.parametrize("reads_as_request", [True, False])
async def test_a_client_that_goes_away_is_no_error(reads_as_request: bool, caplog: pytest.LogCaptureFixture) -> None:
    async def reading(scope: Scope, receive: Receive, send: Send) -> None:
        if reads_as_request:
            await Request(scope, receive).body()
        else:
            while (await receive())["type"] != "http.disconnect":
                pass

    half = {"type": "http.request", "body": b"{", "more_body": True}
    with caplog.at_level(logging.DEBUG):
        assert await sent_by(reading, half, {"type": "http.disconnect"}) == []
    assert caplog.records == []
