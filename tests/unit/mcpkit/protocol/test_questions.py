"""Who waits for a question that another call asks, and for how long."""

import asyncio

from mcpkit.protocol.questions import OpenQuestions
from support.consenting import Clock


async def waiting_for(questions: OpenQuestions, key: str) -> "asyncio.Task[str | None]":
    """A call that waits for the answer already."""
    task = asyncio.create_task(questions.outcome(key))
    await asyncio.sleep(0)
    return task


async def test_all_who_wait_get_the_outcome() -> None:
    questions = OpenQuestions()
    questions.begin("k", attended=True)
    tasks = [await waiting_for(questions, "k") for _ in range(3)]
    questions.end("k", "once")
    assert [await task for task in tasks] == ["once"] * 3
    assert not questions.is_asked("k")


async def test_one_who_gives_up_leaves_the_others_waiting() -> None:
    questions = OpenQuestions()
    questions.begin("k", attended=True)
    leaving, staying = await waiting_for(questions, "k"), await waiting_for(questions, "k")
    leaving.cancel()
    await asyncio.wait([leaving])
    questions.end("k", "once")
    assert await staying == "once"


async def test_another_question_is_not_waited_for() -> None:
    questions = OpenQuestions()
    questions.begin("k", attended=True)
    assert not questions.is_asked("other")
    assert await questions.outcome("other") is None


async def test_a_question_that_was_sent_away_is_waited_for_by_calls_at_the_same_time_only() -> None:
    clock = Clock()
    questions = OpenQuestions(simultaneous=5, clock=clock)
    questions.begin("sent", attended=False)
    questions.begin("attended", attended=True)
    clock.now += 4.9
    assert questions.is_asked("sent")
    clock.now += 0.2
    assert not questions.is_asked("sent")
    assert questions.is_asked("attended")


async def test_the_patience_for_an_answer_that_does_not_come_ends() -> None:
    questions = OpenQuestions(patience=0)
    questions.begin("k", attended=False)
    assert await questions.outcome("k") is None


async def test_a_question_that_is_asked_anew_sends_those_who_wait_to_it() -> None:
    questions = OpenQuestions()
    questions.begin("k", attended=False)
    waiting = await waiting_for(questions, "k")
    questions.begin("k", attended=False)
    assert await waiting is None
    assert questions.is_asked("k")


async def test_questions_that_were_given_up_are_forgotten() -> None:
    clock = Clock()
    questions = OpenQuestions(patience=45, clock=clock)
    for number in range(100):
        questions.begin(f"k{number}", attended=False)
    clock.now += 46
    questions.begin("k", attended=False)
    assert list(questions._open) == ["k"]
