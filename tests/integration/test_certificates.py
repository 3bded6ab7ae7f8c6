import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest

from mailquery.domain.accounts import Security, Server
from mailquery.sources.certificates import presented_fingerprint
from support.dovecot import Dovecot, running_dovecot


@pytest.fixture(scope="module")
def dovecot() -> Iterator[Dovecot]:
    with running_dovecot() as server:
        yield server


async def test_the_certificate_of_a_server_nobody_vouches_for_is_seen(dovecot: Dovecot) -> None:
    for server in (
        Server("localhost", dovecot.tls_port),
        Server("127.0.0.1", dovecot.tls_port),
        Server("localhost", dovecot.port, Security.STARTTLS),
    ):
        assert await presented_fingerprint(server) == dovecot.fingerprint


async def test_where_no_certificate_is_to_be_had_there_is_none(dovecot: Dovecot) -> None:
    for server in (
        Server("localhost", dovecot.port),  # does not speak TLS from the first byte on
        Server("localhost", dovecot.tls_port, Security.STARTTLS),
        Server("localhost", 9),
        Server("nowhere.invalid", 993),
    ):
        assert await presented_fingerprint(server, seconds=2.0) == ""


@pytest.mark.parametrize("said", [b"", b"* OK hello\r\n", b"* OK hello\r\na NO\r\n", b"* OK " + b"x" * 10_000])
async def test_a_server_that_agrees_to_nothing_is_not_waited_for(said: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def talk() -> None:
            connection, _ = listening.accept()
            with connection, suppress(ConnectionError):
                connection.sendall(said)
                while connection.recv(1_000):
                    pass

        thread = threading.Thread(target=talk)
        thread.start()
        server = Server("127.0.0.1", listening.getsockname()[1], Security.STARTTLS)
        assert await presented_fingerprint(server, seconds=0.5) == ""
        await asyncio.to_thread(thread.join, 10.0)
        assert not thread.is_alive()  # the connection was closed
