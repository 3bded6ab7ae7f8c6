"""What a server tells of itself to those who keep it running: figures, readiness, lines and traces."""

import json
import re
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest

from end_to_end.conftest import CONSENTED, CommandLine, letter, write_mbox
from support import planted
from support.collector import Collector, running_collector
from support.ports import free_port

ROOT = Path(__file__).parents[2]
TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
CHECKS = ("database", "records", "migrations", "index", "sources", "workers")
QUERY = "badgers and nothing else"


@dataclass
class Watched:
    mailquery: CommandLine
    collector: Collector
    url: str = ""
    metrics: str = ""
    lines: list[str] = field(default_factory=list)  # of standard error

    def call(self, tool: str, headers: dict[str, str] | None = None, **arguments: object) -> httpx2.Response:
        params = {"name": tool, "arguments": arguments}
        body = {"jsonrpc": "2.0", "id": 41, "method": "tools/call", "params": params}
        return httpx2.post(f"{self.url}/mcp", json=body, headers=headers, timeout=60)

    def ready(self) -> tuple[int, Any]:
        answer = httpx2.get(f"{self.url}/ready", timeout=60)
        return answer.status_code, answer.json()

    def figures(self) -> str:
        return httpx2.get(self.metrics, timeout=60).text

    def figure(self, name: str) -> float:
        found = re.search(rf"^{re.escape(name)} (\S+)$", self.figures(), re.MULTILINE)
        assert found is not None, name
        return float(found[1])


