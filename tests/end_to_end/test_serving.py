"""`mailquery serve`, as an MCP client and as curl meet it."""

import http.client
import json
import re
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest

from end_to_end.conftest import CONSENTED, CommandLine, letter
from end_to_end.served import serving
from mailquery.cli.output.exits import exit_code_for
from mcpkit.errors import ErrorCode
from support.worker_processes import workers_of

SEARCH = {"name": "search_messages", "arguments": {"query": "subject:7"}}


def message(id: int | None, method: str, params: dict[str, Any] | None = None) -> bytes:
    body = {"jsonrpc": "2.0", "method": method, **({"params": params} if params is not None else {})}
    return json.dumps(body if id is None else {"id": id, **body}).encode() + b"\n"


HANDSHAKE = message(
    1,
    "initialize",
    {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}},
) + message(None, "notifications/initialized")


@pytest.fixture
def served(filled: CommandLine) -> Iterator[tuple[str, "subprocess.Popen[bytes]"]]:
    """The URL of a running HTTP server, which may be asked for everything, and its process."""
    assert filled("consent", "grant", "--capability", "mail:read").code == 0
    process = filled.start("serve", "--transport", "http", "--port", "0", stderr=subprocess.PIPE)
    assert process.stderr is not None
    url = None
    for line in process.stderr:
        found = re.search(rb"http://127\.0\.0\.1:\d+/mcp", line)
        if found:
            url = found[0].decode()
            break
    assert url is not None
    yield url, process
    process.kill()
    process.wait()
    process.stderr.close()


def post(url: str, body: bytes, path: str = "/mcp") -> tuple[int, Any]:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
    try:
        connection.request("POST", path, body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


@pytest.mark.parametrize("arguments", [("serve", "--transport", "stdio"), ("serve",), ()])
def test_stdio_answers_and_writes_nothing_but_the_protocol(filled: CommandLine, arguments: tuple[str, ...]) -> None:
    asked = HANDSHAKE + message(2, "tools/list") + message(3, "tools/call", SEARCH)
    done = filled(*arguments, stdin=asked)
    assert done.code == 0, done.err
    answers = {answer["id"]: answer["result"] for answer in map(json.loads, done.text.splitlines())}
    assert sorted(answers) == [1, 2, 3]
    assert "search_messages" in {tool["name"] for tool in answers[2]["tools"]}
    assert [row["message_id"] for row in answers[3]["structuredContent"]["rows"]] == ["letter-7@example.org"]


def test_stdio_starts_without_what_only_people_need(filled: CommandLine) -> None:
    command = filled.command("serve", "--transport", "stdio")
    command[1:1] = ["-X", "importtime"]
    done = subprocess.run(command, input=HANDSHAKE, capture_output=True, env=filled.environment, timeout=60)
    imported = set(re.findall(r"\|\s+([\w.]+)$", done.stderr.decode(), re.MULTILINE))
    assert "mailquery.bootstrap" in imported
    assert not imported & {"typer", "mailquery.cli.app", "mailquery.services.importing"}
    assert not imported & {"mcp.client.client", "mcp.server.mcpserver"}
    assert not imported & {"tokenizers", "safetensors"}  # which a start over HTTP may take its time for


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_server_over_http_loads_what_the_first_search_needs_before_anybody_asks(
    filled: CommandLine, workers: str
) -> None:
    quiet = {"MAILQUERY_LOG__FORM": "json", "MAILQUERY_SYNC__BACKGROUND": "false"}
    process = subprocess.Popen(
        filled.command("serve", "--transport", "http", "--port", "0", "--workers", workers),
        env=filled.environment | quiet,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stderr is not None
        try:
            loaded = (line for line in process.stderr if "searching by meaning is loaded" in line)
            assert [next(loaded) for _ in range(int(workers))]  # each of them, with no request
            servers = [process.pid] if workers == "1" else workers_of(process.pid)
            for server in servers:
                assert "tokenizers" in Path(f"/proc/{server}/maps").read_text()
        finally:
            process.terminate()


def test_a_bare_post_is_answered(served: tuple[str, "subprocess.Popen[bytes]"]) -> None:
    url, _ = served
    status, answer = post(url, message(1, "tools/call", SEARCH))
    assert status == 200
    assert answer["result"]["structuredContent"]["rows"][0]["message_id"] == "letter-7@example.org"
    status, answer = post(url, b"{")
    assert answer["error"]["code"] == -32700


def test_health_tells_that_it_works(served: tuple[str, "subprocess.Popen[bytes]"]) -> None:
    connection = http.client.HTTPConnection(urlsplit(served[0]).netloc, timeout=30)
    connection.request("GET", "/health")
    response = connection.getresponse()
    assert response.status == 200
    assert json.loads(response.read())["status"] == "ok"
    connection.close()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_server_cleanly(
    served: tuple[str, "subprocess.Popen[bytes]"], number: signal.Signals
) -> None:
    _, process = served
    process.send_signal(number)
    assert process.stderr is not None
    rest = process.stderr.read().decode()
    assert process.wait(timeout=20) in (0, 130)
    assert "Traceback" not in rest


def test_a_taken_port_is_named(mailquery: CommandLine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = mailquery("serve", "--transport", "http", "--port", str(port))
    assert done.code == 2
    assert f"Port {port} is in use" in done.err
    assert "Traceback" not in done.err


def test_a_running_server_sees_what_is_imported(
    filled: CommandLine, served: tuple[str, "subprocess.Popen[bytes]"], tmp_path: Path
) -> None:
    file = tmp_path / "new.eml"
    file.write_bytes(letter(99, body="A message about hedgehogs."))
    assert filled("import", file).code == 0
    _, answer = post(
        served[0], message(1, "tools/call", {"name": "search_messages", "arguments": {"query": "hedgehogs"}})
    )
    assert len(answer["result"]["structuredContent"]["rows"]) == 1


@pytest.mark.parametrize("workers", ["1", "2"])
def test_one_port_for_calls_and_figures_is_told_by_both_names(mailquery: CommandLine, workers: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = str(probe.getsockname()[1])
    done = mailquery("serve", "--transport", "http", "--port", port, "--workers", workers, MAILQUERY_METRICS__PORT=port)
    assert done.code == exit_code_for(ErrorCode.CONFIGURATION)
    assert f"`http.port` (or --port) and `metrics.port` are both {port}." in done.err


def test_metrics_are_served_where_a_port_is_set(mailquery: CommandLine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with serving(mailquery, **{**CONSENTED, "MAILQUERY_METRICS__PORT": str(port)}) as url:
        body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "list_accounts"}}
        httpx2.post(url, json=body)
        assert 'tool="list_accounts"' in httpx2.get(f"http://127.0.0.1:{port}/metrics").text
