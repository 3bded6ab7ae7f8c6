"""What a failure of SQLite means to the person who runs the server."""

import errno
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mcpkit.errors import ErrorCode, Fault
from mcpkit.shortage import too_little_memory

_RETRY_AFTER = 2.0  # seconds
_NO_ROOM = 1 << 20  # bytes: with less left on the disk, an I/O error is taken for a full disk
_PRIMARY = 0xFF  # SQLite's extended result codes keep the primary one in their lowest byte


def storage_full(path: Path) -> Fault:
    return Fault(
        ErrorCode.STORAGE_FULL,
        f"There is no room left to write {path.name}. What was being written was undone; nothing stored before is "
        "lost. Free some space on its disk, then do the same again.",
    )


def storage_damaged(path: Path, what: str) -> Fault:
    return Fault(
        ErrorCode.STORAGE_DAMAGED,
        f"{path.name} is damaged or no archive: {what}. Move it away with its -wal and -shm files, and put back a "
        "copy. Without one, import again what was imported; all else that was in it is lost.",
        place=path,
    )


def slow_storage(path: Path, seconds: float) -> Fault:
    return Fault(
        ErrorCode.TIMEOUT,
        f"{path.name} gave no answer within {seconds:g} s: its disk is slow, or the machine has too much to do. Try "
        "again in a moment.",
        retry_after=_RETRY_AFTER,
    )


def _unopened(path: Path, why: str) -> Fault:
    return Fault(ErrorCode.SERVICE_UNAVAILABLE, f"{path.name} cannot be opened{why}", place=path)


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turns what sqlite3 and the file system raise into the `Fault` that says what to do."""
    try:
        yield
    except sqlite3.Error as error:
        fault = _fault_of(error, path)
        if fault is None:
            raise
        raise fault from error
    except BrokenPipeError:  # of what is printed meanwhile: no file is a closed pipe
        raise
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise storage_full(path) from error
        helps = "Mount it for writing." if error.errno == errno.EROFS else "Check its folder and rights."
        raise _unopened(path, f": {error.strerror}. {helps}") from error


def _fault_of(error: sqlite3.Error, path: Path) -> Fault | None:
    code: int | None = getattr(error, "sqlite_errorcode", None)  # absent from what the module itself raises
    if code is None:
        return None
    match code & _PRIMARY:
        case sqlite3.SQLITE_NOMEM:
            return too_little_memory()
        case sqlite3.SQLITE_FULL:
            return storage_full(path)
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            return storage_damaged(path, str(error))
        case sqlite3.SQLITE_ERROR if str(error).startswith("no such table"):  # the migrations have made all of them
            return storage_damaged(path, str(error))
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return Fault(
                ErrorCode.SERVICE_UNAVAILABLE,
                f"{path.name} is busy: another process is writing. Try again in a moment.",
                retry_after=_RETRY_AFTER,
            )
        case sqlite3.SQLITE_INTERRUPT:
            return Fault(
                ErrorCode.TIMEOUT,
                "The query took too long and was stopped. Narrow it: add a date range, a sender or a mailbox, or use "
                "rarer words and longer prefixes.",
            )
        case sqlite3.SQLITE_IOERR:
            if shutil.disk_usage(path.parent).free < _NO_ROOM:
                return storage_full(path)
            return Fault(
                ErrorCode.SERVICE_UNAVAILABLE,
                f"The disk reported an error for {path.name} ({error}). Check the disk.",
                place=path,
            )
        case sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM | sqlite3.SQLITE_AUTH:
            return _unopened(path, f" ({error}). Check its folder and rights.")
        case _:
            return None
