"""What a client may do to an HTTP server at most, over real connections."""

import json
import select
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
import uvicorn
from starlette.types import ASGIApp

from contract.catalogue import build_catalogue
from mcpkit.protocol.identity import LocalUser
from mcpkit.protocol.pipeline import build_pipeline
from mcpkit.protocol.server import build_server
from mcpkit.security.audit import LogAudit
from mcpkit.security.limits.rate_limits import Limits, RateLimits
from mcpkit.transport.http.application import HttpSettings, build_app, uvicorn_config

BARE = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
PATIENCE = 20.0  # seconds that a test waits for an answer


@contextmanager
def serving(settings: HttpSettings, addresses: RateLimits | None = None) -> Iterator[int]:
    """A server in a thread of this process, with as little patience as a test has; its port."""
    settings = replace(settings, head_seconds=0.3, unread_seconds=0.3)
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)  # so that answers nobody reads soon fill it
    port: int = listener.getsockname()[1]
    server = build_server(build_catalogue(), build_pipeline(LocalUser("tester"), LogAudit()))
    app: ASGIApp = build_app(server, settings, addresses=addresses)
    config = uvicorn_config(app, settings)
    running = uvicorn.Server(config)
    thread = threading.Thread(target=running.run, args=([listener],), daemon=True)
    thread.start()
    try:
        yield port
    finally:
        running.should_exit = True
        thread.join(PATIENCE)
        listener.close()


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with serving(HttpSettings(port=0, body_seconds=0.3, max_body_bytes=100_000)) as port:
        yield port


