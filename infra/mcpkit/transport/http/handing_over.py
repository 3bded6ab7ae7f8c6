"""Connections that move from one worker process to another, so that a request gets to the worker that has its session.

A request names its session in its head, and the first worker to see it may be any. It then hands the connection itself
to the session's worker, with what it has read of it, over a socket in the workers' own folder. From there on nobody
stands between the client and the worker that answers it: streams, cancellation and addresses are as with one process.
"""

import asyncio
import logging
import os
import socket
import struct
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from mcpkit.transport.http.connections import HEAD_BYTES, LimitedHttpProtocol
from mcpkit.transport.http.sessions import OWNER_IS_GONE, owner_of, session_in
from mcpkit.transport.workers.accepting import Acceptor

logger = logging.getLogger(__name__)

_LENGTH = struct.Struct("=I")
_TAKEN = b"\x01"
_MOST_BYTES = HEAD_BYTES + 1024 * 1024  # of a head, and what was read together with its end
_SECONDS = 10.0  # that a worker has for taking a connection
_BACKLOG = 256
_HEAD_END = b"\r\n\r\n"


class OwnerGone(Exception):
    """There is no such worker now, and so no session of it."""


class Post:
    """Takes connections that are handed to this worker, and hands others on. `folder` has a socket for each worker."""

    def __init__(self, folder: Path, number: int, count: int) -> None:
        self.number = number
        self.count = count
        self._folder = folder
        self._adopting: set[asyncio.Task[None]] = set()

    def open(self, acceptor: Acceptor, protocol: Callable[[bytes], asyncio.Protocol]) -> None:
        """Takes connections from now on. `protocol` makes that of a connection of which the given bytes were read."""
        path = self._folder / str(self.number)
        path.unlink(missing_ok=True)  # of the worker that had this number before
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(path))
        self._listener.listen(_BACKLOG)
        self._listener.setblocking(False)
        self._acceptor = acceptor
        self._protocol = protocol
        asyncio.get_running_loop().add_reader(self._listener, self._ready)

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._listener)
        self._listener.close()

    async def hand(self, to: int, connection: int, read: bytes) -> None:
        """Gives the descriptor of a connection, and what was `read` of it, to another worker. It is closed here.

        Raises OwnerGone, OSError, TimeoutError.
        """
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as channel:
                channel.setblocking(False)
                await self._give(channel, to, connection, read)
        except (BrokenPipeError, ConnectionResetError) as error:
            raise OwnerGone from error
        finally:
            os.close(connection)

    async def _give(self, channel: socket.socket, to: int, connection: int, read: bytes) -> None:
        loop = asyncio.get_running_loop()
        try:
            await loop.sock_connect(channel, str(self._folder / str(to)))
        except (ConnectionRefusedError, FileNotFoundError) as error:
            raise OwnerGone from error
        try:
            async with asyncio.timeout(_SECONDS):
                socket.send_fds(channel, [_LENGTH.pack(len(read))], [connection])
                await loop.sock_sendall(channel, read)
                if await loop.sock_recv(channel, 1) != _TAKEN:
                    raise OwnerGone
        except TimeoutError:
            # From here on the other one cannot say that it takes it; one that hangs and wakes must not answer too.
            channel.shutdown(socket.SHUT_RD)
            if channel.recv(1) != _TAKEN:  # nor has it said so in the last moment
                raise

    def _ready(self) -> None:
        with suppress(BlockingIOError, InterruptedError, ConnectionAbortedError):
            channel, _ = self._listener.accept()
            task = asyncio.create_task(self._adopt(channel))
            self._adopting.add(task)
            task.add_done_callback(self._adopting.discard)

    async def _adopt(self, channel: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        with channel, ExitStack() as stack:
            channel.setblocking(False)
            try:
                async with asyncio.timeout(_SECONDS):
                    await _readable(channel)
                    head, descriptors, _, _ = socket.recv_fds(channel, _LENGTH.size, 1)
                    stack.enter_context(connection := socket.socket(fileno=descriptors[0]))
                    (length,) = _LENGTH.unpack(head)
                    read = bytearray()
                    while len(read) < min(length, _MOST_BYTES):
                        chunk = await loop.sock_recv(channel, length - len(read))
                        if not chunk:
                            raise ConnectionResetError
                        read += chunk
                    # First, since the other one may have given up waiting: then the connection is its again.
                    await loop.sock_sendall(channel, _TAKEN)
                    stack.pop_all()
                    self._acceptor.take(connection, lambda: self._protocol(bytes(read)))
            except (OSError, TimeoutError, IndexError, struct.error) as error:  # the other one has ended meanwhile
                logger.warning("a connection that was handed over was lost: %s", type(error).__name__)


async def _readable(channel: socket.socket) -> None:
    loop, readable = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(channel, readable.set)
    try:
        await readable.wait()
    finally:
        loop.remove_reader(channel)


class MovingHttpProtocol(LimitedHttpProtocol):
    """Looks at the head of each request, and moves the connection where another worker has the session it names.

    `read` is what another worker has read of the connection. A request that comes while the one before it is being
    answered is not moved: its client does not wait for answers, as no client of the protocol does.
    """

    def __init__(self, *args: Any, post: Post, read: bytes = b"", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._post = post
        self._read_before = read
        self._in_message = False
        self._starts_here = False  # the next message begins with the chunk
        self._is_whole = False  # `_head` is all that was read of the message
        self._head = bytearray()
        self._moving: asyncio.Task[None] | None = None
        self._owner_is_gone = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        if self._read_before:
            self.data_received(self._read_before)

    def data_received(self, data: bytes) -> None:
        if self.is_turned_away:
            super().data_received(data)
            return
        self._starts_here = not self._in_message
        if self._starts_here:
            self._head.clear()
            self._is_whole = True
        self._is_whole = self._is_whole and self._is_idle
        if self._is_whole and self._in_head:
            self._head += data
            if _HEAD_END in self._head:
                session = session_in(self._head[: self._head.index(_HEAD_END) + 2])
                owner = self._post.number if session is None else owner_of(session, self._post.count)
                if owner != self._post.number:
                    self._move(owner, data)
                    return
        super().data_received(data)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._is_whole = self._starts_here and self._is_whole
        self._starts_here = False
        self._in_message = True

    def on_headers_complete(self) -> None:
        if self._owner_is_gone:
            self.scope["state"][OWNER_IS_GONE] = True
            self._owner_is_gone = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._in_message = False
        self._is_whole = False

    def shutdown(self) -> None:
        if self._moving is None:
            super().shutdown()

    @property
    def _is_idle(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _move(self, owner: int, last: bytes) -> None:
        self._unset_keepalive_if_required()
        self._head_is_there()
        self.transport.pause_reading()
        # A descriptor of its own, so that whatever closes the connection here cannot have it name another file.
        connection = os.dup(self.transport.get_extra_info("socket").fileno())
        self._moving = self.loop.create_task(self._hand(owner, connection, last))

    async def _hand(self, owner: int, connection: int, last: bytes) -> None:
        try:
            await self._post.hand(owner, connection, bytes(self._head))
        except OwnerGone:
            self._owner_is_gone = True
            self._stay(last)
        except (OSError, TimeoutError) as error:
            logger.warning("a connection could not be handed over: %s", type(error).__name__)
            self._stay(last)
        else:
            self.transport.close()  # the other worker has it open

    def _stay(self, last: bytes) -> None:
        """The request is answered here: there is no such session, or it is refused."""
        self._moving = None
        if not self.transport.is_closing():
            super().data_received(last)
            self.transport.resume_reading()