@contextmanager
def watched(mailquery: CommandLine, collector: Collector, *options: str) -> Iterator[Watched]:
    found = Watched(mailquery, collector)
    port = free_port()
    found.metrics = f"http://127.0.0.1:{port}/metrics"
    mailquery.environment |= CONSENTED | {
        "MAILQUERY_METRICS__PORT": str(port),
        "MAILQUERY_TRACING__ENDPOINT": collector.url,
        "MAILQUERY_SYNC__BACKGROUND": "false",
        "OTEL_BSP_SCHEDULE_DELAY": "100",
    }
    process = subprocess.Popen(
        mailquery.command("serve", "--transport", "http", "--port", "0", *options),
        env=mailquery.environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    for line in process.stderr:
        found.lines.append(line)
        if announced := re.search(r"MCP at (http://\S+)/mcp", line):
            found.url = announced[1]
            break
    reading = threading.Thread(target=lambda: found.lines.extend(process.stderr or ()))
    reading.start()
    try:
        yield found
    finally:
        process.terminate()
        process.wait(30)
        reading.join()
        process.stderr.close()


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with running_collector() as found:
        yield found


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> CommandLine:
    folder = tmp_path_factory.mktemp("observed")
    mailquery = CommandLine(folder)
    done = mailquery("import", write_mbox(folder / "inbox.mbox", [letter(number) for number in range(3)]), "--no-embed")
    assert done.code == 0, done.err
    return mailquery


@pytest.fixture(scope="module")
def server(filled: CommandLine, collector: Collector) -> Iterator[Watched]:
    with watched(filled, collector) as found:
        yield found


def test_a_call_is_counted_told_and_traced(server: Watched) -> None:
    answer = server.call("search_messages", {"traceparent": f"00-{TRACE}-{SPAN}-01"}, query=QUERY)
    assert answer.status_code == 200
    assert server.figure('mcp_requests_total{method="tool",status="ok",tool="search_messages"}') == 1
    assert server.figure("mailquery_archive_messages") == 3
    assert server.figure("mailquery_database_reader_wait_seconds_count") > 0
    assert server.figure('mailquery_check_status{check="database"}') == 0
    assert server.figure('mailquery_cache_requests_total{cache="answers",outcome="miss"}') == 1

    call = server.collector.named("tools/call search_messages")
    assert (call.trace_id.hex(), call.parent_span_id.hex()) == (TRACE, SPAN)
    reading = server.collector.named("sqlite read SqliteSearch.search")
    assert reading.trace_id == call.trace_id
    assert server.collector.services == {"mailquery"}
    for text in (QUERY, "badgers", planted.MAIL_TEXT):
        assert not any(text.encode() in raw for raw in server.collector.raw)

    request_id = answer.headers["x-request-id"]
    lines = [json.loads(line) for line in server.lines if request_id in line]
    (told,) = [line for line in lines if line["event"] == "call"]
    assert (told["tool"], told["status"], told["rpc_id"], told["transport"]) == ("search_messages", "ok", "41", "http")
    assert told["trace_id"] == TRACE
    assert told["principal"]
    assert told["duration_ms"] > 0
    assert QUERY not in "".join(server.lines)


def test_requests_that_call_nothing_are_counted(server: Watched) -> None:
    httpx2.post(f"{server.url}/mcp", json={"jsonrpc": "2.0", "id": 1, "method": "tools/list"})
    httpx2.post(f"{server.url}/mcp", json={"jsonrpc": "2.0", "id": 2, "method": "no/such"})
    assert server.figure('mcp_requests_total{method="tools/list",status="ok",tool=""}') == 1
    assert server.figure('mcp_requests_total{method="other",status="failed",tool=""}') == 1


@pytest.mark.parametrize("workers", ["1", "2"])
def test_keys_that_are_tried_are_counted(filled: CommandLine, collector: Collector, workers: str) -> None:
    mailquery = CommandLine(filled.home.parent)
    key = filled("keys", "create", "--user", "ana", "--json")
    assert key.code == 0, key.err
    mailquery.environment |= {"MAILQUERY_AUTH__STRATEGIES": "api-keys"}
    with watched(mailquery, collector, "--workers", workers) as found:
        for number in range(5):
            tried = {"Authorization": f"Bearer mq_guessed{number}"}
            assert found.call("search_messages", tried, query=QUERY).status_code == 401
        assert found.call("search_messages", query=QUERY).status_code == 401
        assert found.figure('mcp_refused_total{reason="bad_credential"}') == 5
        assert found.figure('mcp_refused_total{reason="no_credential"}') == 1
        assert found.figure('mcp_errors_total{code="UNAUTHORIZED"}') == 6


def test_open_connections_are_counted(server: Watched) -> None:
    with httpx2.Client() as http:
        http.get(f"{server.url}/health")
        assert server.figure("mcp_connections") >= 1


def test_ready_degraded_when_a_mail_server_is_away_and_unhealthy_without_a_database(server: Watched) -> None:
    status, found = server.ready()
    assert status == 200
    machine = {name: found["checks"].pop(name) for name in ("disk", "memory")}
    assert {name: check["status"] for name, check in found["checks"].items()} == dict.fromkeys(CHECKS, "healthy")
    assert all(" free" in check["detail"] for check in machine.values())
    assert all(0 <= check["seconds"] < 2 for check in found["checks"].values())

    mailquery, address = server.mailquery, "ana@mail.acme.example"
    added = mailquery(
        *("accounts", "add", address, "--name", "secretive", "--host", "127.0.0.1"),
        *("--port", str(free_port()), "--security", "none", "--no-test"),
        MAILQUERY_ACCOUNT_PASSWORD=planted.PASSWORD,
    )
    assert added.code == 0, added.err
    assert mailquery("sync", "secretive").code != 0
    status, found = server.ready()
    assert (status, found["checks"]["sources"]["status"]) == (200, "degraded")
    assert found["checks"]["sources"]["detail"].startswith("of 1 account, 1 failed the last time")
    assert "secretive" not in json.dumps(found)
    assert server.figure('mailquery_check_status{check="sources"}') == 1
    assert server.figure("mailquery_sync_failing_accounts") == 1
    assert server.call("search_messages", query="badgers").json()["result"]["structuredContent"]["total"]

    told = mailquery("doctor", "--json").json["readiness"]
    assert told["checks"]["sources"]["status"] == "degraded"
    archive = mailquery.home / "archive.db"
    archive.rename(archive.with_name("elsewhere.db"))
    try:
        status, found = server.ready()
        while status == 200:  # a report is given again for a second
            status, found = server.ready()
        assert (status, found["status"]) == (503, "unhealthy")
        assert found["checks"]["database"]["status"] == "unhealthy"
        assert str(mailquery.home) not in json.dumps(found)
        health = httpx2.get(f"{server.url}/health")
        assert (health.status_code, health.json()["status"]) == (200, "ok")
    finally:
        archive.with_name("elsewhere.db").rename(archive)


def documented() -> set[str]:
    page = (ROOT / "docs" / "observability.md").read_text("utf-8")
    return set(re.findall(r"^\| `((?:mcp|mailquery|process)_\w+)[{`]", page, re.MULTILINE))


def families(text: str) -> set[str]:
    """As they are asked for."""
    return {name for name in re.findall(r"^# TYPE (\w+) ", text, re.MULTILINE) if not name.endswith("_created")}


OF_WORKERS = {"mcp_workers", "mcp_worker_restarts_total", "mcp_worker_hangs_total"}


def test_every_figure_is_on_the_page_and_the_other_way_round(server: Watched) -> None:
    assert families(server.figures()) | OF_WORKERS == documented()


def test_several_workers_are_served_as_one(filled: CommandLine, collector: Collector) -> None:
    with watched(filled, collector, "--workers", "2") as server:
        for _ in range(8):
            assert server.call("list_accounts").status_code == 200
        assert server.figure('mcp_requests_total{method="tool",status="ok",tool="list_accounts"}') == 8
        assert server.figure("mcp_workers") == 2
        assert server.figure("mailquery_archive_messages") == 3
        assert families(server.figures()) <= documented()
        assert server.figure("process_resident_memory_bytes") > 3 * 20_000_000
