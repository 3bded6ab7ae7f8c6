"""A tool's reply as it is before the fence: what can be sent again, each time with marks of its own."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mcp_types import CallToolResult, ResourceLink, TextContent
from pydantic_core import to_json

from mcpkit.protocol.declarations import Result, Tool
from mcpkit.protocol.stages import Reply, WireResult
from mcpkit.security.untrusted import Fence


@dataclass(frozen=True, slots=True)
class Draft:
    """`text` has the places of the marks in it; `structured` is never changed. `characters` is the size of the whole
    reply, the same with any marks, and `lasts` is as the result says (`Result.lasts`)."""

    text: str
    links: tuple[ResourceLink, ...]
    structured: Mapping[str, Any]
    characters: int
    disclosed: tuple[str, ...]
    lasts: bool

    def reply(self) -> Reply:
        """With new marks. Without a value: what the handler gave is not kept."""
        return Reply(None, self.wire(Fence()), self.characters, self.disclosed)

    def wire(self, fence: Fence) -> CallToolResult:
        text = TextContent(type="text", text=fence.around(self.text))
        return CallToolResult(content=[text, *self.links], structured_content=dict(self.structured))


def drafted(tool: Tool[Any, Any], result: Result, fence: Fence) -> tuple[Draft, CallToolResult]:
    """The draft of a result, and the reply that it makes with these marks."""
    links = tuple(
        ResourceLink(type="resource_link", uri=link.uri, name=link.name, mime_type=link.mime_type)
        for link in (tool.links(result) if tool.links else ())
    )
    structured = result.model_dump(mode="json", by_alias=True, exclude_none=True)
    text, disclosed = result.as_text(), tuple(result.disclosed())
    wire = Draft(text, links, structured, 0, disclosed, lasts=False).wire(fence)
    return Draft(text, links, structured, size_of(wire), disclosed, result.lasts()), wire


def size_of(wire: WireResult) -> int:
    """In characters, as compact JSON."""
    return len(to_json(wire, by_alias=True, exclude_none=True).decode())
