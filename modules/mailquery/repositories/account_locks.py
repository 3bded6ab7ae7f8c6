"""One synchronisation of an account at a time, across processes."""

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from mcpkit.database.files import private_folder
from mcpkit.database.writer_lock import WriterLock


class AccountLocks:
    """Files in `folder`, which the system unlocks when the process that holds them ends, however it ends."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @asynccontextmanager
    async def hold(self, name: str) -> AsyncIterator[None]:
        """Holds the lock of this account. Raises Fault CONFLICT where any holds it already."""
        lock = WriterLock(self._path(name), f"synchronises {name}. Wait for it to end, or stop it.")
        private_folder(self._folder)
        lock.acquire()
        try:
            yield
        finally:
            lock.release()

    def is_held(self, name: str) -> bool:
        """Whether any process, this one too, holds it."""
        return WriterLock(self._path(name)).is_held()

    def _path(self, name: str) -> Path:
        """A name can hold what a file's may not, and differ from another by its case alone."""
        return self._folder / f"{hashlib.sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()[:32]}.lock"
