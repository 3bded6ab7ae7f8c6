"""The ids of sessions where there are several workers."""

import pytest
from starlette.types import Message, Receive, Scope, Send

from mcpkit.transport.sessions import OWNER_IS_GONE, NameSessions, worker_of


@pytest.mark.parametrize(
    ("head", "worker"),
    [
        (b"POST /mcp HTTP/1.1\r\nHost: a\r\nMcp-Session-Id: 3.abc\r\n", 3),
        (b"POST /mcp HTTP/1.1\r\nMCP-SESSION-ID:12.abc\r\n", 12),
        (b"POST /mcp HTTP/1.1\r\nmcp-session-id: \t0.abc\r\n", 0),
        (b"POST /mcp HTTP/1.1\r\nMcp-Session-Id: abc\r\n", None),
        (b"POST /mcp HTTP/1.1\r\nMcp-Session-Id: 12345.abc\r\n", None),
        (b"POST /mcp HTTP/1.1\r\nX-Mcp-Session-Id: 3.abc\r\n", None),
        (b"POST /mcp HTTP/1.1\r\nHost: a\r\n", None),
    ],
)
def test_a_head_says_which_worker_has_its_session(head: bytes, worker: int | None) -> None:
    assert worker_of(head) == worker


class Sessions:
    """Answers with the session id that it was given, as the SDK knows it."""

    def __init__(self) -> None:
        self.asked: list[bytes | None] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        given = dict(scope["headers"]).get(b"mcp-session-id")
        self.asked.append(given)
        headers = [(b"mcp-session-id", given or b"new"), (b"x", b"new")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b""})


async def exchange(session: bytes | None, **state: bool) -> tuple[bytes | None, int, bytes | None]:
    """What the sessions were asked for, the status, and the id that the client gets."""
    sessions, sent = Sessions(), list[Message]()

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        raise AssertionError

    headers = [] if session is None else [(b"mcp-session-id", session)]
    scope: Scope = {"type": "http", "method": "POST", "path": "/mcp", "headers": headers, "state": state}
    await NameSessions(sessions, 1)(scope, receive, send)
    asked = sessions.asked[0] if sessions.asked else None
    return asked, sent[0]["status"], dict(sent[0]["headers"]).get(b"mcp-session-id")


async def test_the_number_is_put_in_and_taken_out() -> None:
    assert await exchange(None) == (None, 200, b"1.new")
    assert await exchange(b"1.abc") == (b"abc", 200, b"1.abc")


async def test_another_workers_session_is_never_said_to_be_unknown_while_it_may_live() -> None:
    assert await exchange(b"2.abc") == (None, 503, None)
    asked, _, _ = await exchange(b"2.abc", **{OWNER_IS_GONE: True})
    assert asked == b"abc"
