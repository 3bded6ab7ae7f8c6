"""A tool's reply as it is before the fence: what can be sent again, each time with marks of its own."""

import sys
from dataclasses import dataclass
from typing import Any

from mcp_types import CallToolResult, ResourceLink, TextContent
from pydantic_core import from_json, to_json

from mcpkit.protocol.declarations import Result, Tool
from mcpkit.protocol.stages import WireResult
from mcpkit.security.untrusted import Fence, fenced_length, unfenced_json

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

    def wire(self, fence: Fence | None = None) -> CallToolResult:
        """With new marks, or those of `fence`."""
        fence = fence or Fence()
        text = TextContent(type="text", text=from_json(fence.around_json(self.text)))
        return CallToolResult(content=[text, *self.links], structured_content=from_json(self.structured))

    def encoded(self) -> bytes:
        """The JSON of such a `wire` but for its `resultType`, without taking apart what is JSON already."""
        content = b'[{"type":"text","text":' + Fence().around_json(self.text) + b"}"
        if self.links:
            content += b"," + _as_json(self.links)[1:-1]
        return b'{"content":' + content + b'],"structuredContent":' + self.structured + b',"isError":false}'


def drafted(tool: Tool[Any, Any], result: Result) -> Draft:
    """The draft of a result. Each of its two forms is made once, and as JSON at once."""
    links = tuple(
        ResourceLink(type="resource_link", uri=link.uri, name=link.name, mime_type=link.mime_type)
        for link in (tool.links(result) if tool.links else ())
    )
    structured = result.__pydantic_serializer__.to_json(result, by_alias=True, exclude_none=True)
    text = unfenced_json(result.as_text())
    characters = _AROUND + fenced_length(text) + _characters(structured)
    if links:
        characters += _characters(_as_json(links)) - 1  # its brackets are there already, and a comma is added
    return Draft(text, links, structured, characters, tuple(result.disclosed()), result.lasts())


def size_of(wire: WireResult) -> int:
    """In characters, as compact JSON."""
    return _characters(_as_json(wire))


def _as_json(value: object) -> bytes:
    return to_json(value, by_alias=True, exclude_none=True)


def _characters(encoded: bytes) -> int:
    return len(encoded) if encoded.isascii() else len(encoded.decode())


# What `encoded` and `resultType` have around the text, the links and the structured content.
_AROUND = size_of(CallToolResult(content=[TextContent(type="text", text="")], structured_content={})) - len('""{}')
