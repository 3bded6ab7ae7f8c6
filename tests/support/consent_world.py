"""A server with a consent stage on a real control database, and what calls it: the official client of either era, whose
person answers as a test says, and calls that a test makes by hand."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from mcp.client import Client
from mcp_types import (
    ElicitRequestFormParams,
    ElicitResult,
    InputRequiredResult,
)

from mcpkit.errors import ErrorCode, Fault
from mcpkit.protocol.calls import Answer, Asking, Call
from mcpkit.protocol.declarations import (
    Arguments,
    Catalogue,
    Completion,
    Prompt,
    PromptArgument,
    Resource,
    ResourceText,
    Result,
    Tool,
)
from mcpkit.protocol.pipeline import Pipeline, build_pipeline
from mcpkit.protocol.server import build_server
from mcpkit.protocol.stages import Reply
from mcpkit.protocol.stages.consenting import Consent, Question, Touched
from mcpkit.security.audit import AuditRecord
from mcpkit.security.consent.consents import Choice, Consents
from mcpkit.security.consent.store import Decision, Way
from mcpkit.security.identity import Principal
from mcpkit.security.tokens import SignedTokens
from support.consenting import Clock

KEY = b"k" * 32


class Place(Arguments):
    account: str = ""
    secrets: bool = False


class Seen(Result):
    accounts: list[str]

    def as_text(self) -> str:
        return ", ".join(self.accounts)


async def look(call: Call, arguments: Place) -> Seen:
    return Seen(accounts=sorted(call.caller.accounts or {"everything"}))


async def read(call: Call, parameters: Mapping[str, str]) -> ResourceText:
    return ResourceText("text/plain", ", ".join(sorted(call.caller.accounts or {"everything"})))


async def render(call: Call, arguments: Mapping[str, str]) -> str:
    return ", ".join(sorted(call.caller.accounts or {"everything"}))


async def names(call: Call, typed: str) -> Sequence[str]:
    return sorted(call.caller.accounts or {"everything"})


CATALOGUE = Catalogue(
    name="tester",
    title="Tester",
    version="1",
    instructions="",
    tools=[
        Tool(
            "look",
            "Look",
            "Looks.",
            Place,
            Seen,
            "read",
            look,
            untrusted=True,
            capabilities=lambda arguments: ["codes"] if arguments.secrets else [],
        ),
        Tool("open", "Open", "Opens.", Place, Seen, "files", look, sensitive=True, untrusted=True),
        Tool("clock", "Clock", "Touches nothing.", Place, Seen, "free", look),
    ],
    resources=[Resource("test://all", "all", "All", "All.", "text/plain", "read", read, untrusted=True)],
    prompts=[Prompt("tell", "Tell", "Tells.", [PromptArgument("account", "Which.")], "read", render)],
    completions=[Completion("tell", "account", "read", names)],
)


class Terms:
    capabilities = frozenset({"read", "files", "codes"})
    title = "Your answer"
    choices: Mapping[str, Choice] = {
        "Once": Choice.ONCE,
        "Today": Choice.DAY,
        "Long": Choice.LONG,
        "No": Choice.NO,
    }

    def __init__(self, *accounts: str) -> None:
        self.accounts = accounts

    async def touched(self, call: Call) -> Touched:
        visible = tuple(each for each in self.accounts if call.caller.accounts is None or each in call.caller.accounts)
        named = call.given.get("account") if isinstance(call.given, dict) else getattr(call.given, "account", None)
        return Touched(visible, named if named in visible else None)

    def message(self, question: Question) -> str:
        fresh = " anew" if question.fresh else ""
        return f"{' and '.join(question.capabilities)} of {', '.join(question.resources)}{fresh}?"

    def required(self, question: Question) -> Fault:
        details = {"resources": list(question.resources), "refused": question.refused, "fresh": question.fresh}
        return Fault(ErrorCode.CONSENT_REQUIRED, "Say yes first.", details=details)


class As:
    def __init__(self, user: str = "ana") -> None:
        self.user = user

    async def identify(self, call: Call) -> Principal:
        return Principal(self.user, frozenset({"*"}), client=call.client)


class Records:
    def __init__(self) -> None:
        self.kept: list[AuditRecord] = []

    async def record(self, record: AuditRecord) -> None:
        self.kept.append(record)


class Person:
    """Answers the dialogs with what is prepared, the last of it again and again, and keeps what was asked."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    async def __call__(self, context: Any, params: Any) -> ElicitResult:
        assert isinstance(params, ElicitRequestFormParams)
        self.asked.append(params.message)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if answer == "decline" or answer == "cancel":
            return ElicitResult(action=answer)
        return ElicitResult(action="accept", content=answer if isinstance(answer, dict) else {"answer": answer})


class World:
    """A server with a consent stage on a real control database."""

    def __init__(self, manager: Consents, clock: Clock, terms: Terms) -> None:
        self.manager = manager
        self.clock = clock
        self.terms = terms
        self.audit = Records()
        self.identity = As()
        self.pipeline = self.reopened()

    def reopened(self) -> Pipeline:
        """As another process makes it."""
        stage = Consent(self.manager, self.terms, SignedTokens(KEY))
        return build_pipeline(self.identity, self.audit, consent=stage)

    async def grant(self, resource: str, capability: str = "read", *, yes: bool = True) -> None:
        now = self.clock()
        await self.manager.store.record(
            [Decision("ana", capability, resource, yes, now, now + 9e6, "root", Way.COMMAND)]
        )

    @asynccontextmanager
    async def client(self, person: Person | None, era: str) -> AsyncIterator[Client]:
        server = build_server(CATALOGUE, self.pipeline)
        async with Client(server, mode=era, elicitation_callback=person) as connected:
            yield connected


async def looked(client: Client, tool: str = "look", **arguments: object) -> Any:
    """The accounts that were seen, or the error."""
    result = await client.call_tool(tool, arguments)
    return result.structured_content["error"] if result.is_error else result.structured_content["accounts"]


def call(asking: Asking, name: str = "look", client: str = "c", **arguments: object) -> Call:
    (declared,) = [tool for tool in CATALOGUE.tools if tool.name == name]
    return Call("tool", name, arguments, "1", "memory", client=client, asking=asking, declaration=declared)


async def question_of(world: World, name: str = "look", **arguments: Any) -> str:
    """The state that comes with the question to a call."""
    reply = await world.pipeline.run(call(Asking(by_return=True), name, **arguments))
    assert isinstance(reply.wire, InputRequiredResult)
    assert reply.wire.request_state is not None
    return reply.wire.request_state


def answering(state: str, answer: str = "Once") -> Asking:
    return Asking(by_return=True, answer=Answer("accept", {"answer": answer}), state=state)


def seen(reply: Reply) -> list[str] | None:
    return reply.value.accounts if isinstance(reply.value, Seen) else None
