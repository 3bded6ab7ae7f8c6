"""The suite's tools, resources and prompts, put beside those of a server that `build_server` made."""

import secrets
from typing import Any

import mcp_types as types
from mcp.server.lowlevel import Server
from mcp.server.request_state import RequestStateBoundary, RequestStateSecurity
from mcp.server.subscriptions import InMemorySubscriptionBus, ListenHandler, PromptsListChanged, ToolsListChanged
from mcp_types import CallToolRequestParams

from mcpkit.conformance import asking, contents
from mcpkit.conformance.contents import Answer, Context

_ABOUT = "A fixture of the conformance suite."
_STRING = {"type": "string"}
_SCHEMAS: dict[str, dict[str, Any]] = {
    "test_sampling": {"type": "object", "properties": {"prompt": _STRING}, "required": ["prompt"]},
    "test_elicitation": {"type": "object", "properties": {"message": _STRING}, "required": ["message"]},
    "test_x_mcp_header": {"type": "object", "properties": {"region": {"type": "string", "x-mcp-header": "Region"}}},
    "json_schema_2020_12_tool": {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "$defs": {
            "address": {
                "$anchor": "addressDef",
                "type": "object",
                "properties": {"street": _STRING, "city": _STRING},
            }
        },
        "properties": {
            "name": _STRING,
            "address": {"$ref": "#/$defs/address"},
            "contactMethod": {"type": "string", "enum": ["phone", "email"]},
            "phone": _STRING,
            "email": _STRING,
        },
        "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
        "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
        "then": {"required": ["phone"]},
        "else": {"required": ["email"]},
        "additionalProperties": False,
    },
}
_PROMPTS = {
    "test_simple_prompt": (),
    "test_prompt_with_arguments": ("arg1", "arg2"),
    "test_prompt_with_embedded_resource": ("resourceUri",),
    "test_prompt_with_image": (),
    "test_input_required_result_prompt": (),
}


def install_fixtures(server: Server[Any], key: bytes | None = None) -> None:
    """Add everything that the suite calls. For tests only: it lets any client ask for any of it. Processes that answer
    the same client need the same `key`, of 32 bytes."""
    bus = InMemorySubscriptionBus()

    async def change_tools(context: Context, params: CallToolRequestParams) -> Answer:
        await bus.publish(ToolsListChanged())
        return contents.said("tool list changed")

    async def change_prompts(context: Context, params: CallToolRequestParams) -> Answer:
        await bus.publish(PromptsListChanged())
        return contents.said("prompt list changed")

    bodies = {
        **contents.TOOLS,
        **asking.TOOLS,
        "test_trigger_tool_change": change_tools,
        "test_trigger_prompt_change": change_prompts,
    }
    _install_tools(server, bodies)
    _install_resources(server)
    _install_prompts(server)
    server.add_request_handler("subscriptions/listen", types.SubscriptionsListenRequestParams, ListenHandler(bus))
    server.add_request_handler("logging/setLevel", types.SetLevelRequestParams, _accepted)
    server.add_request_handler("resources/subscribe", types.SubscribeRequestParams, _accepted)
    server.add_request_handler("resources/unsubscribe", types.UnsubscribeRequestParams, _accepted)
    state = RequestStateSecurity(keys=[key or secrets.token_bytes(32)])
    server.middleware.append(RequestStateBoundary(state, default_audience=server.name))


async def _accepted(context: Context, params: object) -> types.EmptyResult:
    return types.EmptyResult()


def _own(server: Server[Any], method: str) -> Any:
    entry = server.get_request_handler(method)
    assert entry is not None, f"the server has no {method}"
    return entry.handler


