"""Accepting connections at a socket that several processes may listen at."""

import asyncio
import errno
import logging
import socket
from collections.abc import Callable

logger = logging.getLogger(__name__)

_LACKING = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_LACKING_SECONDS = 1.0
_HELD_BACK_SECONDS = 0.001


class Acceptor:
    """Accepts one connection at each turn of the loop. So a process that is busy takes none, and several share a burst:
    asyncio's own servers take all that wait at once. While `holds_back` says so, another process that listens at the
    same socket is given a moment to accept in this one's place."""

    def __init__(
        self,
        listener: socket.socket,
        protocol: Callable[[], asyncio.Protocol],
        holds_back: Callable[[], bool] = lambda: False,
    ) -> None:
        self._listener = listener
        self._protocol = protocol
        self._holds_back = holds_back
        self._loop = asyncio.get_running_loop()
        self._later: asyncio.TimerHandle | None = None
        self._connecting: set[asyncio.Task[None]] = set()

    def begin(self) -> None:
        self._listener.setblocking(False)
        self._loop.add_reader(self._listener, self._ready)

    async def end(self) -> None:
        """Takes what waits already, then no more; the socket is closed in this process."""
        self._pause()
        while self._accept():
            pass
        self._listener.close()
        if self._connecting:
            await asyncio.wait(self._connecting)

    def _ready(self) -> None:
        if self._holds_back():
            self._pause()
            self._later = self._loop.call_later(_HELD_BACK_SECONDS, self._in_its_turn)
        else:
            self._accept()

    def _in_its_turn(self) -> None:
        self._accept()
        self._resume()

    def _accept(self) -> bool:
        """Whether there was a connection."""
        try:
            connection, _ = self._listener.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):  # another process was faster
            return False
        except OSError as error:
            if error.errno not in _LACKING:
                raise
            logger.error("no connection can be accepted for %g s: %s", _LACKING_SECONDS, error.strerror)  # noqa: TRY400 - it says all
            self._pause()
            self._later = self._loop.call_later(_LACKING_SECONDS, self._resume)
            return False
        self.take(connection, self._protocol)
        return True

    def take(self, connection: socket.socket, protocol: Callable[[], asyncio.Protocol]) -> None:
        """Serves a connection that was accepted somewhere."""
        task = self._loop.create_task(self._connect(connection, protocol))
        self._connecting.add(task)
        task.add_done_callback(self._connecting.discard)

    async def _connect(self, connection: socket.socket, protocol: Callable[[], asyncio.Protocol]) -> None:
        try:
            connection.setblocking(False)
            # By itself asyncio does this only where the listener was made with the protocol's number. Without it the
            # end of an answer waits for the client to acknowledge its beginning, which takes up to 40 ms.
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await self._loop.connect_accepted_socket(protocol, connection)
        except OSError as error:  # it is gone already
            logger.debug("a connection was lost at its beginning: %s", error.strerror)
            connection.close()

    def _pause(self) -> None:
        self._loop.remove_reader(self._listener)
        if self._later is not None:
            self._later.cancel()
            self._later = None

    def _resume(self) -> None:
        self._later = None
        self._loop.add_reader(self._listener, self._ready)
