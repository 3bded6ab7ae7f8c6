"""What the official client gets, in both eras and over each transport."""

import base64
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped] # has no stubs
from mcp.client import Client
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    BlobResourceContents,
    EmbeddedResource,
    PromptReference,
    ResourceLink,
    ResourceTemplateReference,
    TextContent,
    TextResourceContents,
)

from contract.catalogue import SECRET


async def test_the_server_tells_what_it_is_and_how_to_use_it(client: Client) -> None:
    assert client.instructions == "Ask list_rows first."
    assert (await client.call_tool("who_calls", {})).structured_content


async def test_tools_are_listed_with_schemas_and_all_annotations(client: Client) -> None:
    tools = {tool.name: tool for tool in (await client.list_tools()).tools}
    assert next(iter(tools)) == "list_rows"
    rows = tools["list_rows"]
    assert rows.title == "List rows"
    assert rows.input_schema["additionalProperties"] is False
    assert rows.input_schema["properties"]["from"] == {"description": "Where to start.", "type": "string"}
    assert rows.output_schema is not None
    assert rows.output_schema["type"] == "object"
    assert rows.annotations is not None
    assert rows.annotations.model_dump() == {
        "title": "List rows",
        "read_only_hint": True,
        "destructive_hint": False,
        "idempotent_hint": True,
        "open_world_hint": False,
    }


async def test_a_call_gives_structure_text_and_links(client: Client) -> None:
    result = await client.call_tool("list_rows", {"prefix": "줄", "limit": 2})
    assert result.structured_content == {
        "rows": [{"number": 0, "text": "줄0"}, {"number": 1, "text": "줄1"}],
        "total": 2,
    }
    text, *links = result.content
    assert isinstance(text, TextContent)
    assert text.text == "0: 줄0\n1: 줄1"
    assert [link.uri for link in links if isinstance(link, ResourceLink)] == ["test://row/0", "test://row/1"]


async def test_a_call_can_carry_a_resource(client: Client) -> None:
    result = await client.call_tool("attach", {"text": "here"})
    block = result.content[1]
    assert isinstance(block, EmbeddedResource)
    assert isinstance(block.resource, BlobResourceContents)
    assert base64.b64decode(block.resource.blob) == b"\x00\xff"


async def test_a_long_answer_is_cut_to_the_callers_limit(client: Client) -> None:
    result = await client.call_tool("list_rows", {"prefix": "x", "limit": 1000, "max_chars": 2000})
    assert len(result.model_dump_json(by_alias=True, exclude_none=True)) <= 2000
    assert result.structured_content["truncated"]["omitted"] == 1000 - len(result.structured_content["rows"])


BAD_CALLS: dict[str, tuple[dict[str, Any], str]] = {
    "unknown argument": ({"prefix": "a", "limt": 3}, "`limt` is not an argument of list_rows, did you mean `limit`?"),
    "missing argument": ({}, "`prefix` is required."),
    "wrong type": ({"prefix": "swordfish", "limit": "7"}, "`limit` must be an integer from 1 to 1000."),
    "out of range": ({"prefix": "a", "limit": 0}, "`limit` must be an integer from 1 to 1000."),
    "not one of": ({"prefix": "a", "order": "swordfish"}, "`order` must be one of `newest`, `oldest`."),
    "too long": ({"prefix": "swordfish" * 9}, "`prefix` must be a string of at most 20 characters."),
    "null": ({"prefix": None}, "`prefix` must be a string of at most 20 characters."),
}


async def test_bad_arguments_are_named_with_what_is_allowed_and_not_repeated(client: Client) -> None:
    for arguments, message in BAD_CALLS.values():
        result = await client.call_tool("list_rows", arguments)
        assert result.is_error
        error = result.structured_content["error"]
        assert (error["code"], error["message"]) == ("VALIDATION_ERROR", message)
        assert "swordfish" not in result.model_dump_json()


async def test_errors_and_results_alike_are_what_the_output_schema_says(client: Client) -> None:
    """Some clients hold the structured content of errors against it as well."""
    schemas = {tool.name: tool.output_schema for tool in (await client.list_tools()).tools}
    for name, arguments in (("list_rows", {"prefix": "a"}), ("list_rows", {}), ("refuse", {}), ("crash", {})):
        schema = schemas[name]
        assert schema is not None
        result = await client.call_tool(name, arguments)
        Draft202012Validator(schema).validate(result.structured_content)
        assert not Draft202012Validator(schema).is_valid({})


