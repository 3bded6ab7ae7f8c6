"""The ids of sessions where there are several workers."""

import pytest
from starlette.types import Message, Receive, Scope, Send

from mcpkit.transport.http.sessions import OWNER_IS_GONE, Sessions, owner_of, session_in


@pytest.mark.parametrize(
    ("head", "session"),
    [
        (b"POST /mcp HTTP/1.1\r\nHost: a\r\nMcp-Session-Id: 3.abc\r\n", "3.abc"),
        (b"POST /mcp HTTP/1.1\r\nMCP-SESSION-ID:12.abc\r\n", "12.abc"),
        (b"POST /mcp HTTP/1.1\r\nmcp-session-id: \t0.abc\r\n", "0.abc"),
        (b"POST /mcp HTTP/1.1\r\nX-Mcp-Session-Id: 3.abc\r\n", None),
        (b"POST /mcp HTTP/1.1\r\nHost: a\r\n", None),
    ],
)
def test_a_head_says_which_session_it_is_of(head: bytes, session: str | None) -> None:
    assert session_in(head) == session


def test_each_session_has_a_worker_also_where_another_server_began_it() -> None:
    assert [owner_of(f"{number}.abc", 2) for number in (0, 1, 2, 7)] == [0, 1, 0, 1]
    assert {owner_of(f"abc{number}", 2) for number in range(20)} == {0, 1}
    assert owner_of("99999.abc", 4) == owner_of("99999.abc", 4)


class Known:
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
    sessions, sent = Known(), list[Message]()

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        raise AssertionError

    headers = [] if session is None else [(b"mcp-session-id", session)]
    scope: Scope = {"type": "http", "method": "POST", "path": "/mcp", "headers": headers, "state": state}
    await Sessions(sessions, lambda _: True, number=1, count=3)(scope, receive, send)
    asked = sessions.asked[0] if sessions.asked else None
    return asked, sent[0]["status"], dict(sent[0]["headers"]).get(b"mcp-session-id")


async def test_the_number_is_put_in_and_taken_out() -> None:
    assert await exchange(None) == (None, 200, b"1.new")
    assert await exchange(b"1.abc") == (b"abc", 200, b"1.abc")


async def test_another_workers_session_is_never_said_to_be_unknown_while_it_may_live() -> None:
    assert await exchange(b"2.abc") == (None, 503, None)
    asked, _, _ = await exchange(b"2.abc", **{OWNER_IS_GONE: True})
    assert asked == b"2.abc"