def post(body: bytes, *headers: str) -> bytes:
    lines = [
        "POST /mcp HTTP/1.1",
        "Host: 127.0.0.1",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        "Connection: close",
        *headers,
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def answer(port: int, *sent: bytes) -> tuple[int, bytes]:
    """The status and everything that came, until the server closed the connection."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as client:
        for part in sent:
            try:
                client.sendall(part)
            except OSError:  # refused already
                break
        received = b""
        while chunk := _received(client):
            received += chunk
    return int(received.split(b" ", 2)[1]), received


def _received(client: socket.socket) -> bytes:
    try:
        return client.recv(65536)
    except ConnectionResetError:
        return b""


def rpc(**changes: Any) -> bytes:
    return json.dumps({**BARE, **changes}).encode()


def test_an_ordinary_request_is_answered(port: int) -> None:
    assert answer(port, post(rpc()))[0] == 200


@pytest.mark.parametrize("fields", [101, 5_000])
def test_too_many_header_fields_are_refused(port: int, fields: int) -> None:
    assert answer(port, post(rpc(), *(f"X-{number}: 1" for number in range(fields))))[0] == 431


def test_a_header_field_without_an_end_is_refused_before_it_fills_the_memory(port: int) -> None:
    endless = b"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Endless: "
    assert answer(port, endless, *[b"a" * 65536] * 20)[0] == 431


def test_a_request_line_without_an_end_is_refused(port: int) -> None:
    assert answer(port, b"GET /", *[b"a" * 65536] * 20)[0] in (400, 431)


def test_who_sends_nothing_or_half_a_head_is_not_waited_for(port: int) -> None:
    began = time.monotonic()
    assert answer(port)[0] == 408
    assert answer(port, b"POST /mcp HTTP/1.1\r\nHost: 127")[0] == 408
    assert time.monotonic() - began < PATIENCE


def test_a_second_request_on_a_connection_is_not_waited_for_either(port: int) -> None:
    first = post(rpc()).replace(b"Connection: close\r\n", b"")
    status, received = answer(port, first, b"POST /mcp HTTP/1.1\r\n")
    assert status == 200
    assert received.count(b"HTTP/1.1 408") == 1


def test_a_body_that_does_not_come_is_not_waited_for(port: int) -> None:
    head = post(b"").replace(b"Content-Length: 0", b"Content-Length: 1000")
    status, received = answer(port, head, b'{"jsonrpc"')
    assert status == 408
    assert json.loads(received.partition(b"\r\n\r\n")[2])["error"]["message"].startswith("The body")


def test_a_body_that_is_too_large_is_refused(port: int) -> None:
    assert answer(port, post(b" " * 200_000))[0] == 413


def test_json_that_is_nested_too_deeply_is_refused(port: int) -> None:
    nested = b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":' + b"[" * 40_000 + b"]" * 40_000 + b"}"
    status, received = answer(port, post(nested))
    assert status == 400
    assert json.loads(received.partition(b"\r\n\r\n")[2])["error"]["code"] == -32700


def test_who_does_not_read_is_cut_off_and_others_are_served(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as idle:
        idle.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        asking = post(rpc()).replace(b"Connection: close\r\n", b"")
        idle.sendall(asking * 1_000)
        reset = select.poll()
        reset.register(idle, select.POLLERR | select.POLLHUP)
        assert reset.poll(PATIENCE * 1000)
        assert answer(port, post(rpc()))[0] == 200


def test_a_client_that_leaves_in_the_middle_of_a_body_fills_no_log(port: int, caplog: pytest.LogCaptureFixture) -> None:
    sent = post(rpc())
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as client:
        client.sendall(sent[:-10])
        client.shutdown(socket.SHUT_WR)
        assert client.recv(1) == b""  # the server has closed its side
    assert answer(port, sent)[0] == 200
    assert [record for record in caplog.records if record.exc_info or record.levelname == "ERROR"] == []


def test_connections_are_limited() -> None:
    with serving(HttpSettings(port=0, max_connections=2)) as port:
        waiting = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        other = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        with waiting, other:
            assert answer(port, post(rpc()))[0] == 503


def test_an_idle_session_ends() -> None:
    hello = rpc(
        method="initialize",
        params={"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}},
    )
    accepting = "Accept: application/json, text/event-stream"
    with serving(HttpSettings(port=0, session_idle_seconds=0.2)) as port:
        _, opened = answer(port, post(hello, accepting))
        (session,) = [line for line in opened.decode().split("\r\n") if line.lower().startswith("mcp-session-id")]
        until = time.monotonic() + PATIENCE
        status = 200
        while status != 404 and time.monotonic() < until:
            time.sleep(0.3)  # longer than it may be idle: a request would keep it
            status, _ = answer(port, post(rpc(id=2), accepting, session, "MCP-Protocol-Version: 2025-11-25"))
        assert status == 404


def test_an_address_that_asks_too_much_is_told_when_to_come_back() -> None:
    addresses = RateLimits("address", Limits(requests_per_minute=6, burst=2))
    with serving(HttpSettings(port=0, trusted_proxies=["127.0.0.1"]), addresses) as port:
        busy, other = "X-Forwarded-For: 203.0.113.7", "X-Forwarded-For: 203.0.113.8"
        assert [answer(port, post(rpc(), busy))[0] for _ in range(2)] == [200, 200]
        status, received = answer(port, post(rpc(), busy))
        head, _, body = received.partition(b"\r\n\r\n")
        assert status == 429
        assert b"retry-after: 10" in head.lower()
        assert json.loads(body)["error"]["data"]["code"] == "RATE_LIMITED"
        assert answer(port, post(rpc(), other))[0] == 200
        assert answer(port, post(rpc()))[0] == 200


def test_an_error_while_an_address_is_counted_is_told_by_its_id() -> None:
    class Broken(RateLimits):
        async def request(self, key: str) -> None:
            raise RuntimeError(f"nobody foresaw {key}")

    with serving(HttpSettings(port=0, trusted_proxies=["127.0.0.1"]), Broken("address", Limits())) as port:
        status, received = answer(port, post(rpc(), "X-Forwarded-For: 203.0.113.7"))
    assert status == 500
    body = json.loads(received.partition(b"\r\n\r\n")[2])
    assert body["error"]["data"]["details"]["error_id"]
    assert "foresaw" not in json.dumps(body)


def test_a_subscriber_with_many_ipv6_addresses_is_one() -> None:
    addresses = RateLimits("address", Limits(requests_per_minute=6, burst=2))
    with serving(HttpSettings(port=0, trusted_proxies=["127.0.0.1"]), addresses) as port:
        statuses = [answer(port, post(rpc(), f"X-Forwarded-For: 2001:db8:1:2::{number}"))[0] for number in range(1, 4)]
    assert statuses == [200, 200, 429]


def test_who_is_no_trusted_proxy_cannot_claim_another_address() -> None:
    addresses = RateLimits("address", Limits(requests_per_minute=6, burst=1))
    with serving(HttpSettings(port=0), addresses) as port:
        for _ in range(3):  # from this machine, which is not counted, whatever it claims
            assert answer(port, post(rpc(), "X-Forwarded-For: 203.0.113.7"))[0] == 200