async def test_a_fault_of_a_tool_is_an_error_result_that_the_model_sees(client: Client) -> None:
    result = await client.call_tool("refuse", {})
    assert result.is_error
    assert result.structured_content["error"]["number"] == 3001
    assert isinstance(result.content[0], TextContent)
    assert result.content[0].text == "NOT_FOUND: There is no such row."


async def test_an_unexpected_error_tells_an_id_and_nothing_else(client: Client) -> None:
    result = await client.call_tool("crash", {"text": "swordfish"})
    assert result.is_error
    assert result.structured_content["error"]["details"]["error_id"]
    assert SECRET not in result.model_dump_json()
    for attempt in (
        client.read_resource("test://row/crash"),
        client.get_prompt("explain", {"topic": "crash"}),
    ):
        with pytest.raises(MCPError) as caught:
            await attempt
        assert caught.value.error.code == INTERNAL_ERROR
        assert SECRET not in caught.value.error.model_dump_json()


async def test_what_does_not_exist_is_an_invalid_parameter(client: Client) -> None:
    for attempt in (
        client.call_tool("list_row", {}),
        client.get_prompt("explian", {}),
        client.get_prompt("explain", {}),
        client.get_prompt("explain", {"topic": "x", "topik": "y"}),
        client.list_tools(cursor="swordfish"),
        client.complete(PromptReference(name="nothing"), {"name": "topic", "value": ""}),
    ):
        with pytest.raises(MCPError) as caught:
            await attempt
        assert caught.value.error.code == INVALID_PARAMS
        assert "swordfish" not in caught.value.error.model_dump_json()


async def test_resources_are_listed_and_read(client: Client) -> None:
    assert (await client.list_resources()).resources[0].uri == "test://bytes"
    templates = (await client.list_resource_templates()).resource_templates
    assert [template.uri_template for template in templates] == ["test://row/{number}"]
    text = (await client.read_resource("test://row/7")).contents[0]
    assert isinstance(text, TextResourceContents)
    assert text.text == "row 7"
    blob = (await client.read_resource("test://bytes")).contents[0]
    assert isinstance(blob, BlobResourceContents)


async def test_a_resource_that_is_not_there_has_the_code_of_its_era(client: Client) -> None:
    expected = INVALID_PARAMS if client.protocol_version == "2026-07-28" else -32002
    for uri in ("test://nothing", "test://row/none", "test://row/malformed"):
        with pytest.raises(MCPError) as caught:
            await client.read_resource(uri)
        assert caught.value.error.code == expected
        assert caught.value.error.data["uri"] == uri


async def test_prompts_are_listed_and_rendered(client: Client) -> None:
    prompt = (await client.list_prompts()).prompts[0]
    assert prompt.arguments is not None
    assert (prompt.arguments[0].name, prompt.arguments[0].required) == ("topic", True)
    message = (await client.get_prompt("explain", {"topic": "tea"})).messages[0]
    assert isinstance(message.content, TextContent)
    assert message.content.text == "Tell me about tea."


async def test_completions_give_a_hundred_values_at_most(client: Client) -> None:
    reference = PromptReference(name="explain")
    completion = (await client.complete(reference, {"name": "topic", "value": ""})).completion
    assert (len(completion.values), completion.total, completion.has_more) == (100, 250, True)
    completion = (await client.complete(reference, {"name": "topic", "value": "topic24"})).completion
    assert (completion.total, completion.has_more) == (11, False)
    template = ResourceTemplateReference(uri="test://row/{number}")
    assert (await client.complete(template, {"name": "number", "value": ""})).completion.values == []


async def test_progress_reaches_who_asked_for_it(client: Client) -> None:
    steps: list[tuple[float, float | None, str | None]] = []

    async def note(progress: float, total: float | None, message: str | None) -> None:
        steps.append((progress, total, message))

    result = await client.call_tool("count_down", {}, progress_callback=note)
    assert not result.is_error
    assert not (await client.call_tool("count_down", {})).is_error
    assert steps == [(1, 3, "step 1"), (2, 3, "step 2"), (3, 3, "step 3")]
