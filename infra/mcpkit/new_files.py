"""Files that are made where somebody chose, and that never take the place of another."""

import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mcpkit.errors import ErrorCode, Fault

_MOST_TRIES = 1_000
_WITHOUT_LINKS = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


def write_new(folder: Path, names: Iterable[str], data: bytes) -> Path:
    """Writes `data` to the first of `names` that is free in `folder`, readable by its owner alone (0600), and gives its
    path once the system has it on the disk. What is there is never written to, whatever it is, and no link is followed:
    the folder is held open, so that whoever puts another in its place changes nothing.

    Raises Fault VALIDATION_ERROR, where the folder or the file cannot be had; nothing is left half written then.
    """
    with _opened(folder) as held:
        for name, _ in zip(names, range(_MOST_TRIES), strict=False):
            if name in ("", ".", "..") or "/" in name or "\0" in name or (os.sep != "/" and os.sep in name):
                raise ValueError("a name of one part is needed")
            try:
                file = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _WITHOUT_LINKS, 0o600, dir_fd=held)
            except FileExistsError:
                continue
            except OSError as error:
                raise _refused(folder, error) from error
            try:
                with os.fdopen(file, "wb") as written:
                    written.write(data)
                    written.flush()
                    os.fsync(written.fileno())
                os.fsync(held)
            except OSError as error:
                with suppress(OSError):
                    os.unlink(name, dir_fd=held)
                raise _refused(folder, error) from error
            return folder / name
    raise Fault(ErrorCode.VALIDATION_ERROR, f"{folder} has too many files of this name. Choose another folder.")


@contextmanager
def _opened(folder: Path) -> Iterator[int]:
    try:
        held = os.open(folder, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | _WITHOUT_LINKS)
    except FileNotFoundError as error:
        raise Fault(ErrorCode.VALIDATION_ERROR, f"There is no folder {folder}. Make it first.") from error
    except OSError as error:
        if _is_link(folder):
            message = f"{folder} is a link, and none is followed. Name the folder that it leads to."
            raise Fault(ErrorCode.VALIDATION_ERROR, message) from error
        raise _refused(folder, error) from error
    try:
        yield held
    finally:
        os.close(held)


def _is_link(path: Path) -> bool:
    with suppress(OSError):
        return stat.S_ISLNK(path.lstat().st_mode)
    return False


def _refused(folder: Path, error: OSError) -> Fault:
    return Fault(ErrorCode.VALIDATION_ERROR, f"Nothing was written to {folder}: {error.strerror or error}.")
