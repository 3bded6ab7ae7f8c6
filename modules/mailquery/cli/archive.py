"""Opening the archive for one command."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from mailquery.application import Application
from mailquery.bootstrap import open_application
from mailquery.cli.ending import run_until_ended
from mailquery.repositories.records import Visibility
from mailquery.settings import Settings, load_settings

T = TypeVar("T")

# The command line is the local user's own.
EVERYTHING = Visibility()


def with_application(use: Callable[[Application], Awaitable[T]], settings: Settings | None = None) -> T:
    """Runs `use` with the application of the settings, which are loaded where the command has not done it, and closes
    it whatever happens. Raises what `use` raises."""
    chosen = settings or load_settings()

    async def opened() -> T:
        async with open_application(chosen) as application:
            return await use(application)

    return run_until_ended(opened)
