"""What a handler gave, in the form and the size in which it is sent."""

import base64
from collections.abc import Sequence
from typing import Any

from mcp_types import (
    BlobResourceContents,
    CompleteResult,
    EmbeddedResource,
    GetPromptResult,
    PromptMessage,
    ReadResourceResult,
    TextContent,
    TextResourceContents,
)
from mcp_types import Completion as CompletionValues

from mcpkit.errors import ErrorCode, Fault
from mcpkit.protocol.calls import Call
from mcpkit.protocol.declarations import (
    Completion,
    Embedded,
    Prompt,
    Resource,
    ResourceBytes,
    ResourceText,
    Result,
    Tool,
)
from mcpkit.protocol.stages import SUBSCRIPTION, Proceed, Reply, WireResult
from mcpkit.protocol.stages.drafts import drafted, size_of
from mcpkit.security.untrusted import Fence

MOST_COMPLETIONS = 100  # completion/complete gives no more (all revisions)
# Kept for what goes around a result: resultType, the server's own description, and the JSON-RPC response with its id.
_ENVELOPE = 200


class Shape:
    """Puts a fence with a mark of its own into each answer, around what others wrote (`mcpkit.security.untrusted`), and
    cuts a tool's result to the call's `max_chars` (characters of the whole reply as compact JSON: text, structured
    content and links). Embedded resources are not counted: a tool that gives them states their limit itself."""

    def __init__(self, max_chars: int) -> None:
        self._max_chars = max_chars

    async def __call__(self, call: Call, proceed: Proceed) -> Reply:
        reply = await proceed(call)
        if call.kind == SUBSCRIPTION:
            return reply
        match call.declaration:
            case Tool() as tool:
                assert isinstance(reply.value, Result)
                limit = getattr(call.given, "max_chars", None) or self._max_chars
                return cut_to(tool, reply.value, limit)
            case Resource():
                assert isinstance(reply.value, ResourceText | ResourceBytes)
                wire: WireResult = ReadResourceResult(contents=[_contents(call.name, reply.value)])
            case Prompt(description=description):
                text = Fence().around(str(reply.value))
                message = PromptMessage(role="user", content=TextContent(type="text", text=text))
                wire = GetPromptResult(description=description, messages=[message])
            case Completion():
                assert isinstance(reply.value, Sequence)
                wire = _completion(reply.value)
            case None:
                raise AssertionError("a call without a declaration")
        return Reply(reply.value, wire, size_of(wire), reply.disclosed)


def cut_to(tool: Tool[Any, Any], result: Result, max_chars: int) -> Reply:
    """The largest part of `result` whose reply is within `max_chars`.

    Raises:
        Fault: TOO_LARGE, if even the smallest part is larger; it says what limit would do.
    """
    budget = max_chars - _ENVELOPE
    whole = _reply(tool, result)
    if whole.characters <= budget:
        return _with_embedded(tool, whole)
    best: Reply | None = None
    smallest = whole.characters
    low, high = 1, result.units() - 1
    while low <= high:
        middle = (low + high) // 2
        reply = _reply(tool, result.keep(middle))
        smallest = min(smallest, reply.characters)
        if reply.characters <= budget:
            best, low = reply, middle + 1
        else:
            high = middle - 1
    if best is None:
        enough = smallest + _ENVELOPE
        raise Fault(
            ErrorCode.TOO_LARGE,
            f"The answer does not fit into {max_chars} characters. Set max_chars to {enough} or more, or ask for less.",
            details={"max_chars": max_chars, "needed": enough},
        )
    return _with_embedded(tool, best)


def _reply(tool: Tool[Any, Any], result: Result) -> Reply:
    draft = drafted(tool, result)
    return Reply(result, None, draft.characters, draft.disclosed, draft)


def _with_embedded(tool: Tool[Any, Any], reply: Reply) -> Reply:
    """What is embedded is kept by nobody: such a reply has no draft."""
    if tool.embedded is None:
        return reply
    assert reply.draft is not None
    fence = Fence()
    blocks = [
        EmbeddedResource(type="resource", resource=_embedded(block, fence)) for block in tool.embedded(reply.value)
    ]
    wire = reply.draft.wire(fence)
    wire = wire.model_copy(update={"content": [*wire.content, *blocks]})
    return Reply(reply.value, wire, size_of(wire), reply.disclosed)


def _embedded(block: Embedded, fence: Fence) -> TextResourceContents | BlobResourceContents:
    if block.blob is not None:
        return _blob(block.uri, block.mime_type, block.blob)
    return TextResourceContents(uri=block.uri, mime_type=block.mime_type, text=fence.around(block.text or ""))


def _contents(uri: str, value: ResourceText | ResourceBytes) -> TextResourceContents | BlobResourceContents:
    if isinstance(value, ResourceBytes):
        return _blob(uri, value.mime_type, value.blob)
    return TextResourceContents(uri=uri, mime_type=value.mime_type, text=Fence().around(value.text))


def _blob(uri: str, mime_type: str, blob: bytes) -> BlobResourceContents:
    return BlobResourceContents(uri=uri, mime_type=mime_type, blob=base64.b64encode(blob).decode())


def _completion(values: Sequence[object]) -> CompleteResult:
    first = [str(value) for value in values[:MOST_COMPLETIONS]]
    return CompleteResult(
        completion=CompletionValues(values=first, total=len(values), has_more=len(values) > len(first))
    )
