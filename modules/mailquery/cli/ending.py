"""How a command is ended from outside."""

import asyncio
import signal
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


def run_until_ended(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Runs `work`. SIGTERM does what Ctrl-C does: what is under way is kept, and said. Raises what `work` raises, and
    KeyboardInterrupt."""

    async def run() -> T:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, signal.raise_signal, signal.SIGINT)
        return await work()

    return asyncio.run(run())
