"""One call of a tool, resource, prompt or completion, as the pipeline and the handlers see it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mcpkit.protocol.declarations import Declaration

EVERYTHING = "*"

Report = Callable[[float, float | None, str | None], Awaitable[None]]


async def _nowhere(progress: float, total: float | None, message: str | None) -> None:
    """The caller asked for no progress."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Who calls, as the transport established it; no argument of a call can change it.

    `accounts` are the accounts that they may see; None is all. The scope `*` holds every permission.
    """

    user: str
    scopes: frozenset[str] = frozenset()
    client: str = ""
    accounts: frozenset[str] | None = None

    def may(self, permission: str) -> bool:
        return EVERYTHING in self.scopes or permission in self.scopes


@dataclass(slots=True)
class Call:
    """`kind` is tool, resource, prompt or completion; `name` the tool's name or the resource's URI; `arguments` are as
    sent. `authenticated` is whom the transport found a credential of, for the identity provider; `principal` is who
    calls, and is set before any stage runs. `report(progress, total, message)` sends a progress notification where
    the client asked for them. `explains` is whether the request asks for an explanation in its `_meta`.
    `declaration` is what is called; `resolved` are the arguments with those that were preset, and `given` are they as
    the validation stage leaves them to the handler: the tool's `Arguments`, or the text values of the others.
    `reason` is what a decision about the call rests on, for the audit; whichever stage decides may set it, to words of
    the server's own.
    """

    kind: str
    name: str
    arguments: Mapping[str, object]
    request_id: str
    transport: str  # stdio, http or memory
    protocol_version: str = ""
    client: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    report: Report = _nowhere
    authenticated: Principal | None = None
    principal: Principal | None = None
    explains: bool = False
    declaration: "Declaration | None" = None
    resolved: Mapping[str, object] | None = None
    given: object = None
    reason: str = ""

    @property
    def caller(self) -> Principal:
        """The principal. Only to be asked for inside the pipeline."""
        assert self.principal is not None, "no pipeline ran"
        return self.principal
