"""A tool's reply as it is before the fence: what can be sent again, each time with marks of its own."""

import sys
from dataclasses import dataclass
from typing import Any

from mcp_types import CallToolResult, ResourceLink, TextContent
from pydantic_core import from_json, to_json

from mcpkit.protocol.declarations import Result, Tool
from mcpkit.protocol.stages import WireResult
from mcpkit.security.untrusted import Fence, unfenced_json

_BESIDE = 1_500  # bytes of the objects that hold a draft together, and of the key that it is found by


@dataclass(frozen=True, slots=True)
class Draft:
    """`text` is JSON but for the places of the marks (`unfenced_json`), and `structured` is JSON. `characters` is the
    size of the whole reply, the same with any marks, and `lasts` is as the result says (`Result.lasts`)."""

    text: bytes
    links: tuple[ResourceLink, ...]
    structured: bytes
    characters: int
    disclosed: tuple[str, ...]
    lasts: bool

    @property
    def size(self) -> int:
        """About how many bytes it takes in memory."""
        parts = (self.text, self.structured, *self.disclosed)
        return _BESIDE + sum(map(sys.getsizeof, parts)) + 1_000 * len(self.links)

    def wire(self) -> CallToolResult:
        """With new marks."""
        text = TextContent(type="text", text=from_json(Fence().around_json(self.text)))
        return CallToolResult(content=[text, *self.links], structured_content=from_json(self.structured))

    def encoded(self) -> bytes:
        """The JSON of such a `wire` but for its `resultType`, without taking apart what is JSON already."""
        content = b'[{"type":"text","text":' + Fence().around_json(self.text) + b"}"
        if self.links:
            content += b"," + to_json(self.links, by_alias=True, exclude_none=True)[1:-1]
        return b'{"content":' + content + b'],"structuredContent":' + self.structured + b',"isError":false}'


def drafted(tool: Tool[Any, Any], result: Result, fence: Fence) -> tuple[Draft, CallToolResult]:
    """The draft of a result, and the reply that it makes with these marks."""
    links = tuple(
        ResourceLink(type="resource_link", uri=link.uri, name=link.name, mime_type=link.mime_type)
        for link in (tool.links(result) if tool.links else ())
    )
    structured = result.model_dump(mode="json", by_alias=True, exclude_none=True)
    text = result.as_text()
    marked = TextContent(type="text", text=fence.around(text))
    wire = CallToolResult(content=[marked, *links], structured_content=structured)
    disclosed = tuple(result.disclosed())
    return Draft(unfenced_json(text), links, to_json(structured), size_of(wire), disclosed, result.lasts()), wire


def size_of(wire: WireResult) -> int:
    """In characters, as compact JSON."""
    return len(to_json(wire, by_alias=True, exclude_none=True).decode())
