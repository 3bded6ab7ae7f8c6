from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field, replace

import anyio
import pytest

from mcpkit.errors import ErrorCode, Fault
from mcpkit.protocol.calls import Call
from mcpkit.protocol.stages import Reply
from mcpkit.protocol.stages.drafts import Draft
from mcpkit.protocol.stages.remembering import Asked, Remember
from mcpkit.resilience.cache import Cache

CALLS = 5


def call(name: str = "same") -> Call:
    return Call("tool", name, {}, "1", "memory")


@dataclass
class Making:
    """What stands behind the stage: each answer has a number of its own, and is given once it is `let`."""

    began: int = 0
    let: anyio.Event = field(default_factory=anyio.Event)
    some_began: anyio.Event = field(default_factory=anyio.Event)
    lasts: bool = True
    fault: Fault | None = None

    async def __call__(self, call: Call) -> Reply:
        self.began += 1
        number = self.began
        self.some_began.set()
        await self.let.wait()
        if self.fault is not None:
            raise self.fault
        draft = Draft(str(number).encode(), (), b"{}", 10, ("m1",), self.lasts)
        return Reply(number, None, draft.characters, draft.disclosed, draft)


@dataclass
class World:
    """The basis of a call is the `state` and its name."""

    state: Hashable = 1
    making: Making = field(default_factory=Making)
    cache: Cache[Hashable, Draft] = field(default_factory=lambda: Cache("answers", entries=50, size=1_000_000))

    def __post_init__(self) -> None:
        self.stage = Remember(self.cache, self._basis)
        self.replies: list[Reply] = []
        self.faults: list[Fault] = []

    async def _basis(self, call: Call) -> Asked:
        return Asked(self.state, call.name)

    async def ask(self, name: str = "same") -> None:
        try:
            self.replies.append(await self.stage(call(name), self.making))
        except Fault as fault:
            self.faults.append(fault)


def numbers(replies: Sequence[Reply]) -> list[bytes]:
    return [reply.draft.text for reply in replies if reply.draft is not None]


@pytest.fixture
def world() -> World:
    return World()


async def test_calls_that_are_the_same_and_come_at_once_are_answered_once(world: World) -> None:
    async with anyio.create_task_group() as tasks:
        for _ in range(CALLS):
            tasks.start_soon(world.ask)
        await anyio.wait_all_tasks_blocked()
        world.making.let.set()
    assert world.making.began == 1
    assert numbers(world.replies) == [b"1"] * CALLS
    assert [reply.disclosed for reply in world.replies] == [("m1",)] * CALLS
    figures = world.cache.figures()
    assert (figures.hits, figures.misses, figures.shared) == (0, 1, CALLS - 1)
    await world.ask()
    assert world.making.began == 1
    assert world.cache.figures().hits == 1


async def test_where_the_call_that_makes_it_is_given_up_one_of_those_who_wait_makes_it_anew(world: World) -> None:
    scope = anyio.CancelScope()

    async def first() -> None:
        with scope:
            await world.ask()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(first)
        await world.making.some_began.wait()
        for _ in range(CALLS - 1):
            tasks.start_soon(world.ask)
        await anyio.wait_all_tasks_blocked()
        scope.cancel()
        await anyio.wait_all_tasks_blocked()
        assert world.making.began == 2
        world.making.let.set()
    assert numbers(world.replies) == [b"2"] * (CALLS - 1)


async def test_who_waits_and_is_given_up_keeps_nobody_from_the_answer(world: World) -> None:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(world.ask)
        await world.making.some_began.wait()
        async with anyio.create_task_group() as others:
            others.start_soon(world.ask)
            await anyio.wait_all_tasks_blocked()
            others.cancel_scope.cancel()
        world.making.let.set()
    assert numbers(world.replies) == [b"1"]


async def test_an_error_is_nobody_elses(world: World) -> None:
    world.making.fault = Fault(ErrorCode.TIMEOUT, "It took too long.")
    async with anyio.create_task_group() as tasks:
        for _ in range(CALLS):
            tasks.start_soon(world.ask)
        await anyio.wait_all_tasks_blocked()
        world.making.let.set()
    assert world.making.began == len(world.faults) == CALLS
    assert world.cache.figures().shared == 0


async def test_an_answer_that_does_not_last_is_nobody_elses(world: World) -> None:
    world.making.lasts = False
    async with anyio.create_task_group() as tasks:
        for _ in range(CALLS):
            tasks.start_soon(world.ask)
        await anyio.wait_all_tasks_blocked()
        world.making.let.set()
    assert sorted(numbers(world.replies)) == [b"1", b"2", b"3", b"4", b"5"]


async def test_a_reply_without_a_draft_is_nobody_elses(world: World) -> None:
    async def without_draft(call: Call) -> Reply:
        return replace(await world.making(call), draft=None)

    async def ask() -> None:
        world.replies.append(await world.stage(call(), without_draft))

    async with anyio.create_task_group() as tasks:
        for _ in range(CALLS):
            tasks.start_soon(ask)
        await anyio.wait_all_tasks_blocked()
        world.making.let.set()
    assert sorted(str(reply.value) for reply in world.replies) == ["1", "2", "3", "4", "5"]


async def test_calls_of_which_anything_differs_share_nothing(world: World) -> None:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(world.ask, "one")
        tasks.start_soon(world.ask, "other")
        await anyio.wait_all_tasks_blocked()
        world.making.let.set()
    assert sorted(numbers(world.replies)) == [b"1", b"2"]


async def test_a_call_that_comes_after_a_change_does_not_get_what_is_made_of_before_it(world: World) -> None:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(world.ask)
        await world.making.some_began.wait()
        world.state = 2
        tasks.start_soon(world.ask)
        await anyio.wait_all_tasks_blocked()
        world.making.let.set()
    assert sorted(numbers(world.replies)) == [b"1", b"2"]
    await world.ask()
    assert numbers(world.replies[-1:]) == [b"2"]
