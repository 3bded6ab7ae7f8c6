"""Tools of the suite that ask the client something: by requests of their own in the handshake era, and by
`InputRequiredResult` since 2026-07-28 (SEP-2322)."""

import json
from typing import Any

from mcp_types import (
    CallToolRequestParams,
    CreateMessageRequest,
    CreateMessageRequestParams,
    ElicitRequest,
    ElicitRequestFormParams,
    GetPromptRequestParams,
    GetPromptResult,
    InputRequest,
    InputRequiredResult,
    ListRootsRequest,
    PromptMessage,
    SamplingMessage,
)

from mcpkit.conformance.contents import Answer, Context, ToolBody, said, text

Params = CallToolRequestParams | GetPromptRequestParams

_DEFAULTS: dict[str, Any] = {
    "name": {"type": "string", "default": "John Doe"},
    "age": {"type": "integer", "default": 30},
    "score": {"type": "number", "default": 95.5},
    "status": {"type": "string", "enum": ["active", "inactive", "pending"], "default": "active"},
    "verified": {"type": "boolean", "default": True},
}


def _titled(**titles: str) -> list[dict[str, str]]:
    return [{"const": value, "title": title} for value, title in titles.items()]


_ENUMS: dict[str, Any] = {
    "untitledSingle": {"type": "string", "enum": ["option1", "option2", "option3"]},
    "titledSingle": {"type": "string", "oneOf": _titled(value1="First", value2="Second", value3="Third")},
    "legacyEnum": {"type": "string", "enum": ["opt1", "opt2", "opt3"], "enumNames": ["One", "Two", "Three"]},
    "untitledMulti": {"type": "array", "items": {"type": "string", "enum": ["option1", "option2", "option3"]}},
    "titledMulti": {"type": "array", "items": {"anyOf": _titled(value1="First", value2="Second", value3="Third")}},
}


def form(message: str, required: str, kind: str = "string") -> ElicitRequest:
    schema = {"type": "object", "properties": {required: {"type": kind}}, "required": [required]}
    return ElicitRequest(params=ElicitRequestFormParams(message=message, requested_schema=schema))


def sample(prompt: str) -> CreateMessageRequest:
    messages = [SamplingMessage(role="user", content=text(prompt))]
    return CreateMessageRequest(params=CreateMessageRequestParams(messages=messages, max_tokens=100))


def answered(params: Params, name: str) -> dict[str, Any] | None:
    """What the client answered to one request."""
    response = (params.input_responses or {}).get(name)
    return None if response is None else response.model_dump(by_alias=True, mode="json")


async def sampling(context: Context, params: CallToolRequestParams) -> Answer:
    messages = [SamplingMessage(role="user", content=text(str((params.arguments or {}).get("prompt", ""))))]
    result = await context.session.create_message(
        messages=messages, max_tokens=100, related_request_id=context.request_id
    )
    return said(f"LLM response: {getattr(result.content, 'text', '')}")


async def _elicit(context: Context, message: str, properties: dict[str, Any], required: list[str]) -> str:
    schema = {"type": "object", "properties": properties, "required": required}
    result = await context.session.elicit_form(message, schema, related_request_id=context.request_id)
    return f"action={result.action}, content={json.dumps(result.content or {})}"


async def elicitation(context: Context, params: CallToolRequestParams) -> Answer:
    message = str((params.arguments or {}).get("message", ""))
    properties = {"username": {"type": "string"}, "email": {"type": "string"}}
    return said(f"User response: {await _elicit(context, message, properties, list(properties))}")


async def defaults(context: Context, params: CallToolRequestParams) -> Answer:
    return said(f"Elicitation completed: {await _elicit(context, 'Please review', _DEFAULTS, [])}")


async def enums(context: Context, params: CallToolRequestParams) -> Answer:
    return said(f"Elicitation completed: {await _elicit(context, 'Please select', _ENUMS, [])}")


async def ask_name(context: Context, params: CallToolRequestParams) -> Answer:
    if (answer := answered(params, "user_name")) is not None:
        return said(f"Hello, {(answer.get('content') or {}).get('name', 'stranger')}!")
    return InputRequiredResult(input_requests={"user_name": form("What is your name?", "name")})


