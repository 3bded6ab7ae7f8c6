"""What somebody without the permission sees of a tool, resource or prompt: nothing."""

from collections.abc import AsyncIterator

import pytest
from mcp.client import Client
from mcp.shared.exceptions import MCPError

from contract.catalogue import build_catalogue
from mcpkit.errors import ErrorCode
from mcpkit.protocol.calls import Call
from mcpkit.protocol.pipeline import build_pipeline
from mcpkit.protocol.server import build_server
from mcpkit.security.audit import LogAudit
from mcpkit.security.identity import Principal
from mcpkit.security.limits.rate_limits import Limits, RateLimits


class Reader:
    async def identify(self, call: Call) -> Principal:
        return Principal(user="reader", scopes=frozenset({"read"}))


@pytest.fixture
async def reader() -> AsyncIterator[Client]:
    server = build_server(build_catalogue(), build_pipeline(Reader(), LogAudit()), page_size=2)
    async with Client(server) as client:
        yield client


async def code_of(attempt: object) -> tuple[int, str]:
    with pytest.raises(MCPError) as caught:
        await attempt  # type: ignore[misc] # an awaitable of the client
    return caught.value.error.code, caught.value.error.message


async def test_pages_hold_what_may_be_seen(reader: Client) -> None:
    names: list[str] = []
    page = await reader.list_tools()
    while True:
        assert len(page.tools) <= 2
        names += [tool.name for tool in page.tools]
        if page.next_cursor is None:
            break
        page = await reader.list_tools(cursor=page.next_cursor)
    assert names == [tool.name for tool in build_catalogue().tools if tool.permission == "read"]
    assert [resource.uri for resource in (await reader.list_resources()).resources] == ["test://bytes"]
    assert [prompt.name for prompt in (await reader.list_prompts()).prompts] == ["explain"]


async def test_what_may_not_be_used_answers_as_unknown(reader: Client) -> None:
    for attempt in (reader.call_tool("erase", {}), reader.get_prompt("erase_all")):
        code, message = await code_of(attempt)
        assert code == -32602
        assert "erase" not in message
    hidden = await code_of(reader.read_resource("test://secret"))
    assert hidden == await code_of(reader.read_resource("test://qqqqq"))


async def test_a_call_of_what_may_not_be_used_counts_too_and_the_limit_tells_nothing_of_it() -> None:
    limits = RateLimits("principal", Limits(requests_per_minute=1, burst=2))
    pipeline = build_pipeline(Reader(), LogAudit(), limits=limits)
    async with Client(build_server(build_catalogue(), pipeline)) as client:
        refused = [(await code_of(client.call_tool(name, {})))[0] for name in ("erase", "qqqqq", "erase", "qqqqq")]
    assert refused == [-32602, -32602, ErrorCode.RATE_LIMITED.number, ErrorCode.RATE_LIMITED.number]


@pytest.mark.parametrize("cursor", ["", "x", "cGFnZTotMQ==", "cGFnZTo5OTk5OQ==", "cGFnZToy\n", "페이지"])
async def test_a_cursor_of_ones_own_is_refused(reader: Client, cursor: str) -> None:
    assert (await code_of(reader.list_tools(cursor=cursor)))[0] == -32602