def _install_tools(server: Server[Any], bodies: dict[str, contents.ToolBody]) -> None:
    own_list, own_call, own_schema = (
        _own(server, "tools/list"),
        _own(server, "tools/call"),
        server.get_tool_input_schema,
    )
    fixtures = [
        types.Tool(
            name=name,
            description=_ABOUT,
            input_schema=_SCHEMAS.get(name, {"type": "object", "properties": {}}),
        )
        for name in bodies
    ]

    async def list_tools(context: Context, params: types.PaginatedRequestParams) -> types.ListToolsResult:
        listed: types.ListToolsResult = await own_list(context, params)
        if listed.next_cursor is None:
            listed = listed.model_copy(update={"tools": [*listed.tools, *fixtures]})
        return listed

    async def call_tool(context: Context, params: CallToolRequestParams) -> Any:
        body = bodies.get(params.name)
        return await (own_call if body is None else body)(context, params)

    server.add_request_handler("tools/list", types.PaginatedRequestParams, list_tools)
    server.add_request_handler("tools/call", CallToolRequestParams, call_tool)
    server.get_tool_input_schema = lambda name: _SCHEMAS.get(name) or (own_schema(name) if own_schema else None)


def _install_resources(server: Server[Any]) -> None:
    own_list, own_read = _own(server, "resources/list"), _own(server, "resources/read")
    own_templates = _own(server, "resources/templates/list")
    uris = [*contents.TEXTS, "test://static-binary"]

    async def list_resources(context: Context, params: types.PaginatedRequestParams) -> types.ListResourcesResult:
        listed: types.ListResourcesResult = await own_list(context, params)
        fixtures = [types.Resource(uri=uri, name=uri, mime_type="text/plain") for uri in uris]
        return listed.model_copy(update={"resources": [*listed.resources, *fixtures]})

    async def list_templates(
        context: Context, params: types.PaginatedRequestParams
    ) -> types.ListResourceTemplatesResult:
        listed: types.ListResourceTemplatesResult = await own_templates(context, params)
        fixture = types.ResourceTemplate(uri_template="test://template/{id}/data", name="template")
        return listed.model_copy(update={"resource_templates": [*listed.resource_templates, fixture]})

    async def read_resource(context: Context, params: types.ReadResourceRequestParams) -> types.ReadResourceResult:
        found = contents.read(str(params.uri))
        if found is not None:
            return types.ReadResourceResult(contents=[found])
        result: types.ReadResourceResult = await own_read(context, params)
        return result

    server.add_request_handler("resources/list", types.PaginatedRequestParams, list_resources)
    server.add_request_handler("resources/templates/list", types.PaginatedRequestParams, list_templates)
    server.add_request_handler("resources/read", types.ReadResourceRequestParams, read_resource)


def _install_prompts(server: Server[Any]) -> None:
    own_list, own_get = _own(server, "prompts/list"), _own(server, "prompts/get")
    own_complete = _own(server, "completion/complete")
    fixtures = [
        types.Prompt(
            name=name,
            description=_ABOUT,
            arguments=[types.PromptArgument(name=one, required=True) for one in arguments],
        )
        for name, arguments in _PROMPTS.items()
    ]

    async def list_prompts(context: Context, params: types.PaginatedRequestParams) -> types.ListPromptsResult:
        listed: types.ListPromptsResult = await own_list(context, params)
        return listed.model_copy(update={"prompts": [*listed.prompts, *fixtures]})

    async def get_prompt(context: Context, params: types.GetPromptRequestParams) -> Any:
        if params.name == "test_input_required_result_prompt":
            return await asking.asking_prompt(context, params)
        return contents.prompt(params.name, params.arguments or {}) or await own_get(context, params)

    async def complete(context: Context, params: types.CompleteRequestParams) -> types.CompleteResult:
        if isinstance(params.ref, types.PromptReference) and params.ref.name in _PROMPTS:
            return types.CompleteResult(completion=types.Completion(values=[], total=0, has_more=False))
        result: types.CompleteResult = await own_complete(context, params)
        return result

    server.add_request_handler("prompts/list", types.PaginatedRequestParams, list_prompts)
    server.add_request_handler("prompts/get", types.GetPromptRequestParams, get_prompt)
    server.add_request_handler("completion/complete", types.CompleteRequestParams, complete)
