"""The stages of a call, one file each, and what they hand to each other."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from mcp_types import CallToolResult, CompleteResult, GetPromptResult, InputRequiredResult, ReadResourceResult

from mcpkit.protocol.calls import Call
from mcpkit.protocol.declarations import name_of
from mcpkit.security.audit import UNKNOWN

if TYPE_CHECKING:
    from mcpkit.protocol.stages.drafts import Draft

SUBSCRIPTION = "subscription"
"""The kind of a call that reads a resource to tell later whether it changed: nothing of it is shown."""

WireResult = CallToolResult | ReadResourceResult | GetPromptResult | CompleteResult | InputRequiredResult


@dataclass(frozen=True, slots=True)
class Reply:
    """`value` is what the handler gave. Once it was shaped there is `wire`, or for a tool the `draft` that it can be
    made from, now and again, and `characters` (its size as compact JSON). `disclosed` are the ids of what it shows. A
    call that ends with a question has no value; an answer from memory is its draft and nothing more."""

    value: object
    wire: WireResult | None = None
    characters: int = 0
    disclosed: Sequence[str] = ()
    draft: "Draft | None" = None

    def result(self) -> WireResult:
        """What is sent."""
        if self.wire is not None:
            return self.wire
        assert self.draft is not None, "no shaping stage ran"
        return self.draft.wire()

    @property
    def is_question(self) -> bool:
        return isinstance(self.wire, InputRequiredResult)


Proceed = Callable[[Call], Awaitable[Reply]]


class Stage(Protocol):
    async def __call__(self, call: Call, proceed: Proceed) -> Reply:
        """
        Raises:
            Fault: the call is refused, or failed further in.
        """
        ...


def declared_name(call: Call) -> str:
    """What is called, as it was declared; what nobody declared is unknown, since its name is the caller's text."""
    return UNKNOWN if call.declaration is None else name_of(call.declaration)
