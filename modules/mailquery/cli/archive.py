"""Opening the archive for one command."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from mailquery.application import Application
from mailquery.bootstrap import missing_archive, open_application
from mailquery.cli.output.ending import run_until_ended
from mailquery.repositories.records import Visibility
from mailquery.settings import Settings, load_settings
from mcpkit.errors import ErrorCode, Fault

T = TypeVar("T")

# The command line is the local user's own.
EVERYTHING = Visibility()


def _check_archive(settings: Settings) -> None:
    """That there is one. Raises Fault SERVICE_UNAVAILABLE where it is gone, NOT_FOUND where there never was one."""
    path = settings.archive_path
    if missing := missing_archive(settings):
        raise missing
    if not path.exists():
        raise Fault(
            ErrorCode.NOT_FOUND,
            f"{path.name} is not there: no mail was imported yet. Begin with `mailquery import PATH...`, or with "
            "`mailquery accounts add ADDRESS`.",
            place=path,
        )


def with_archive(use: Callable[[Application], Awaitable[T]], settings: Settings | None = None) -> T:
    """As `with_application`, for a command that needs what is stored: it begins no archive. Raises Fault
    SERVICE_UNAVAILABLE and NOT_FOUND where there is none, too."""
    chosen = settings or load_settings()
    _check_archive(chosen)
    return with_application(use, chosen)


def with_application(use: Callable[[Application], Awaitable[T]], settings: Settings | None = None) -> T:
    """Runs `use` with the application of the settings, which are loaded where the command has not done it, and closes
    it whatever happens. Begins an archive where there is none. Raises what `use` raises."""
    chosen = settings or load_settings()

    async def opened() -> T:
        async with open_application(chosen) as application:
            return await use(application)

    return run_until_ended(opened)
