"""What the operator's policy does not allow is listed to nobody, and answers as unknown."""

from collections.abc import AsyncIterator

import pytest
from mcp.client import Client
from mcp.shared.exceptions import MCPError

from contract.catalogue import build_catalogue
from mcpkit.protocol.declarations import Declaration, Prompt, Resource, Tool
from mcpkit.protocol.identity import LocalUser
from mcpkit.protocol.pipeline import build_pipeline
from mcpkit.protocol.server import build_server
from mcpkit.security.audit import LogAudit
from mcpkit.security.identity import Principal

CATALOGUE = build_catalogue()
FIRST = CATALOGUE.tools[0].name


def only_the_first_tool(principal: Principal, declaration: Declaration) -> bool:
    match declaration:
        case Tool(name=name):
            return name == FIRST
        case Resource() | Prompt():
            return False
        case _:
            return True


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    pipeline = build_pipeline(LocalUser("ana"), LogAudit(), allowed=only_the_first_tool)
    async with Client(build_server(CATALOGUE, pipeline)) as opened:
        yield opened


async def error_of(attempt: object) -> tuple[int, str, object]:
    with pytest.raises(MCPError) as caught:
        await attempt  # type: ignore[misc] # an awaitable of the client
    error = caught.value.error
    return error.code, error.message, error.data


async def test_it_is_not_listed(client: Client) -> None:
    assert [tool.name for tool in (await client.list_tools()).tools] == [FIRST]
    assert (await client.list_resources()).resources == []
    assert (await client.list_resource_templates()).resource_templates == []
    assert (await client.list_prompts()).prompts == []


async def test_it_answers_as_what_does_not_exist(client: Client) -> None:
    for tool in CATALOGUE.tools[1:]:
        # Whether the arguments are right or wrong.
        for arguments in ({}, {"nonsense": 1}):
            assert await error_of(client.call_tool(tool.name, arguments)) == await error_of(
                client.call_tool("q" * 30, arguments)
            )
    hidden = await error_of(client.read_resource("test://bytes"))
    assert hidden[:2] == (await error_of(client.read_resource("test://qqqqq")))[:2]
    assert await error_of(client.get_prompt("explain")) == await error_of(client.get_prompt("q" * 30))
