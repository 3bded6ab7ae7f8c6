"""What is under way in a session, as the SDK's own transport has it."""

import math
from collections.abc import AsyncIterator

import anyio
import pytest
from mcp.server.streamable_http import StreamableHTTPServerTransport

from mcpkit.transport.http.open_sessions import OpenSession

IDLE_SECONDS = 60.0


class Running:
    def __init__(self) -> None:
        self.told: list[str] = []

    def cancel(self) -> None:
        self.told.append("cancelled")

    def end(self) -> None:
        self.told.append("ended")


@pytest.fixture
async def transport() -> AsyncIterator[StreamableHTTPServerTransport]:
    transport = StreamableHTTPServerTransport("abc", idle_timeout=IDLE_SECONDS)
    async with transport.connect():
        yield transport


async def test_a_session_is_not_idle_while_a_call_runs(transport: StreamableHTTPServerTransport) -> None:
    session, idle = OpenSession(transport), transport.idle_scope
    assert idle is not None
    session.begin_call(1, Running())
    session.begin_call(2, Running())
    session.finish_call(1)
    assert idle.deadline == math.inf
    before = anyio.current_time()
    session.finish_call(2)
    assert before + IDLE_SECONDS <= idle.deadline <= anyio.current_time() + IDLE_SECONDS


async def test_a_request_of_the_sdk_keeps_a_session_beside_its_calls(transport: StreamableHTTPServerTransport) -> None:
    session, idle = OpenSession(transport), transport.idle_scope
    assert idle is not None
    transport._requests_in_flight += 1
    session.begin_call(1, Running())
    session.finish_call(1)
    assert idle.deadline == math.inf


async def test_a_session_that_ends_is_live_no_more(transport: StreamableHTTPServerTransport) -> None:
    session = OpenSession(transport)
    assert session.is_live
    await transport.terminate()
    assert not session.is_live


async def test_a_session_that_was_idle_for_too_long_is_live_no_more(transport: StreamableHTTPServerTransport) -> None:
    session, idle = OpenSession(transport), transport.idle_scope
    assert idle is not None
    idle.cancel()
    assert not session.is_live


@pytest.mark.parametrize(("one", "same"), [(7, "7"), ("7", 7), ("07", 7), ("a", "a")])
async def test_ids_that_the_sdk_takes_for_one_are_one(
    transport: StreamableHTTPServerTransport, one: str | int, same: str | int
) -> None:
    session, call = OpenSession(transport), Running()
    session.begin_call(one, call)
    assert session.is_under_way(same)
    session.cancel("other")
    assert call.told == []
    session.cancel(same)
    session.end()
    assert call.told == ["cancelled", "ended"]
    session.finish_call(one)
    assert not session.is_under_way(same)
    session.cancel(same)
    session.end()
    assert call.told == ["cancelled", "ended"]
