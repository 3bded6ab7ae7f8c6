"""The control database: what a server keeps about those who call it, apart from what it serves.

It is a file of its own, so that recording a call never waits for an import into the archive, and so that an archive can
be thrown away and made anew without anybody losing a key, a consent or the audit.
"""

from pathlib import Path

from mcpkit.database.migrations import load_migrations
from mcpkit.database.sqlite import Database


async def open_control(path: Path) -> Database:
    """Opens the control database at `path`, creating it (0600) where there is none; to be closed by the caller.

    Raises Fault STORAGE_TOO_NEW, STORAGE_DAMAGED, STORAGE_FULL, SERVICE_UNAVAILABLE, CONFLICT.
    """
    return await Database.open(path, migrations=load_migrations("mcpkit.security"), readers=1)
