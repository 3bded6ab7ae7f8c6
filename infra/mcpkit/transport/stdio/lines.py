"""Lines of bytes from and to descriptors, without blocking the loop and without keeping more than a line's limit."""

import errno
import os
from collections.abc import AsyncIterator

import anyio
from anyio import CapacityLimiter, to_thread

_CHUNK = 64 * 1024


class OversizedLine:
    """Stands for a line that was longer than the limit and was dropped while it was read."""


async def read_lines(descriptor: int, limit: int) -> AsyncIterator[bytes | OversizedLine]:
    """Each line without its end, until the end of the input. `limit` is in bytes."""
    buffer = bytearray()
    dropping = False
    while chunk := await _read(descriptor):
        start = 0
        while (end := chunk.find(b"\n", start)) >= 0:
            if dropping or len(buffer) + end - start > limit:
                yield OversizedLine()
            else:
                yield bytes(buffer) + chunk[start:end]
            buffer.clear()
            dropping = False
            start = end + 1
        if not dropping:
            buffer += chunk[start:]
            if len(buffer) > limit:
                dropping = True
                buffer.clear()
    if dropping:
        yield OversizedLine()
    elif buffer:
        yield bytes(buffer)


async def _read(descriptor: int) -> bytes:
    try:
        await anyio.wait_readable(descriptor)
    except PermissionError:  # a regular file, which is always ready and which epoll refuses
        return os.read(descriptor, _CHUNK)
    return os.read(descriptor, _CHUNK)  # does not wait, since there is something or the end


class LineWriter:
    """Writes whole lines, one after the other.

    In a thread: a client that does not read makes the write wait, and a pipe that reports room may have too little.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._one_at_a_time = CapacityLimiter(1)

    async def write(self, line: bytes) -> None:
        """
        Raises:
            BrokenPipeError: nobody reads any more.
        """
        await to_thread.run_sync(self._write_all, line + b"\n", abandon_on_cancel=True, limiter=self._one_at_a_time)

    def _write_all(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[os.write(self._descriptor, rest) :]
            except OSError as error:
                if error.errno in (errno.EPIPE, errno.EBADF, errno.ECONNRESET):
                    raise BrokenPipeError from error
                raise
