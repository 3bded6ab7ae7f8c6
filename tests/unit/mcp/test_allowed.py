from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from mailquery.mcp.allowed import AllowedTools
from mailquery.mcp.catalogue import catalogue
from mailquery.tools import TOOLS
from mcpkit.errors import ErrorCode, Fault
from mcpkit.protocol.declarations import Catalogue, Declaration
from mcpkit.protocol.parameters import ParameterResolver, StoredParameters
from mcpkit.security.control import open_control
from mcpkit.security.identity import Principal
from support.archives import Archive

ANA = Principal("ana")


@pytest.fixture
async def offered(archive: Archive, tmp_path: Path) -> AsyncIterator[Catalogue]:
    async with await open_control(tmp_path / "control.db") as control:
        yield catalogue(archive.services, ParameterResolver(StoredParameters(control), {}, "MAILQUERY_"))


def data_of(offered: Catalogue) -> Sequence[Declaration]:
    return (*offered.tools, *offered.resources, *offered.completions)


async def test_the_names_are_those_of_the_catalogue(offered: Catalogue) -> None:
    assert tuple(tool.name for tool in offered.tools) == TOOLS


async def test_without_a_list_everything_is_allowed(offered: Catalogue) -> None:
    assert all(AllowedTools()(ANA, each) for each in (*data_of(offered), *offered.prompts))


async def test_each_resource_and_completion_belongs_to_a_tool(offered: Catalogue) -> None:
    assert all(AllowedTools(TOOLS)(ANA, each) for each in data_of(offered))
    assert not any(AllowedTools([])(ANA, each) for each in data_of(offered))


async def test_what_gives_the_same_as_a_tool_goes_with_it(offered: Catalogue) -> None:
    allowed = AllowedTools(["read_message", "find_people"])
    assert [tool.name for tool in offered.tools if allowed(ANA, tool)] == ["read_message", "find_people"]
    assert [each.name for each in offered.resources if allowed(ANA, each)] == ["message"]
    assert {each.argument for each in offered.completions if allowed(ANA, each)} == {"person"}
    assert all(allowed(ANA, prompt) for prompt in offered.prompts)


async def test_a_name_that_no_tool_has_is_refused_and_changes_nothing(offered: Catalogue) -> None:
    allowed = AllowedTools(["find_people"])
    with pytest.raises(Fault, match="did you mean search_messages") as caught:
        allowed.replace(["serch_messages"])
    assert caught.value.code is ErrorCode.CONFIGURATION
    assert [tool.name for tool in offered.tools if allowed(ANA, tool)] == ["find_people"]
