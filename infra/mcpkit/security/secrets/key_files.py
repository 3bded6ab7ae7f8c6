"""Keys in files: their owner's alone, or not used."""

import os
import stat
from pathlib import Path

from mcpkit.errors import ErrorCode, Fault
from mcpkit.security.tokens import load_or_create_key

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def load_private_key(path: Path) -> bytes:
    """The key in the file at `path`, made at first use.

    Raises:
        Fault: CONFIGURATION, where others may read it, it is another user's, or it is no key.
        OSError: the folder cannot be written.
    """
    key = load_or_create_key(path.parent, path.name)
    refuse_shared(path)
    return key


def refuse_shared(path: Path) -> None:
    """
    Raises:
        Fault: CONFIGURATION, where anybody but the user of this process could have read the file.
    """
    found = path.stat()
    if found.st_mode & _OTHERS:
        raise Fault(
            ErrorCode.CONFIGURATION,
            f"A file holds a key and is open to others ({stat.S_IMODE(found.st_mode):o}). If nobody else has read it, "
            f"run: chmod 600 '{path.name}'",
            place=path,
        )
    if found.st_uid not in (os.geteuid(), 0):
        raise Fault(
            ErrorCode.CONFIGURATION,
            f"{path.name} holds a key and belongs to another user. Use a file of your own.",
            place=path,
        )
