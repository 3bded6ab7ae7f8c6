"""A connection that is handed to a worker that hangs: one of the two has it in the end, never both."""

import asyncio
import os
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path

import pytest

from mcpkit.transport.http import handing_over
from mcpkit.transport.http.handing_over import OwnerGone, Post
from mcpkit.transport.workers.accepting import Acceptor


def connected() -> tuple[socket.socket, socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        return client, listener.accept()[0]


class _Taken(asyncio.Protocol):
    def __init__(self, read: bytes, into: list[bytes]) -> None:
        into.append(read)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        transport.write(b"theirs")
        transport.close()


class _Other:
    """Another worker, in a thread, that hangs until it `wakes`."""

    def __init__(self, folder: Path) -> None:
        self.taken: list[bytes] = []
        self.wakes = threading.Event()
        self.is_open: Future[None] = Future()
        self.ends = threading.Event()
        self._folder = folder
        self.thread = threading.Thread(target=lambda: asyncio.run(self._run()))
        self.thread.start()

    async def _run(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            post = Post(self._folder, 1, 2)
            acceptor = Acceptor(listener, lambda: _Taken(b"", self.taken))
            post.open(acceptor, lambda read: _Taken(read, self.taken))
            self.is_open.set_result(None)
            self.wakes.wait()
            while not self.ends.is_set() or post._adopting:
                await asyncio.sleep(0.01)
            post.close()


@contextmanager
def hanging(folder: Path) -> Iterator[_Other]:
    other = _Other(folder)
    other.is_open.result(20)
    try:
        yield other
    finally:
        other.wakes.set()
        other.ends.set()
        other.thread.join()


async def test_one_that_wakes_after_it_was_given_up_does_not_take_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(handing_over, "_SECONDS", 0.2)
    client, connection = connected()
    with client, connection, hanging(tmp_path) as other:
        with pytest.raises(TimeoutError):
            await Post(tmp_path, 0, 2).hand(1, os.dup(connection.fileno()), b"a request")
        monkeypatch.setattr(handing_over, "_SECONDS", 20.0)
        other.wakes.set()
        async with asyncio.timeout(20):
            while "was lost" not in caplog.text:
                await asyncio.sleep(0.01)
        assert other.taken == []
        connection.sendall(b"ours")
        client.settimeout(20)
        assert client.recv(100) == b"ours"


async def test_one_that_wakes_in_time_takes_it(tmp_path: Path) -> None:
    client, connection = connected()
    with client, hanging(tmp_path) as other:
        handing = asyncio.create_task(Post(tmp_path, 0, 2).hand(1, connection.detach(), b"a request"))
        await asyncio.sleep(0.05)
        assert not handing.done()
        other.wakes.set()
        async with asyncio.timeout(20):
            await handing
        client.settimeout(20)
        assert await asyncio.to_thread(client.recv, 100) == b"theirs"
        assert other.taken == [b"a request"]


async def test_one_that_is_gone_is_told_apart(tmp_path: Path) -> None:
    client, connection = connected()
    with client, pytest.raises(OwnerGone):
        await Post(tmp_path, 0, 2).hand(1, connection.detach(), b"a request")
