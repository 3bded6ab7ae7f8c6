"""Calls that wait for the same answer, and questions that nobody answers."""

from collections.abc import Awaitable, Callable
from typing import Any

import anyio
from mcp.client import Client
from mcp_types import (
    ElicitResult,
)

from mcpkit.protocol.calls import Answer, Asking, Call, Form
from mcpkit.protocol.server import build_server
from mcpkit.protocol.stages.consenting import Consent, Touched
from support.consent_world import CATALOGUE, Person, Terms, World, call, looked, question_of, seen
from support.consenting import Clock


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
