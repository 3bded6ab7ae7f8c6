"""How a supervisor sees that the event loops of its workers go on, and they that its own does.

Each loop counts up a number of its own, in memory that the workers and the supervisor have in common. No clock is
compared: what counts is whether a number has changed, and how much time the supervisor itself has seen go by meanwhile.
So neither a machine that slept, nor one on which everything was stopped, nor a clock that was set ends a worker.
"""

import asyncio
import mmap
import os
import struct
from pathlib import Path

_NAME = "signs-of-life"
_COUNT = struct.Struct("=Q")
_BEAT_SECONDS = 0.25
_LOOKS = 20  # of the supervisor, in the time after which a worker counts as hanging
_LONGEST_LOOK = 1.0  # seconds between two of them


class SignsOfLife:
    """Of `count` workers, and of their supervisor, whose number is `count`. `folder` is their own. Raises OSError."""

    def __init__(self, folder: Path, count: int) -> None:
        size = (count + 1) * _COUNT.size
        descriptor = os.open(folder / _NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            # Written, not only made longer: a page for which the disk has no room would end whoever touches it.
            if os.fstat(descriptor).st_size < size:
                os.pwrite(descriptor, bytes(size), 0)
            self._shared = mmap.mmap(descriptor, size)
        finally:
            os.close(descriptor)

    def count(self, number: int) -> int:
        """How many signs worker `number`, and those that had the number before it, have given."""
        (found,) = _COUNT.unpack_from(self._shared, number * _COUNT.size)
        return int(found)

    def give(self, number: int) -> None:
        _COUNT.pack_into(self._shared, number * _COUNT.size, self.count(number) + 1)

    def keep_giving(self, number: int) -> None:
        """From the running loop, as long as it goes on."""
        self.give(number)
        asyncio.get_running_loop().call_later(_BEAT_SECONDS, self.keep_giving, number)


async def silence(signs: SignsOfLife, number: int, seconds: float) -> None:
    """Returns when the process of this number has given no sign for `seconds` of this process's own progress."""
    between = min(_LONGEST_LOOK, seconds / _LOOKS)
    loop = asyncio.get_running_loop()
    quiet, last, looked = 0.0, signs.count(number), loop.time()
    while quiet < seconds:
        await asyncio.sleep(between)
        count, now = signs.count(number), loop.time()
        # A look that comes late tells that this process was held up, and so most likely the other was.
        quiet = 0.0 if count != last else quiet + min(now - looked, 2 * between)
        last, looked = count, now


async def next_sign(signs: SignsOfLife, number: int) -> None:
    """Returns when the process of this number gives one."""
    last = signs.count(number)
    while signs.count(number) == last:  # noqa: ASYNC110 - another process gives it
        await asyncio.sleep(_BEAT_SECONDS)
