"""A link between a client and a server on loopback: it counts what goes through, and may be slow.

`python -m mailbench.synchronising.proxy PORT TARGET DELAY` runs one as a process of its own, so that it shares no
interpreter with what is measured. It prints the bytes from the server, as a number on a line, for every line on its
standard input.
"""

import asyncio
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from mailbench.synchronising.dovecot import free_port

_CHUNK = 256 * 1024
_IN_FLIGHT = 8 * 1024 * 1024  # bytes that may be under way in one direction, as in a link's buffers


class Link:
    """A running proxy, seen from the benchmark."""

    def __init__(self, port: int, process: "subprocess.Popen[str]") -> None:
        self.port = port
        self._process = process

    def received(self) -> int:
        """Bytes that came from the server so far."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())


@contextmanager
def link(target: int, delay: float = 0.0) -> Iterator[Link]:
    """A proxy to the port `target`; `delay` is added to each direction, in seconds: half of a round trip."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", __name__, str(port), str(target), str(delay)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        process.stdout.readline()  # it listens
        yield Link(port, process)
    finally:
        process.kill()
        process.communicate()


class _Direction:
    """One way through the link. Every piece arrives `delay` after it was sent; none waits for the one before it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay: float) -> None:
        self._reader = reader
        self._writer = writer
        self._delay = delay
        self._pieces: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        self._room = asyncio.Semaphore(_IN_FLIGHT // _CHUNK)

    async def carry(self, count: Callable[[int], None]) -> None:
        delivering = asyncio.create_task(self._deliver())
        now = asyncio.get_running_loop().time
        piece = b"-"
        while piece:
            await self._room.acquire()
            try:
                piece = await self._reader.read(_CHUNK)
            except OSError:
                piece = b""
            count(len(piece))
            self._pieces.put_nowait((now() + self._delay, piece))
        await delivering

    async def _deliver(self) -> None:
        now = asyncio.get_running_loop().time
        while True:
            due, piece = await self._pieces.get()
            await asyncio.sleep(max(0.0, due - now()))
            with suppress(OSError):  # the other side has gone
                if not piece:
                    self._writer.close()
                    return
                self._writer.write(piece)
                await self._writer.drain()
            self._room.release()


class _Proxy:
    def __init__(self, target: int, delay: float) -> None:
        self._target = target
        self._delay = delay
        self.from_server = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self._target)
        await asyncio.gather(
            _Direction(reader, server_writer, self._delay).carry(lambda size: None),
            _Direction(server_reader, writer, self._delay).carry(self._count),
        )

    def _count(self, size: int) -> None:
        self.from_server += size


async def _run(port: int, target: int, delay: float) -> None:
    proxy = _Proxy(target, delay)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", port)
    print("listening", flush=True)
    async with server:
        while await asyncio.to_thread(sys.stdin.readline):
            print(proxy.from_server, flush=True)


if __name__ == "__main__":
    asyncio.run(_run(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])))
