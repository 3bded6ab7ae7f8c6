"""Whether the archive, and what is kept about its callers, can be had."""

import asyncio

from mailquery.repositories.sqlite.archive import Archive
from mcpkit.database.migrations import schema_version
from mcpkit.database.sqlite import Database
from mcpkit.monitoring.disk_probe import DiskProbe


class SqliteCondition:
    """`Condition`."""

    def __init__(self, archive: Archive, control: Database) -> None:
        self._archive = archive
        self._control = control
        # A file of its own: to close one of SQLite's own files would take its locks away from it.
        self._probe = DiskProbe(archive.path.with_name(f"{archive.path.name}.probe"))

    async def check(self) -> None:
        for database in (self._archive, self._control):
            await asyncio.to_thread(database.place.check)
            await database.read(lambda connection: connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone())

    async def disk_seconds(self) -> float | None:
        return await self._probe()

    async def check_recording(self) -> None:
        # The same number again: that is written like any other change, and changes nothing.
        await self._control.write(
            lambda connection: connection.execute(f"PRAGMA user_version = {schema_version(connection)}")
        )

    async def schema(self) -> tuple[int, int]:
        return await self._archive.read_unshown(schema_version), self._archive.schema

    async def size(self) -> int:
        return await asyncio.to_thread(self._archive.place.size)

    async def being_written(self) -> bool:
        return await asyncio.to_thread(self._archive.is_held)
