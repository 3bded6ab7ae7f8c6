"""Work that runs beside other work, and no longer."""

import asyncio

import pytest

from mcpkit.beside import beside


async def test_it_has_ended_when_the_context_has() -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            ended.set()

    async with beside(work()):
        await begun.wait()
        assert not ended.is_set()
    assert ended.is_set()


async def test_what_it_raises_is_raised_at_the_end() -> None:
    raised = asyncio.Event()

    async def work() -> None:
        raised.set()
        raise KeyError("lost")

    with pytest.raises(KeyError, match="lost"):
        async with beside(work()):
            await raised.wait()


async def test_a_cancellation_while_it_is_waited_for_is_not_taken_for_its_own() -> None:
    stubborn, go_on = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            stubborn.set()
            await go_on.wait()
            raise

    async def outer() -> None:
        async with beside(work()):
            await asyncio.sleep(0)

    task = asyncio.create_task(outer())
    await stubborn.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    go_on.set()
