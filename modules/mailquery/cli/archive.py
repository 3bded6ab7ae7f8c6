"""Opening the archive for one command."""

from collections.abc import Awaitable, Callable
from pathlib import Path
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


def is_begun(archive: Path) -> bool:
    """Also one whose file was moved away from its log: opening it says so."""
    log = archive.with_name(archive.name + "-wal")
    return archive.exists() or (log.exists() and log.stat().st_size > 0)


def check_begun(settings: Settings) -> None:
    """That there is something to read, be it the records of an archive that is away. Raises Fault NOT_FOUND where there
    never was one."""
    path = settings.archive_path
    if not is_begun(path) and not settings.control_path.exists():
        raise Fault(
            ErrorCode.NOT_FOUND,
            f"{path.name} is not there: no mail was imported yet. Begin with `mailquery import PATH...`, or with "
            "`mailquery accounts add ADDRESS`.",
            place=path,
        )


def with_archive(use: Callable[[Application], Awaitable[T]], settings: Settings | None = None) -> T:
    """As `with_application`, for a command that needs what is stored: it begins no archive. Raises Fault NOT_FOUND
    where there never was one, too."""
    chosen = settings or load_settings()
    check_begun(chosen)
    return with_application(use, chosen)


def with_application(
    use: Callable[[Application], Awaitable[T]], settings: Settings | None = None, *, anew: bool = False
) -> T:
    """Runs `use` with the application of the settings, which are loaded where the command has not done it, and closes
    it whatever happens. Begins an archive where there never was one, and in the place of one that is gone only with
    `anew`. Raises Fault SERVICE_UNAVAILABLE where it is gone, and what `use` raises."""
    chosen = settings or load_settings()
    if not anew and (missing := missing_archive(chosen)):
        raise missing

    async def opened() -> T:
        async with open_application(chosen) as application:
            return await use(application)

    return run_until_ended(opened)
