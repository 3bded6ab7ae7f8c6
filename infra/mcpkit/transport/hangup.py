"""SIGHUP: the settings are to be read again."""

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from mcpkit.beside import beside


@asynccontextmanager
async def on_hangup(act: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    """Runs `act` for each SIGHUP, one after the other, on platforms that have the signal. Several that come while it
    runs count as one."""
    if not hasattr(signal, "SIGHUP"):
        yield
        return
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()

    async def wait() -> None:
        while True:
            await asked.wait()
            asked.clear()
            await act()

    async with beside(wait()):
        loop.add_signal_handler(signal.SIGHUP, asked.set)
        try:
            yield
        finally:
            loop.remove_signal_handler(signal.SIGHUP)
