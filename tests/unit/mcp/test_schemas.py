"""The declared interface of every tool, as clients see it, against what it was.

After a change that is meant: MAILQUERY_UPDATE_SNAPSHOTS=1 pytest tests/unit/mcp/test_schemas.py
"""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from mailquery.tools import TOOLS
from mcpkit.protocol.declarations import UntrustedResult
from mcpkit.protocol.descriptions import described_prompt, described_resource, described_template, described_tool
from support.archives import Archive
from support.calling import Caller

SNAPSHOTS = Path(__file__).parent / "snapshots"


def compare(name: str, declared: Any) -> None:
    path = SNAPSHOTS / f"{name}.json"
    text = json.dumps(declared, indent=1, ensure_ascii=False) + "\n"
    if os.environ.get("MAILQUERY_UPDATE_SNAPSHOTS"):
        path.write_text(text, encoding="utf-8")
    assert path.exists(), f"no snapshot of {name}: set MAILQUERY_UPDATE_SNAPSHOTS=1 to write it"
    assert text == path.read_text(encoding="utf-8"), f"{name} changed; MAILQUERY_UPDATE_SNAPSHOTS=1 if that is meant"


@pytest.mark.parametrize("name", TOOLS)
async def test_a_tool_is_declared_as_before(caller: Caller, name: str) -> None:
    (tool,) = [each for each in caller.offered.tools if each.name == name]
    compare(name, described_tool(tool).model_dump(mode="json", by_alias=True, exclude_none=True))


async def test_resources_prompts_and_instructions_are_declared_as_before(caller: Caller) -> None:
    offered = caller.offered
    described = [
        *(described_template(each) if each.is_template else described_resource(each) for each in offered.resources),
        *(described_prompt(each) for each in offered.prompts),
    ]
    compare(
        "server",
        {
            "instructions": offered.instructions,
            "offered": [each.model_dump(mode="json", by_alias=True, exclude_none=True) for each in described],
            "completions": [[each.reference, each.argument] for each in offered.completions],
        },
    )


async def test_every_tool_is_offered_and_fully_described(caller: Caller) -> None:
    assert tuple(tool.name for tool in caller.offered.tools) == TOOLS
    for tool in caller.offered.tools:
        described = described_tool(tool)
        assert described.input_schema["additionalProperties"] is False
        assert "max_chars" in described.input_schema["properties"]
        for argument in described.input_schema["properties"].values():
            assert argument["description"]
        assert described.output_schema is not None
        assert described.output_schema["type"] == "object"
        annotations = described.annotations
        assert annotations is not None
        assert annotations.read_only_hint is (tool.name not in ("set_default", "sync_account"))
        assert annotations.destructive_hint is False
        assert annotations.idempotent_hint is True
        assert annotations.open_world_hint is (tool.name == "sync_account")


async def test_what_every_session_pays_for_stays_small(caller: Caller) -> None:
    inputs = [(tool.name, tool.description, described_tool(tool).input_schema) for tool in caller.offered.tools]
    assert len(json.dumps(inputs)) < 16_000
    assert len(caller.offered.instructions) < 2_000


async def test_every_reference_of_a_completion_exists(archive: Archive, caller: Caller) -> None:
    arguments = {(prompt.name, argument.name) for prompt in caller.offered.prompts for argument in prompt.arguments}
    assert {(each.reference, each.argument) for each in caller.offered.completions} <= arguments


async def test_what_shows_mail_is_declared_untrusted_and_what_writes_sensitive(caller: Caller) -> None:
    names_of_the_owners = {"list_accounts", "list_mailboxes", "sync_account", "sync_status"}
    for tool in caller.offered.tools:
        shows_mail = issubclass(tool.result, UntrustedResult) and tool.name not in names_of_the_owners
        assert tool.untrusted is shows_mail, tool.name
        assert tool.sensitive or tool.read_only, tool.name
