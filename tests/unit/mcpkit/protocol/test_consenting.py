"""The consent stage, as the official client of either era meets it; and as calls that a test makes by hand."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp.client import Client
from mcp.shared.exceptions import MCPError
from mcp_types import (
    CallToolResult,
    ElicitRequestFormParams,
    ElicitResult,
    InputRequiredResult,
    PromptReference,
    TextContent,
    TextResourceContents,
)

from mcpkit.errors import ErrorCode, Fault
from mcpkit.protocol.calls import Answer, Asking, Call, Form, Principal
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
from mcpkit.security.consent import Choice, Consents, Mode
from mcpkit.security.consent_store import Decision, Way
from mcpkit.security.tokens import SignedTokens
from support.consenting import Clock, consents

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


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def world(tmp_path: Path, clock: Clock) -> AsyncIterator[World]:
    async with consents(tmp_path, clock, tainted={"memory": True}) as manager:
        yield World(manager, clock, Terms("home", "work"))


@pytest.fixture(params=["legacy", "auto"])
def era(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def looked(client: Client, tool: str = "look", **arguments: object) -> Any:
    """The accounts that were seen, or the error."""
    result = await client.call_tool(tool, arguments)
    return result.structured_content["error"] if result.is_error else result.structured_content["accounts"]


async def test_a_person_is_asked_once_for_all_accounts_and_remembered(world: World, era: str) -> None:
    person = Person("Today")
    async with world.client(person, era) as client:
        assert await looked(client) == ["home", "work"]
        assert await looked(client) == ["home", "work"]
        assert await looked(client, account="work") == ["home", "work"]
    assert person.asked == ["read of home, work?"]


async def test_the_form_is_one_choice_of_the_servers_words(world: World, era: str) -> None:
    seen: list[Any] = []

    async def keep(context: Any, params: Any) -> ElicitResult:
        seen.append(params.requested_schema)
        return ElicitResult(action="cancel")

    async with Client(build_server(CATALOGUE, world.pipeline), mode=era, elicitation_callback=keep) as client:
        await looked(client)
    assert seen == [
        {
            "type": "object",
            "properties": {
                "answer": {"type": "string", "title": "Your answer", "enum": ["Once", "Today", "Long", "No"]}
            },
            "required": ["answer"],
        }
    ]


async def test_once_is_for_one_call(world: World, era: str) -> None:
    person = Person("Once")
    async with world.client(person, era) as client:
        assert await looked(client, account="work") == ["work"]
        assert await looked(client, account="work") == ["work"]
    assert person.asked == ["read of work?"] * 2


@pytest.mark.parametrize("answer", ["No", "decline"])
async def test_a_no_is_not_asked_again_for_a_while(world: World, clock: Clock, era: str, answer: str) -> None:
    person = Person(answer)
    async with world.client(person, era) as client:
        for _ in range(3):
            error = await looked(client)
            assert error["code"] == "CONSENT_REQUIRED"
            assert error["details"]["refused"] is True
        clock.now += 3601
        await looked(client)
    assert len(person.asked) == 2


@pytest.mark.parametrize(
    "answer",
    ["cancel", "Perhaps", "today", {}, {"answer": "Long", "also": "x"}, {"answer": ["Long"]}, {"other": "Long"}],
)
async def test_what_is_no_answer_grants_nothing_and_is_not_remembered(world: World, era: str, answer: object) -> None:
    person = Person(answer, "Today")
    async with world.client(person, era) as client:
        error = await looked(client)
        assert (error["code"], error["details"]["refused"]) == ("CONSENT_REQUIRED", False)
        assert await looked(client) == ["home", "work"]


async def test_without_dialogs_the_error_says_what_is_missing(world: World, era: str) -> None:
    async with world.client(None, era) as client:
        error = await looked(client, account="work")
        assert (error["code"], error["number"]) == ("CONSENT_REQUIRED", 1003)
        assert error["details"]["resources"] == ["work"]
        await world.grant("work")
        assert await looked(client, account="work") == ["work"], "the next call sees what was granted meanwhile"


async def test_a_call_goes_on_with_the_accounts_that_are_allowed(world: World, era: str) -> None:
    await world.grant("work")
    await world.grant("home", yes=False)
    person = Person("Long")
    async with world.client(person, era) as client:
        assert await looked(client) == ["work"]
        assert (await looked(client, account="home"))["details"] == {
            "resources": ["home"],
            "refused": True,
            "fresh": False,
        }
    assert person.asked == []


async def test_only_for_what_is_missing_a_person_is_asked(world: World, era: str) -> None:
    await world.grant("work")
    person = Person("No")
    async with world.client(person, era) as client:
        assert await looked(client) == ["work"], "what was consented to before stays"
    assert person.asked == ["read of home?"]


async def test_what_is_granted_for_everything_is_not_narrowed(world: World, era: str) -> None:
    await world.grant("*")
    async with world.client(None, era) as client:
        assert await looked(client) == ["everything"]


async def test_arguments_can_need_further_consent(world: World, era: str) -> None:
    await world.grant("*")
    person = Person("Once")
    async with world.client(person, era) as client:
        assert await looked(client, account="work") == ["everything"]
        assert await looked(client, account="work", secrets=True) == ["work"]
    assert person.asked == ["codes of work anew?"]


async def test_what_is_no_capability_needs_no_consent(world: World, era: str) -> None:
    async with world.client(None, era) as client:
        assert await looked(client, "clock") == ["everything"]


async def test_resources_and_prompts_ask_too(world: World, era: str) -> None:
    person = Person("Once")
    async with world.client(person, era) as client:
        content = (await client.read_resource("test://all")).contents[0]
        assert isinstance(content, TextResourceContents)
        assert content.text == "home, work"
        block = (await client.get_prompt("tell", {"account": "work"})).messages[0].content
        assert isinstance(block, TextContent)
        assert block.text == "work"
    assert person.asked == ["read of home, work?", "read of work?"]


async def test_resources_and_prompts_without_consent_are_errors(world: World, era: str) -> None:
    async with world.client(None, era) as client:
        for attempt in (client.read_resource("test://all"), client.get_prompt("tell", {})):
            with pytest.raises(MCPError) as caught:
                await attempt
            assert caught.value.error.code == ErrorCode.CONSENT_REQUIRED.number
            assert caught.value.error.data["code"] == "CONSENT_REQUIRED"


async def test_a_completion_is_empty_without_consent_and_never_asks(world: World, era: str) -> None:
    person = Person("Long")
    async with world.client(person, era) as client:
        reference, argument = PromptReference(name="tell"), {"name": "account", "value": ""}
        assert (await client.complete(reference, argument)).completion.values == []
        await world.grant("work")
        assert (await client.complete(reference, argument)).completion.values == ["work"]
    assert person.asked == []
    assert (world.audit.kept[0].decision, world.audit.kept[0].reason) == ("denied", "no consent to read")


async def test_where_the_operator_denies_nobody_is_asked(world: World, era: str) -> None:
    await world.grant("*")
    world.manager.rules = replace(world.manager.rules, modes={"memory": Mode.DENY})
    person = Person("Long")
    async with world.client(person, era) as client:
        assert (await looked(client))["code"] == "FORBIDDEN"
    assert person.asked == []


async def test_after_untrusted_text_what_is_sensitive_is_asked_for_each_time(
    world: World, clock: Clock, era: str
) -> None:
    await world.grant("*")
    await world.grant("*", "files")
    person = Person("Today")
    async with world.client(person, era) as client:
        assert await looked(client, "open") == ["everything"]  # nothing was shown yet
        for _ in range(2):
            clock.now += 5
            assert await looked(client) == ["everything"]
            clock.now += 5
            assert await looked(client, "open", account="work") == ["work"]
        assert person.asked == ["files of work anew?"] * 2
        clock.now += 34 * 60
        assert await looked(client, "open", account="home") == ["everything"]
    assert len(person.asked) == 2


async def test_taint_without_dialogs_is_an_error_until_consent_is_given_anew(
    world: World, clock: Clock, era: str
) -> None:
    await world.grant("*")
    await world.grant("*", "files")
    async with world.client(None, era) as client:
        clock.now += 5
        await looked(client)
        clock.now += 5
        error = await looked(client, "open", account="work")
        assert (error["code"], error["details"]["fresh"]) == ("CONSENT_REQUIRED", True)
        await world.grant("work", "files")
        assert await looked(client, "open", account="work") == ["work"]


async def test_a_call_that_failed_shows_nothing_and_does_not_taint(world: World, clock: Clock, era: str) -> None:
    async with world.client(None, era) as client:
        await looked(client)
    assert (await world.manager.store.known("ana", "mcp 0.1.0", "[]", clock())).exposed is None


async def test_calls_at_once_ask_once(world: World, era: str) -> None:
    """The first question is answered only once the other calls wait for it too."""
    waiting = anyio.Event()
    person = Person("Once")
    arrived = 0

    async def answer(context: Any, params: Any) -> ElicitResult:
        await waiting.wait()
        return await person(context, params)

    async def count(call: Call) -> Touched:
        nonlocal arrived
        arrived += 1
        if arrived == 5:
            waiting.set()
        return await Terms.touched(world.terms, call)

    world.terms.touched = count  # type: ignore[method-assign] # to see the calls arrive
    results: list[Any] = []
    async with Client(build_server(CATALOGUE, world.pipeline), mode=era, elicitation_callback=answer) as client:

        async def one() -> None:
            results.append(await looked(client))

        async with anyio.create_task_group() as tasks:
            for _ in range(5):
                tasks.start_soon(one)
    assert results == [["home", "work"]] * 5
    assert person.asked == ["read of home, work?"]


async def test_once_for_something_sensitive_covers_no_other_call_at_the_same_time(
    world: World, clock: Clock, era: str
) -> None:
    """Each call has a dialog of its own, though both ask the same: neither is answered before both are open."""
    await world.grant("*")
    both = anyio.Event()
    person = Person("Once")

    async def answer(context: Any, params: Any) -> ElicitResult:
        result = await person(context, params)
        if len(person.asked) == 2:
            both.set()
        await both.wait()
        return result

    async with Client(build_server(CATALOGUE, world.pipeline), mode=era, elicitation_callback=answer) as client:
        await looked(client)
        clock.now += 5

        async def one(other: bool) -> None:
            assert await looked(client, "open", account="work", secrets=other) == ["work"]

        with anyio.fail_after(20):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(one, False)
                tasks.start_soon(one, True)
    assert person.asked == ["files of work anew?"] * 2


async def test_a_question_is_in_the_audit_as_one(world: World) -> None:
    async with world.client(Person("Today"), "auto") as client:
        await looked(client)
    assert [record.decision for record in world.audit.kept] == ["asked", "allowed"]
    assert world.audit.kept[0].reason == "consent to read is asked for"


# Calls of 2026-07-28, made by hand: what a client could send instead of the answer.


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


async def test_an_answer_comes_with_the_state_of_its_question(world: World) -> None:
    state = await question_of(world, account="work")
    assert seen(await world.pipeline.run(call(answering(state), account="work"))) == ["work"]


async def test_an_answer_without_state_or_to_another_call_is_no_answer(world: World) -> None:
    reply = await world.pipeline.run(call(Asking(by_return=True, answer=Answer("accept", {"answer": "Long"}))))
    assert reply.is_question


@pytest.mark.parametrize("answer", ["Once", "Today", "Long"])
async def test_a_state_is_refused_where_it_was_changed_or_is_anothers(world: World, answer: str) -> None:
    state = await question_of(world, account="work")
    flipped = state[:-2] + ("AA" if state[-2:] != "AA" else "BB")
    forged = SignedTokens(b"x" * 32).seal("answer to a question about consent", {"call": ""})
    cursor = SignedTokens(KEY).seal("cursor", {"call": ""})
    attempts: list[tuple[Call, str]] = [
        (call(answering(flipped, answer), account="work"), "ana"),
        (call(answering("", answer), account="work"), "ana"),
        (call(answering(forged, answer), account="work"), "ana"),
        (call(answering(cursor, answer), account="work"), "ana"),
        (call(answering(state, answer), account="home"), "ana"),
        (call(answering(state, answer)), "ana"),
        (call(answering(state, answer), "open", account="work"), "ana"),
        (call(answering(state, answer), account="work", client="other"), "ana"),
        (call(answering(state, answer), account="work"), "bo"),
    ]
    for attempt, user in attempts:
        world.identity.user = user
        with pytest.raises(Fault) as caught:
            await world.pipeline.run(attempt)
        assert caught.value.code is ErrorCode.VALIDATION_ERROR
    assert await world.manager.store.listed(None, world.clock(), everything=True) == []


async def test_an_answer_is_used_once_also_by_another_process(world: World) -> None:
    state = await question_of(world, account="work")
    answered = call(answering(state), account="work")
    assert seen(await world.pipeline.run(answered)) == ["work"]
    for pipeline in (world.pipeline, world.reopened()):
        assert (await pipeline.run(call(answering(state), account="work"))).is_question
        assert (await pipeline.run(call(answering(state, "Long"), account="work"))).is_question


async def test_an_answer_that_comes_too_late_is_asked_for_again(world: World, clock: Clock) -> None:
    state = await question_of(world, account="work")
    clock.now += 601
    assert (await world.pipeline.run(call(answering(state, "Long"), account="work"))).is_question


async def test_an_answer_is_for_what_the_question_named(world: World) -> None:
    """An account that appeared in between is not covered by a yes to the others."""
    state = await question_of(world)
    world.terms.accounts = ("home", "new", "work")
    assert (await world.pipeline.run(call(answering(state, "Long")))).is_question


async def test_a_question_nobody_answers_holds_no_later_call_up(world: World) -> None:
    stage = next(stage for stage in world.pipeline.stages if isinstance(stage, Consent))
    stage._questions._clock = world.clock
    await question_of(world)
    world.clock.now += 6
    with anyio.fail_after(5):
        await question_of(world)


async def test_a_dialog_that_breaks_off_leaves_the_next_call_to_ask(world: World) -> None:
    asked: list[Form] = []
    started = anyio.Event()

    async def never(form: Form) -> Answer:
        started.set()
        await anyio.sleep_forever()
        raise AssertionError

    async def yes(form: Form) -> Answer:
        asked.append(form)
        return Answer("accept", {"answer": "Once"})

    outcomes: list[object] = []

    async def run(ask: Callable[[Form], Awaitable[Answer]], scope: anyio.CancelScope) -> None:
        with scope:
            outcomes.append(seen(await world.pipeline.run(call(Asking(ask=ask)))))

    broken = anyio.CancelScope()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(run, never, broken)
        await started.wait()
        tasks.start_soon(run, yes, anyio.CancelScope())
        await anyio.lowlevel.checkpoint()
        broken.cancel()
    assert outcomes == [["home", "work"]]
    assert len(asked) == 1


async def test_an_archive_without_accounts_needs_no_consent_and_shows_nothing(world: World) -> None:
    world.terms.accounts = ()
    reply = await world.pipeline.run(call(Asking()))
    assert isinstance(reply.result(), CallToolResult)
    assert world.audit.kept[0].decision == "allowed"
