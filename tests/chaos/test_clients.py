"""Clients that take what a server has and give nothing back: connections, answers that nobody reads, streams."""

import json
import os
import resource
import select
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from chaos.servers import PATIENCE, QUIET, Server, memory, serving, session_fields, until
from end_to_end.conftest import CommandLine
from support.archives import Mail

MANY = 10_000
MOST = 200  # connections that the server is set to
LIMITS = {
    "MAILQUERY_HTTP__MAX_CONNECTIONS": str(MOST),
    "MAILQUERY_HTTP__HEAD_SECONDS": "2",
    "MAILQUERY_HTTP__UNREAD_SECONDS": "1",
}


@pytest.fixture(scope="module")
def mailquery(copy_of: Callable[[Path], CommandLine], tmp_path_factory: pytest.TempPathFactory) -> CommandLine:
    """With one letter that is long, and has a large file."""
    folder = tmp_path_factory.mktemp("clients")
    mailquery = copy_of(folder)
    long = Mail(
        subject="A long letter",
        text="All of it is about wombats.\n" * 6_000,
        files=(("large.bin", "application/octet-stream", os.urandom(12 << 20)),),
    )
    (folder / "long.eml").write_bytes(long.as_bytes())
    done = mailquery("import", folder / "long.eml", MAILQUERY_MEANING__ENABLED="false")
    assert done.code == 0, done.err
    return mailquery


@pytest.fixture(scope="module")
def server(mailquery: CommandLine) -> Iterator[Server]:
    with serving(mailquery, "prlimit", "--nofile=512:", **LIMITS) as server:  # as many systems begin: with few
        server.search("badgers")
        yield server


@contextmanager
def many_files(wanted: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < wanted:
        pytest.skip(f"this process may have {hard} files open, and this needs {wanted}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def connected(port: int, number: int) -> socket.socket:
    """From one of several addresses of this machine: one has 28,000 ports, which others may be using."""
    client = socket.socket()
    client.settimeout(PATIENCE)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.bind((f"127.0.1.{number % 8 + 1}", 0))
    client.connect(("127.0.0.1", port))
    return client


def request(tool: str, *fields: str, **arguments: object) -> bytes:
    params = {"name": tool, "arguments": arguments}
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}).encode()
    head = ["POST /mcp HTTP/1.1", "Host: 127.0.0.1", "Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join((*head, *fields)).encode() + b"\r\n\r\n" + body


def status(client: socket.socket) -> int:
    """Of the answer, or 0 for a connection that just ended."""
    try:
        received = b"".join(iter(lambda: client.recv(65536), b""))
    except ConnectionResetError:
        return 0
    return int(received.split(b" ", 2)[1]) if received else 0


def asks_once(server: Server) -> int:
    with connected(server.port, 1) as client:
        client.sendall(request("search_messages", "Connection: close", query="word7"))
        return status(client)


def test_ten_thousand_connections_that_ask_for_nothing_keep_nobody_out(server: Server) -> None:
    before, memory = server.descriptors(), server.memory()
    with many_files(MANY + 500), ExitStack() as opened:
        most = 0
        for number in range(MANY):
            opened.enter_context(connected(server.port, number))
            if number % 500 == 0:
                most = max(most, server.descriptors())
        began = time.monotonic()
        until(lambda: asks_once(server) == 200, "an honest client is served while all of them are open")
        assert time.monotonic() - began < 10
        assert max(most, server.descriptors()) < before + MOST + 256 + 50  # that are turned away, and accepted just now
        assert server.memory() - memory < 64 << 20
    until(lambda: server.descriptors() <= before + 5, "what was opened is closed")
    assert server.search("word7") == ["Letter number 7"]
    assert server.log().count("\n") < 10


def test_who_comes_when_there_is_no_room_is_told_so(server: Server) -> None:
    with ExitStack() as opened:
        for number in range(MOST):
            opened.enter_context(connected(server.port, number))
        assert asks_once(server) == 503


def download(server: Server) -> bytes:
    (row,) = server.call("search_messages", query="wombats")["rows"]
    found = server.call("list_attachments", query="filename:large.bin")
    (file,) = found["rows"]
    link = server.call("get_attachment", id=file["id"])["download"]
    assert row["subject"] == "A long letter"
    return f"GET {link.removeprefix(server.root)} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n\r\n".encode()


@pytest.mark.parametrize("what", ["an answer", "a stream of events", "a file"])
def test_who_leaves_what_they_asked_for_unread_is_cut_off_and_others_are_served(server: Server, what: str) -> None:
    before, memory = server.descriptors(), server.memory()
    (long,) = server.call("search_messages", query="wombats")["rows"]
    with ExitStack() as opened:
        unread = []
        for number in range(2):
            fields = session_fields(server.session()) if what == "a stream of events" else {}
            named = (f"{name}: {value}" for name, value in fields.items())
            asked = request("read_message", *named, id=long["id"], max_chars=200_000) * 25
            client = opened.enter_context(connected(server.port, number))
            client.sendall(download(server) if what == "a file" else asked)
            unread.append(client)
        ended = select.poll()
        for client in unread:
            ended.register(client, select.POLLERR | select.POLLHUP)
        longest = 0.0

        def all_ended() -> bool:
            nonlocal longest
            began = time.monotonic()
            assert server.search("word7") == ["Letter number 7"]
            longest = max(longest, time.monotonic() - began)
            return len(ended.poll(0)) == len(unread)

        until(all_ended, "they are cut off")
        assert longest < 10
        assert server.memory() - memory < 150 << 20
    until(lambda: server.descriptors() <= before + 3, "their connections are closed")


def test_a_client_over_stdio_that_does_not_read_is_not_listened_to_until_it_does(mailquery: CommandLine) -> None:
    hello = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
    search = {"name": "search_messages", "arguments": {"query": "badgers"}}
    process = subprocess.Popen(
        mailquery.command("serve", "--transport", "stdio"),
        env=mailquery.environment | QUIET,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(line("initialize", hello, 0))
        process.stdin.flush()
        assert json.loads(process.stdout.readline())["id"] == 0
        began = memory(process.pid)
        asked = 0
        writable = select.poll()
        writable.register(process.stdin, select.POLLOUT)
        while writable.poll(1500):  # until it has not listened for as long as that
            asked += 1
            process.stdin.write(line("tools/call", search, asked))
            process.stdin.flush()
            assert asked < 20_000
        assert memory(process.pid) - began < 100 << 20
        # Nobody is lost: all are answered, those that were too many at once with an error that says so.
        answers: dict[int, Any] = {}
        while len(answers) < asked:
            answer = json.loads(process.stdout.readline())
            answers[answer["id"]] = answer
        codes = {answer["error"]["data"]["code"] for answer in answers.values() if "error" in answer}
        assert codes <= {"RATE_LIMITED"}
        assert sum("result" in answer for answer in answers.values()) >= 64
        process.stdin.close()
        assert process.wait(PATIENCE) == 0


def line(method: str, params: dict[str, Any], id: int) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": id, "method": method, "params": params}).encode() + b"\n"
