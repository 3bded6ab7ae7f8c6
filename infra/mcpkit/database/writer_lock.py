"""One writer at a time, across processes."""

import errno
import fcntl
import os
import time
from pathlib import Path

from filelock import FileLock, Timeout

from mcpkit.database.files import private_file
from mcpkit.errors import ErrorCode, Fault

_RETRY_AFTER = 10.0  # seconds
_BETWEEN_TRIES = 0.001  # seconds, while somebody has it who only looks
_LOOKED_AT = 5.0  # seconds; who looks has it for microseconds, or was stopped there
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
        given_up = time.monotonic() + _LOOKED_AT
        while True:
            try:
                self._lock.acquire(timeout=timeout)
                break
            except Timeout as error:
                if self.is_held() or time.monotonic() > given_up:
                    raise self._conflict() from error
            time.sleep(_BETWEEN_TRIES)
        self._path.write_text(f"{os.getpid()}\n", "ascii")

    def release(self) -> None:
        self._lock.release()

    def is_held(self) -> bool:
        """Whether any process, this one too, holds it. Raises OSError where the file cannot be read.

        Who looks shares it for a moment, which `acquire` tells from a holder.
        """
        try:
            descriptor = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in {errno.EWOULDBLOCK, errno.EACCES}:
                return True
            raise
        finally:
            os.close(descriptor)
        return False

    def _conflict(self) -> Fault:
        holder = self._holder()
        return Fault(
            ErrorCode.CONFLICT,
            f"Another process ({holder or 'unknown'}) {self._doing}",
            details={"pid": holder} if holder else {},
            retry_after=_RETRY_AFTER,
        )

    def _holder(self) -> int | None:
        try:
            return int(self._path.read_text("ascii").strip())
        except (OSError, ValueError):
            return None
