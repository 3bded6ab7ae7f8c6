"""A database that is there, and of this version."""

from collections.abc import Callable, Mapping, Sequence

from mcpkit.database.connections import connect
from mcpkit.database.faults import translated
from mcpkit.database.files import private_file, private_folder
from mcpkit.database.migrations import Migration, check_version, migrate
from mcpkit.database.place import Place
from mcpkit.database.writer_lock import WriterLock

SqlFunction = Callable[[str], str | int | float | None]
"""A function of one argument that statements can use."""

_MIGRATION_TIMEOUT = 30.0  # seconds to wait for another process that creates or migrates the same database
_PAGE_SIZE = 8192


def is_current(place: Place, migrations: Sequence[Migration]) -> bool:
    """Whether there is a database with all of the `migrations`. Takes everybody else's rights to it away.

    Raises Fault STORAGE_TOO_NEW, STORAGE_DAMAGED.
    """
    path = place.path
    with translated(path):
        if not path.exists() or path.stat().st_size == 0:
            return False
        private_file(path)
        connection = connect(path, read_only=True)
        try:
            return check_version(connection, path, migrations)
        finally:
            connection.close()


def prepare(
    place: Place, lock: WriterLock, migrations: Sequence[Migration], functions: Mapping[str, SqlFunction]
) -> None:
    """Creates the database (0600) and its folder (0700) where they are missing, and applies the `migrations` that are
    due, which can use `functions`.

    Raises Fault STORAGE_TOO_NEW, STORAGE_DAMAGED, STORAGE_FULL, SERVICE_UNAVAILABLE; CONFLICT where another process
    keeps writing.
    """
    path = place.path
    with translated(path):
        private_folder(path.parent)
        lock.acquire(_MIGRATION_TIMEOUT)
        try:
            place.check_log()
            private_file(path)
            connection = connect(path, read_only=False)
            try:
                connection.execute(f"PRAGMA page_size = {_PAGE_SIZE}")
                connection.execute("PRAGMA journal_mode = WAL")
                for name, function in functions.items():
                    connection.create_function(name, 1, function, deterministic=True)
                if not check_version(connection, path, migrations):
                    migrate(connection, migrations)
            finally:
                connection.close()
        finally:
            lock.release()
