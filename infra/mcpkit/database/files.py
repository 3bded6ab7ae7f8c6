"""Files that only their owner can read, from the moment they exist."""

import os
from pathlib import Path

_FOLDER = 0o700
_FILE = 0o600


def private_folder(path: Path) -> None:
    """Creates `path` and its missing parents for the owner alone. A folder that exists is left as its owner set it."""
    missing = []
    folder = path
    while not folder.exists():
        missing.append(folder)
        folder = folder.parent
    for folder in reversed(missing):
        folder.mkdir(mode=_FOLDER, exist_ok=True)  # another process may be creating it too


def private_file(path: Path) -> None:
    """Creates `path` empty, or takes an existing one's rights from everybody else.

    SQLite gives its -wal and -shm files the rights of the database file, so making this one first covers them.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, _FILE)
    try:
        if os.fstat(descriptor).st_mode & 0o777 != _FILE:
            os.fchmod(descriptor, _FILE)
    finally:
        os.close(descriptor)
