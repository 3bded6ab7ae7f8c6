"""Every error, of every kind of call, on each transport and in either era of the protocol."""

import re
from pathlib import Path
from typing import Any

import pytest
from mcp.client import Client
from mcp.shared.exceptions import MCPError
from mcp_types import INTERNAL_ERROR, INVALID_PARAMS, PromptReference

from mcpkit.errors import ErrorCode
from mcpkit.protocol.mapping import RESOURCE_NOT_FOUND

CODES = list(ErrorCode)
INVALID = {"VALIDATION_ERROR", "INVALID_FORMAT", "QUERY_SYNTAX", "NOT_FOUND"}
DOCUMENT = Path(__file__).parents[2] / "docs" / "errors.md"


def expected(code: ErrorCode) -> dict[str, Any]:
    return {
        "code": code.name,
        "number": code.number,
        "category": code.category.value,
        "message": f"This is {code.name}.",
        "details": {"asked": code.name},
        "retry_after": 1.5,
    }


def rpc_code(code: ErrorCode) -> int:
    if code is ErrorCode.INTERNAL_ERROR:
        return INTERNAL_ERROR
    return INVALID_PARAMS if code.name in INVALID else code.number


@pytest.mark.parametrize("code", CODES, ids=lambda code: code.name)
async def test_a_tool_fails_with_a_result_that_holds_it_all(client: Client, code: ErrorCode) -> None:
    result = await client.call_tool("fail", {"code": code.name})
    assert result.is_error
    assert result.structured_content == {"error": expected(code)}
    (block,) = result.content
    assert block.type == "text"
    assert block.text == f"{code.name}: This is {code.name}. Retry after 1.5 seconds."


@pytest.mark.parametrize("code", CODES, ids=lambda code: code.name)
async def test_a_prompt_fails_with_a_protocol_error(client: Client, code: ErrorCode) -> None:
    with pytest.raises(MCPError) as caught:
        await client.get_prompt("explain", {"topic": code.name})
    assert (caught.value.error.code, caught.value.error.data) == (rpc_code(code), expected(code))


@pytest.mark.parametrize("code", CODES, ids=lambda code: code.name)
async def test_a_completion_fails_with_a_protocol_error(client: Client, code: ErrorCode) -> None:
    reference = PromptReference(type="ref/prompt", name="explain")
    if code is ErrorCode.FORBIDDEN:  # what may not be known has no values
        assert (await client.complete(reference, {"name": "topic", "value": code.name})).completion.values == []
        return
    with pytest.raises(MCPError) as caught:
        await client.complete(reference, {"name": "topic", "value": code.name})
    assert (caught.value.error.code, caught.value.error.data) == (rpc_code(code), expected(code))


@pytest.mark.parametrize("code", CODES, ids=lambda code: code.name)
async def test_a_resource_fails_with_a_protocol_error(client: Client, code: ErrorCode) -> None:
    uri = f"test://row/{code.name}"
    with pytest.raises(MCPError) as caught:
        await client.read_resource(uri)
    error = caught.value.error
    if code.name in ("NOT_FOUND", "INVALID_FORMAT"):  # there is no such resource for this caller
        is_modern = client.protocol_version >= "2026"
        assert error.code == (INVALID_PARAMS if is_modern else RESOURCE_NOT_FOUND)
        assert error.data["uri"] == uri
    else:
        assert (error.code, error.data) == (rpc_code(code), expected(code))


def test_numbers_are_unique_and_outside_of_what_json_rpc_reserves() -> None:
    numbers = [code.number for code in CODES]
    assert len(set(numbers)) == len(numbers)
    assert not [number for number in numbers if -32768 <= number <= -32000]


def test_every_error_is_documented_with_its_number() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (\d+) \|", DOCUMENT.read_text("utf-8"), re.MULTILINE)
    assert rows == [(code.name, str(code.number)) for code in CODES]
