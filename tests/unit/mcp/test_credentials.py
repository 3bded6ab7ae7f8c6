"""No tool takes a credential, and none shows one."""

import re
from typing import Any

import pytest

from mailquery.tools import TOOLS
from mcpkit.protocol.descriptions import described_prompt, described_tool
from support.calling import Caller

# `include_secrets` is whether codes in mail are shown, and names no credential.
CREDENTIAL = re.compile(
    r"(^|_)(pass(word|wd|phrase)|secret|token|credentials?|(api|master|private)_key|pin|username|login)$"
)


def names(schema: Any) -> set[str]:
    """Of every property, at any depth."""
    if isinstance(schema, list):
        return {name for each in schema for name in names(each)}
    if not isinstance(schema, dict):
        return set()
    own = schema.get("properties")
    found = set(own) if isinstance(own, dict) else set()
    return found | {name for each in schema.values() for name in names(each)}


@pytest.mark.parametrize("name", TOOLS)
async def test_no_tool_takes_or_shows_a_credential(caller: Caller, name: str) -> None:
    (tool,) = [each for each in caller.offered.tools if each.name == name]
    described = described_tool(tool).model_dump(mode="json", by_alias=True)
    for part in ("inputSchema", "outputSchema"):
        found = names(described[part])
        assert found
        assert not [each for each in found if CREDENTIAL.search(each)]


async def test_no_prompt_asks_for_one(caller: Caller) -> None:
    asked = [argument.name for each in caller.offered.prompts for argument in described_prompt(each).arguments or ()]
    assert asked
    assert not [each for each in asked if CREDENTIAL.search(each)]
