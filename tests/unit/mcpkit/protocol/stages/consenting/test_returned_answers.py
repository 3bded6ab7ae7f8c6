"""Calls of 2026-07-28, made by hand: what a client could send instead of the answer."""

import pytest

from mcpkit.errors import ErrorCode, Fault
from mcpkit.protocol.calls import Answer, Asking, Call
from mcpkit.security.tokens import SignedTokens
from support.consent_world import KEY, World, answering, call, question_of, seen
from support.consenting import Clock


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
