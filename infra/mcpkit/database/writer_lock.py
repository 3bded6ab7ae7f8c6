"""One writer at a time, across processes."""

import os
from pathlib import Path

from filelock import FileLock, Timeout

from mcpkit.database.files import private_file
from mcpkit.errors import ErrorCode, Fault

_RETRY_AFTER = 10.0  # seconds
_WRITING = "is writing to this archive. Wait for it to end, or stop it."


class WriterLock:
    """An advisory lock in a file beside the database. The system releases it when its process ends, however it ends.

    The holder's process id is kept in the file for the message that others get.
    """

    def __init__(self, path: Path, doing: str = _WRITING) -> None:
        """`doing` is what its holder does, as the others are told."""
        self._path = path
        self._doing = doing
        self._lock = FileLock(path, thread_local=False)

    def acquire(self, timeout: float = 0.0) -> None:
        """Takes the lock within `timeout` seconds, waiting in the calling thread. Raises Fault CONFLICT."""
        private_file(self._path)
        try:
            self._lock.acquire(timeout=timeout)
        except Timeout as error:
            holder = self._holder()
            raise Fault(
                ErrorCode.CONFLICT,
                f"Another process ({holder or 'unknown'}) {self._doing}",
                details={"pid": holder} if holder else {},
                retry_after=_RETRY_AFTER,
            ) from error
        self._path.write_text(f"{os.getpid()}\n", "ascii")

    def release(self) -> None:
        self._lock.release()

    def is_held(self) -> bool:
        """Whether any process, this one too, holds it: who looks has it for a moment."""
        probe = WriterLock(self._path)
        try:
            probe.acquire()
        except Fault:
            return True
        probe.release()
        return False

    def _holder(self) -> int | None:
        try:
            return int(self._path.read_text("ascii").strip())
        except (OSError, ValueError):
            return None
