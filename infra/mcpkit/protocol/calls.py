"""One call of a tool, resource, prompt or completion, as the pipeline and the handlers see it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from mcpkit.security.identity import Principal

if TYPE_CHECKING:
    from mcpkit.protocol.declarations import Declaration


Report = Callable[[float, float | None, str | None], Awaitable[None]]


async def _nowhere(progress: float, total: float | None, message: str | None) -> None:
    """The caller asked for no progress."""


async def always_admitted() -> bool:
    """Over STDIO nobody is admitted: whoever started the process calls."""
    return True


@dataclass(frozen=True, slots=True)
class Form:
    """A question with a fixed set of answers, of which one is to be chosen; `field` is the answer's name."""

    message: str
    field: str
    title: str
    choices: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a person did with a form. `content` is as the client sent it, and not checked."""

    action: Literal["accept", "decline", "cancel"]
    content: Mapping[str, object] = field(default_factory=dict)

    def chosen(self, form: Form) -> str | None:
        """One of the form's choices, or None: it was not accepted, or holds anything else."""
        if self.action != "accept" or set(self.content) != {form.field}:
            return None
        value = self.content[form.field]
        return value if isinstance(value, str) and value in form.choices else None


@dataclass(frozen=True, slots=True)
class Asking:
    """How the person at the client can be asked something: not at all, by `ask` while the call runs, or `by_return`,
    where the call ends with the question and is made again with `answer` and the `state` that was sent with it."""

    ask: Callable[[Form], Awaitable[Answer]] | None = None
    by_return: bool = False
    answer: Answer | None = None
    state: str | None = None

    @property
    def possible(self) -> bool:
        return self.by_return or self.ask is not None


@dataclass(slots=True)
class Call:
    """`kind` is tool, resource, prompt, completion or subscription; `name` the tool's name or the resource's URI;
    `arguments` are as sent. `authenticated` is whom the transport found a credential of, for the identity provider;
    `principal` is who calls, and is set before any stage runs. `still_admitted` is whether that credential is good
    still, for what lasts longer than a request. `scheme` is that of the URL over HTTP, also where a trusted proxy
    ends TLS. `report(progress, total, message)` sends a progress notification where
    the client asked for them, and `asking` asks the person there. `explains` is whether the request asks for an
    explanation in its `_meta`. `declaration` is what is called; `resolved` are the arguments with those that were
    preset, and `given` are they as the validation stage leaves them to the handler: the tool's `Arguments`, or the text
    values of the others. `reason` is what a decision about the call rests on, for the audit; whichever stage decides
    may set it, to words of the server's own. `id` is the one by which the log names the request, where the transport
    has given it one; `request_id` is the client's own. `trace` are the fields of W3C Trace Context
    in the request's `_meta`.
    """

    kind: str
    name: str
    arguments: Mapping[str, object]
    request_id: str
    transport: str  # stdio, http or memory
    protocol_version: str = ""
    client: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    scheme: str = "http"
    report: Report = _nowhere
    asking: Asking = field(default_factory=Asking)
    authenticated: Principal | None = None
    still_admitted: Callable[[], Awaitable[bool]] = always_admitted
    principal: Principal | None = None
    explains: bool = False
    declaration: "Declaration | None" = None
    resolved: Mapping[str, object] | None = None
    given: object = None
    reason: str = ""
    id: str = ""
    trace: Mapping[str, str] = field(default_factory=dict)

    @property
    def caller(self) -> Principal:
        """The principal. Only to be asked for inside the pipeline."""
        assert self.principal is not None, "no pipeline ran"
        return self.principal