async def ask_name_on_a_stream(context: Context, params: CallToolRequestParams) -> Answer:
    await context.session.report_progress(1, 2, "Asking")
    return await ask_name(context, params)


async def ask_model(context: Context, params: CallToolRequestParams) -> Answer:
    if (answer := answered(params, "capital_question")) is not None:
        return said(f"Model said: {json.dumps(answer.get('content'))}")
    return InputRequiredResult(input_requests={"capital_question": sample("What is the capital of France?")})


async def ask_roots(context: Context, params: CallToolRequestParams) -> Answer:
    if (answer := answered(params, "client_roots")) is not None:
        return said(f"Client exposed {len(answer.get('roots', []))} roots.")
    return InputRequiredResult(input_requests={"client_roots": ListRootsRequest()})


async def ask_with_state(context: Context, params: CallToolRequestParams) -> Answer:
    if answered(params, "confirm") is not None and params.request_state == "asked":
        return said("state-ok: confirmation received")
    return InputRequiredResult(
        input_requests={"confirm": form("Please confirm", "ok", "boolean")}, request_state="asked"
    )


async def ask_all(context: Context, params: CallToolRequestParams) -> Answer:
    requests: dict[str, InputRequest] = {
        "user_name": form("What is your name?", "name"),
        "greeting": sample("Generate a greeting"),
        "client_roots": ListRootsRequest(),
    }
    if requests.keys() <= (params.input_responses or {}).keys():
        return said("All inputs received.")
    return InputRequiredResult(input_requests=requests, request_state="asked-all")


async def ask_twice(context: Context, params: CallToolRequestParams) -> Answer:
    state = json.loads(params.request_state) if params.request_state else {}
    first, second = answered(params, "step1"), answered(params, "step2")
    if state.get("round") == 1 and first is not None:
        name = (first.get("content") or {}).get("name")
        return InputRequiredResult(
            input_requests={"step2": form("Step 2: What is your favorite color?", "color")},
            request_state=json.dumps({"round": 2, "name": name}),
        )
    if state.get("round") == 2 and second is not None:
        return said(f"{state.get('name')} likes {(second.get('content') or {}).get('color')}.")
    return InputRequiredResult(
        input_requests={"step1": form("Step 1: What is your name?", "name")}, request_state=json.dumps({"round": 1})
    )


async def ask_within_capabilities(context: Context, params: CallToolRequestParams) -> Answer:
    capabilities = context.session.client_capabilities
    requests: dict[str, InputRequest] = {}
    if capabilities is not None and capabilities.sampling is not None:
        requests["sample"] = sample("Say hello")
    if capabilities is not None and capabilities.elicitation is not None:
        requests["ask"] = form("What is your name?", "name")
    return InputRequiredResult(input_requests=requests, request_state="gated")


async def asking_prompt(context: Context, params: GetPromptRequestParams) -> GetPromptResult | InputRequiredResult:
    if (answer := answered(params, "user_context")) is not None:
        said_context = (answer.get("content") or {}).get("context")
        message = PromptMessage(role="user", content=text(f"Use the following context: {said_context}"))
        return GetPromptResult(messages=[message])
    return InputRequiredResult(input_requests={"user_context": form("What context should the prompt use?", "context")})


TOOLS: dict[str, ToolBody] = {
    "test_sampling": sampling,
    "test_elicitation": elicitation,
    "test_elicitation_sep1034_defaults": defaults,
    "test_elicitation_sep1330_enums": enums,
    "test_input_required_result_elicitation": ask_name,
    "test_streaming_elicitation": ask_name_on_a_stream,
    "test_input_required_result_sampling": ask_model,
    "test_input_required_result_list_roots": ask_roots,
    "test_input_required_result_request_state": ask_with_state,
    "test_input_required_result_tampered_state": ask_with_state,
    "test_input_required_result_multiple_inputs": ask_all,
    "test_input_required_result_multi_round": ask_twice,
    "test_input_required_result_capabilities": ask_within_capabilities,
}
