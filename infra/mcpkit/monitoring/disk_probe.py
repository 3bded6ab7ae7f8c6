"""How long a disk takes for next to nothing: what a program keeps in memory tells nothing of it."""

import asyncio
import os
import time
from contextlib import suppress
from pathlib import Path

_BYTES = 4096


class DiskProbe:
    """Writes a page to the file `path`, which it makes, has the disk confirm it, and reads it back from there."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._under_way: asyncio.Task[float | None] | None = None

    async def __call__(self) -> float | None:
        """The seconds; None where nothing can be written. One that hangs is waited for by all who ask meanwhile: it has
        a thread, of which there are few."""
        if self._under_way is None or self._under_way.done():
            self._under_way = asyncio.create_task(asyncio.to_thread(self._seconds))
        return await asyncio.shield(self._under_way)

    def _seconds(self) -> float | None:
        began = time.monotonic()
        try:
            self._touch()
        except OSError:  # no room, no rights: other checks say that
            return None
        return time.monotonic() - began

    def _touch(self) -> None:
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            os.pwrite(descriptor, bytes(_BYTES), 0)
            os.fsync(descriptor)
            if hasattr(os, "posix_fadvise"):  # so that it is not read from memory; macOS has none
                with suppress(OSError):  # nor do all file systems
                    os.posix_fadvise(descriptor, 0, _BYTES, os.POSIX_FADV_DONTNEED)
            os.pread(descriptor, _BYTES, 0)
        finally:
            os.close(descriptor)
