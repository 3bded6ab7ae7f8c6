import pytest

from mailquery.mcp.allowed import TOOLS, AllowedTools
from mcpkit.errors import ErrorCode, Fault
from mcpkit.protocol.calls import Principal
from support.calling import Caller

ANA = Principal("ana")


async def test_the_names_are_those_of_the_catalogue(caller: Caller) -> None:
    assert tuple(tool.name for tool in caller.offered.tools) == TOOLS


async def test_without_a_list_everything_is_allowed(caller: Caller) -> None:
    allowed = AllowedTools()
    offered = caller.offered
    assert all(allowed(ANA, each) for each in (*offered.tools, *offered.resources, *offered.completions))


async def test_what_gives_the_same_as_a_tool_goes_with_it(caller: Caller) -> None:
    allowed = AllowedTools(["read_message", "find_people"])
    offered = caller.offered
    assert [tool.name for tool in offered.tools if allowed(ANA, tool)] == ["read_message", "find_people"]
    assert [each.name for each in offered.resources if allowed(ANA, each)] == ["message"]
    assert {each.argument for each in offered.completions if allowed(ANA, each)} == {"person"}
    assert all(allowed(ANA, prompt) for prompt in offered.prompts)


async def test_each_resource_and_completion_belongs_to_a_tool(caller: Caller) -> None:
    allowed = AllowedTools(TOOLS)
    assert all(allowed(ANA, each) for each in (*caller.offered.resources, *caller.offered.completions))


async def test_a_name_that_no_tool_has_is_refused_and_changes_nothing(caller: Caller) -> None:
    allowed = AllowedTools(["find_people"])
    with pytest.raises(Fault, match="did you mean search_messages") as caught:
        allowed.replace(["serch_messages"])
    assert caught.value.code is ErrorCode.CONFIGURATION
    assert [tool.name for tool in caller.offered.tools if allowed(ANA, tool)] == ["find_people"]
