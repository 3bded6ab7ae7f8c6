"""Running the HTTP server: from the first connection until all that ran when it was told to end is finished."""

import asyncio
import logging
import signal
import socket
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from types import FrameType
from typing import Any

import uvicorn
from sse_starlette.sse import AppStatus

from mcpkit.transport.http.closing import Closing
from mcpkit.transport.http.connections import LimitedHttpProtocol
from mcpkit.transport.http.handing_over import MovingHttpProtocol, Post
from mcpkit.transport.workers.accepting import Acceptor
from mcpkit.transport.workers.seats import Seat

logger = logging.getLogger(__name__)

_LAST_SECONDS = 3  # in which clients that read slowly take what is left of their answers
_TICK = 0.05  # seconds in which a second signal is noticed


class Runner(uvicorn.Server):
    """Ends in steps when it is told to, by SIGINT, SIGTERM or `should_exit`: for `drain_seconds` it goes on as before,
    so that whoever watches it sends requests elsewhere; then it accepts no more, and what runs has `shutdown_seconds`.
    A second signal ends it at once."""

    def __init__(
        self,
        config: uvicorn.Config,
        listener: socket.socket,
        closing: Closing,
        *,
        on_ready: Callable[[], object] = lambda: None,
        on_end: Callable[[], object] = lambda: None,
        seat: Seat | None = None,
        drain_seconds: float = 0.0,
        shutdown_seconds: float = 8.0,
    ) -> None:
        """`on_end` is called when it is told to end, also in a signal handler. With a `seat` this process is one of
        several workers: it ends when their supervisor has ended."""
        config.timeout_graceful_shutdown = _LAST_SECONDS
        # By itself it cuts off every answer that is streamed as soon as the server is told to end.
        AppStatus.disable_automatic_graceful_drain()  # type: ignore[no-untyped-call]  # it has no types
        super().__init__(config)
        self._listener = listener
        self._closing = closing
        self._on_ready = on_ready
        self._on_end = on_end
        self._seat = seat
        self._post: Post | None = None
        self._drain_seconds = drain_seconds
        self._shutdown_seconds = shutdown_seconds

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        # A service manager tells each process of a service, and the supervisor tells its workers: that is one telling.
        if self.should_exit and self._seat is None:
            self.force_exit = True
        super().handle_exit(sig, frame)
        self._on_end()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup([])
        parts = {"config": self.config, "server_state": self.server_state, "app_state": self.lifespan.state}
        if self._seat is None:
            self._acceptor = Acceptor(self._listener, partial(LimitedHttpProtocol, **parts))
        else:
            self._take_seat(self._seat, parts)
        self._acceptor.begin()
        self._on_ready()

    def _take_seat(self, seat: Seat, parts: Mapping[str, Any]) -> None:
        self._post = post = Post(seat.folder, seat.number, seat.count)
        protocol = partial(MovingHttpProtocol, post=post, **parts)
        connections = self.server_state.connections
        self._acceptor = Acceptor(self._listener, protocol, lambda: seat.loads.is_above_others(len(connections)))
        post.open(self._acceptor, lambda read: protocol(read=read))
        seat.when_abandoned(self._abandoned)
        seat.show_life()

    def _abandoned(self) -> None:
        logger.error("the supervisor of the workers has ended, and so does this worker")
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._on_end()
        if self._drain_seconds:
            logger.info("this server takes requests for %g seconds more", self._drain_seconds)
            await self._unless_at_once(asyncio.sleep(self._drain_seconds))
        await self._acceptor.end()
        self._closing.begin()
        await self._unless_at_once(self._closing.finished(self._shutdown_seconds))
        await super().shutdown([])
        if self._post is not None:
            self._post.close()

    async def _unless_at_once(self, waiting: Coroutine[None, None, object]) -> None:
        # Looked at again and again: a handler of `signal.signal` does not wake the loop.
        task = asyncio.ensure_future(waiting)
        while not task.done() and not self.force_exit:
            await asyncio.wait([task], timeout=_TICK)
        task.cancel()


@contextmanager
def signals_end_quietly() -> Iterator[None]:
    """After it shut down, uvicorn raises the signal that ended it once more, for handlers that were there before it."""
    before = {number: signal.signal(number, lambda *_: None) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
