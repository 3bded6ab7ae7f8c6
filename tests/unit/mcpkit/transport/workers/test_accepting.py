import asyncio
import socket

from mcpkit.transport.http.application import listen
from mcpkit.transport.workers.accepting import Acceptor


class Kept(asyncio.Protocol):
    def __init__(self, connected: asyncio.Future[socket.socket]) -> None:
        self._connected = connected

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._connected.set_result(transport.get_extra_info("socket"))


async def test_what_is_sent_on_a_connection_does_not_wait_for_acknowledgements() -> None:
    connected: asyncio.Future[socket.socket] = asyncio.get_running_loop().create_future()
    listener = listen("127.0.0.1", 0)
    acceptor = Acceptor(listener, lambda: Kept(connected))
    acceptor.begin()
    _, writer = await asyncio.open_connection(*listener.getsockname())
    try:
        accepted = await asyncio.wait_for(connected, 10)
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    finally:
        writer.close()
        await acceptor.end()
