"""When a worker counts as hanging, in the time that the supervisor itself has seen go by."""

import asyncio
import time
from pathlib import Path

from mcpkit.transport.workers.signs_of_life import SignsOfLife, silence

SECONDS = 0.5


async def test_a_loop_that_goes_on_is_alive_and_one_that_does_not_falls_silent(tmp_path: Path) -> None:
    worker, supervisor = SignsOfLife(tmp_path, 2), SignsOfLife(tmp_path, 2)
    worker.keep_giving(1)
    of_silent, of_alive = (asyncio.create_task(silence(supervisor, number, SECONDS)) for number in (0, 1))
    async with asyncio.timeout(20):
        await of_silent
    assert not of_alive.done()
    of_alive.cancel()


async def test_signs_go_on_being_counted_for_the_worker_that_has_the_number_next(tmp_path: Path) -> None:
    SignsOfLife(tmp_path, 1).give(0)
    SignsOfLife(tmp_path, 1).give(0)
    assert SignsOfLife(tmp_path, 1).count(0) == 2


async def test_time_in_which_the_supervisor_was_stopped_itself_does_not_count(tmp_path: Path) -> None:
    signs = SignsOfLife(tmp_path, 1)
    waiting = asyncio.create_task(silence(signs, 0, SECONDS))
    await asyncio.sleep(0)
    time.sleep(3 * SECONDS)  # as on a machine that sleeps
    await asyncio.sleep(0)
    await asyncio.sleep(SECONDS / 10)
    assert not waiting.done()
    signs.give(0)  # the worker was stopped as well, and wakes
    await asyncio.sleep(SECONDS / 10)
    assert not waiting.done()
    async with asyncio.timeout(20):
        await waiting
