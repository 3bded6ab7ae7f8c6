"""Work that runs beside other work, and no longer."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any


@asynccontextmanager
async def beside(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Runs `work` while the context lasts; what is left of it then is given up, and has ended when the context has.
    Raises what `work` raised, then."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        await given_up(task)


async def given_up(task: "asyncio.Task[None]") -> None:
    """Cancels it and waits for its end. Raises what it raised."""
    task.cancel()
    await asyncio.wait([task])  # awaited itself, its cancellation could not be told from one of this task
    if not task.cancelled():
        task.result()
