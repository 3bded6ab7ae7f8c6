"""No argument of anything that is offered can say who calls."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from mcpkit.errors import ErrorCode, Fault
from mcpkit.protocol.declarations import Prompt, Tool
from mcpkit.protocol.schemas import input_schema
from mcpkit.protocol.uris import find_resource
from support.archives import Archive, Mail
from support.calling import Caller

# `from`, `to` and `subject` are of mail; these would be of callers.
_NAMES_A_CALLER = re.compile(
    r"(?i)^(as_|on_behalf|x_)|user|principal|caller|identity|tenant|owner|impersonat|login|credential|token|api_?key"
    r"|authoriz|scope|session|client|permission|role"
)
CLAIMED = (
    "user",
    "user_id",
    "username",
    "principal",
    "as_user",
    "on_behalf_of",
    "scopes",
    "accounts",
    "_meta",
    "token",
)


def properties(schema: object) -> Iterator[str]:
    """The names of properties anywhere in a schema."""
    if isinstance(schema, dict):
        found = schema.get("properties")
        if isinstance(found, dict):
            yield from found
        for part in schema.values():
            yield from properties(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from properties(part)


async def test_no_argument_names_a_caller(caller: Caller) -> None:
    offered = caller.offered
    names = {f"{tool.name}.{name}" for tool in offered.tools for name in properties(input_schema(tool.arguments))}
    names |= {f"{prompt.name}.{argument.name}" for prompt in offered.prompts for argument in prompt.arguments}
    names |= {f"{each.name}.{name}" for each in offered.resources for name in re.findall(r"{(\w+)}", each.uri)}
    names |= {f"{each.reference}.{each.argument}" for each in offered.completions}
    assert len(names) > 40
    assert [name for name in names if _NAMES_A_CALLER.search(name.rpartition(".")[2])] == []


@pytest.mark.parametrize("claimed", CLAIMED)
async def test_every_tool_and_prompt_refuses_an_argument_that_claims_to_be_somebody(
    caller: Caller, claimed: str
) -> None:
    offered: list[tuple[str, Tool[Any, Any] | Prompt]] = [("tool", tool) for tool in caller.offered.tools]
    offered += [("prompt", prompt) for prompt in caller.offered.prompts]
    for kind, declared in offered:
        with pytest.raises(Fault) as refused:
            await caller.run(kind, declared.name, {claimed: "ben"}, declared)
        assert refused.value.code is ErrorCode.VALIDATION_ERROR, declared.name
    assert {record.user for record in caller.audit.records} == {"ana"}


async def test_an_id_in_anothers_account_is_answered_as_one_that_does_not_exist(archive: Archive) -> None:
    (own, others) = await archive.add(Mail(account="home"), Mail(account="work", subject="Theirs"))
    caller = Caller(archive.services, accounts=frozenset({"home"}))
    nothing = others[:-1] + ("a" if others[-1] != "a" else "b")
    thread = f"t{others[1:]}"
    for tool, id, unknown in (
        ("read_message", others, nothing),
        ("read_thread", others, nothing),
        ("find_similar", others, nothing),
        ("read_thread", thread, f"t{nothing[1:]}"),
    ):
        hidden, absent = [await refusal(caller, tool, each) for each in (id, unknown)]
        assert hidden.code is absent.code is ErrorCode.NOT_FOUND, tool
        assert hidden.message.replace(id, "?") == absent.message.replace(unknown, "?")
    assert (await caller.tool("read_message", id=own))["id"] == own
    for uri in (f"mail://message/{others}", f"mail://thread/{thread}"):
        declared = find_resource(caller.offered.resources, uri)
        assert declared is not None
        with pytest.raises(Fault) as refused:
            await caller.run("resource", uri, {}, declared)
        assert refused.value.code is ErrorCode.NOT_FOUND


async def refusal(caller: Caller, tool: str, id: str) -> Fault:
    with pytest.raises(Fault) as refused:
        await caller.tool(tool, id=id)
    return refused.value
