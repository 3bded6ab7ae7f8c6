"""Meters that the worker processes of one server share, in a file that each of them maps.

The arithmetic is the library's (`throttled`), which keeps one number for each caller: a time of the system's monotonic
clock, the same in every process. Of callers that meet in one place of a full table, the one is forgotten that asked for
the least.
"""

import fcntl
import hashlib
import logging
import mmap
import os
import struct
import time
from pathlib import Path
from typing import Any

from throttled.store import MemoryStore, MemoryStoreBackend

from mcpkit.database.faults import translated

logger = logging.getLogger(__name__)

_NAME = "meters"
_ENTRY = struct.Struct("=16sd")  # a digest of the key, and the number; 0 is none
_PLACES, _ENTRIES = 16_384, 8  # of the table, and in each place
_PLACE = _ENTRIES * _ENTRY.size
_BETWEEN_TRIES, _TRIES = 0.0001, 2_500  # seconds, and how often, that others who use the table are waited for


class _Table(MemoryStoreBackend):
    def __init__(self, server: str | None = None, options: dict[str, Any] | None = None) -> None:
        super().__init__(server, options)
        path = Path(self.options["PATH"])
        with translated(path):
            # Not to be closed: it is used until the process ends.
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            if not self._is_whole():
                fcntl.flock(self._descriptor, fcntl.LOCK_EX)  # others may be at the same
                try:
                    # Written in full: a page for which the disk has no room when it is needed would end the process.
                    if not self._is_whole():
                        os.pwrite(self._descriptor, bytes(_PLACES * _PLACE), 0)
                finally:
                    fcntl.flock(self._descriptor, fcntl.LOCK_UN)
            self._table = mmap.mmap(self._descriptor, _PLACES * _PLACE)
        self.lock = _Lock(self._descriptor)

    def _is_whole(self) -> bool:
        return os.fstat(self._descriptor).st_size >= _PLACES * _PLACE

    def get(self, key: str) -> Any:
        digest, start = _place(key)
        for found, number in _ENTRY.iter_unpack(self._table[start : start + _PLACE]):
            if found == digest and number:
                return number
        return None

    def set(self, key: str, value: Any, timeout: int) -> None:
        digest, start = _place(key)
        entries = list(_ENTRY.iter_unpack(self._table[start : start + _PLACE]))
        own = [position for position, (found, _) in enumerate(entries) if found == digest]
        position = own[0] if own else min(range(_ENTRIES), key=lambda each: entries[each][1])
        _ENTRY.pack_into(self._table, start + position * _ENTRY.size, digest, value)


def _place(key: str) -> tuple[bytes, int]:
    digest = hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=16).digest()
    return digest, int.from_bytes(digest[:4], "big") % _PLACES * _PLACE


class SharedMeters(MemoryStore):
    """A store of `throttled`, for all meters of a server. `folder` is the workers' own. Raises Fault STORAGE_FULL."""

    _BACKEND_CLASS = _Table

    def __init__(self, folder: Path) -> None:
        super().__init__(options={"PATH": str(folder / _NAME)})


class _Lock:
    """Held for microseconds, by one thread of one process. The system takes it from a process that ends; one that is
    stopped while it has it keeps nobody from serving: after a moment the others count without it, which may lose
    something of what they count at once."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._tries = _TRIES  # before it is gone without

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        del blocking, timeout
        for _ in range(self._tries):
            try:
                # Never waiting in the system: that would keep the whole loop for as long as the other one is stopped.
                fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                time.sleep(_BETWEEN_TRIES)
            else:
                self._tries = _TRIES
                return True
        if self._tries > 1:
            logger.warning("another worker keeps the limits of callers locked; they are counted without the lock")
        self._tries = 1  # until it is to be had again: not every call is to wait for it
        return True

    def release(self) -> None:
        fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()
