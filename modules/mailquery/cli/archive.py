"""Opening the archive for one command."""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from typing import TypeVar

from mailquery.bootstrap import Application, open_application
from mailquery.repositories.records import Visibility
from mailquery.settings import load_settings

T = TypeVar("T")

# The command line is the local user's own.
EVERYTHING = Visibility()


def with_application(use: Callable[[Application], Awaitable[T]]) -> T:
    """Runs `use` with the application of the settings, and closes it whatever happens. Raises what `use` raises."""
    settings = load_settings()

    async def opened() -> T:
        # Whoever ends the command from outside wants what Ctrl-C does: what is under way is kept, and said.
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, signal.raise_signal, signal.SIGINT)
        async with open_application(settings) as application:
            return await use(application)

    return asyncio.run(opened())
