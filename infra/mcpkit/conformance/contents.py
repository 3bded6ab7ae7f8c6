"""Tools, resources and prompts of the suite that give fixed contents. Their names and texts are the suite's."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
from mcp.server.context import ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp_types import (
    MISSING_REQUIRED_CLIENT_CAPABILITY,
    AudioContent,
    BlobResourceContents,
    CallToolRequestParams,
    CallToolResult,
    EmbeddedResource,
    GetPromptResult,
    ImageContent,
    InputRequiredResult,
    PromptMessage,
    TextContent,
    TextResourceContents,
)

Context = ServerRequestContext[Any, Any]
Answer = CallToolResult | InputRequiredResult
ToolBody = Callable[[Context, CallToolRequestParams], Awaitable[Answer]]

# The smallest PNG (one pixel) and WAV (two samples of silence), in Base64.
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg=="
WAV = "UklGRigAAABXQVZFZm10IBAAAAABAAEAQB8AAIA+AAACABAAZGF0YQQAAAAAAAAA"

TEXTS = {
    "test://static-text": "This is the content of the static text resource.",
    "test://watched-resource": "Watched resource content",
}


def text(value: str) -> TextContent:
    return TextContent(type="text", text=value)


def said(value: str, *, is_error: bool = False) -> CallToolResult:
    return CallToolResult(content=[text(value)], is_error=is_error)


def resource(uri: str, mime_type: str, value: str) -> EmbeddedResource:
    return EmbeddedResource(type="resource", resource=TextResourceContents(uri=uri, mime_type=mime_type, text=value))


def image() -> ImageContent:
    return ImageContent(type="image", data=PNG, mime_type="image/png")


def read(uri: str) -> TextResourceContents | BlobResourceContents | None:
    """The contents of a resource of the suite."""
    if uri in TEXTS:
        return TextResourceContents(uri=uri, mime_type="text/plain", text=TEXTS[uri])
    if uri == "test://static-binary":
        return BlobResourceContents(uri=uri, mime_type="image/png", blob=PNG)
    identifier = uri.removeprefix("test://template/").removesuffix("/data")
    if uri == f"test://template/{identifier}/data":
        data = {"id": identifier, "templateTest": True, "data": f"Data for ID: {identifier}"}
        return TextResourceContents(uri=uri, mime_type="application/json", text=json.dumps(data))
    return None


def prompt(name: str, arguments: dict[str, str]) -> GetPromptResult | None:
    """The messages of a prompt of the suite."""
    contents: list[TextContent | EmbeddedResource | ImageContent]
    match name:
        case "test_simple_prompt":
            contents = [text("This is a simple prompt for testing.")]
        case "test_prompt_with_arguments":
            first, second = arguments.get("arg1", ""), arguments.get("arg2", "")
            contents = [text(f"Prompt with arguments: arg1='{first}', arg2='{second}'")]
        case "test_prompt_with_embedded_resource":
            uri = arguments.get("resourceUri", "")
            contents = [
                resource(uri, "text/plain", "Embedded resource content for testing."),
                text("Please process the embedded resource above."),
            ]
        case "test_prompt_with_image":
            contents = [image(), text("Please analyze the image above.")]
        case _:
            return None
    return GetPromptResult(messages=[PromptMessage(role="user", content=content) for content in contents])


async def simple_text(context: Context, params: CallToolRequestParams) -> Answer:
    return said("This is a simple text response for testing.")


async def image_content(context: Context, params: CallToolRequestParams) -> Answer:
    return CallToolResult(content=[image()])


async def audio_content(context: Context, params: CallToolRequestParams) -> Answer:
    return CallToolResult(content=[AudioContent(type="audio", data=WAV, mime_type="audio/wav")])


async def embedded_resource(context: Context, params: CallToolRequestParams) -> Answer:
    value = "This is an embedded resource content."
    return CallToolResult(content=[resource("test://embedded-resource", "text/plain", value)])


async def mixed_content(context: Context, params: CallToolRequestParams) -> Answer:
    data = resource("test://mixed-content-resource", "application/json", '{"test":"data","value":123}')
    return CallToolResult(content=[text("Multiple content types test:"), image(), data])


async def error(context: Context, params: CallToolRequestParams) -> Answer:
    return said("This tool intentionally returns an error for testing", is_error=True)


async def progress(context: Context, params: CallToolRequestParams) -> Answer:
    for step in (0, 50, 100):
        await context.session.report_progress(step, 100, f"Completed step {step} of 100")
        await anyio.sleep(0.02)
    return said("Reported progress")


async def logging(context: Context, params: CallToolRequestParams) -> Answer:
    for message in ("Tool execution started", "Tool processing data", "Tool execution completed"):
        await context.session.send_log_message("info", message, related_request_id=context.request_id)
        await anyio.sleep(0.02)
    return said("Tool with logging executed successfully")


async def missing_capability(context: Context, params: CallToolRequestParams) -> Answer:
    capabilities = context.session.client_capabilities
    if capabilities is None or capabilities.sampling is None:
        raise MCPError(
            MISSING_REQUIRED_CLIENT_CAPABILITY,
            "This tool requires the client capability 'sampling'",
            {"requiredCapabilities": {"sampling": {}}},
        )
    return said("The client has the capability.")


async def echo_header(context: Context, params: CallToolRequestParams) -> Answer:
    return said(f"region={(params.arguments or {}).get('region', '')}")


TOOLS: dict[str, ToolBody] = {
    "test_simple_text": simple_text,
    "test_image_content": image_content,
    "test_audio_content": audio_content,
    "test_embedded_resource": embedded_resource,
    "test_multiple_content_types": mixed_content,
    "test_error_handling": error,
    "test_tool_with_progress": progress,
    "test_tool_with_logging": logging,
    "test_logging_tool": logging,
    "test_missing_capability": missing_capability,
    "test_x_mcp_header": echo_header,
    "json_schema_2020_12_tool": simple_text,
}
