import re
from collections.abc import Iterator
from typing import Literal

import anyio
import httpx2
import pytest
from mcp.client import Client
from mcp.shared.exceptions import MCPError
from mcp_types import EmptyResult, PingRequest, Request

from contract.catalogue import Waiting, build_catalogue
from mcpkit.errors import ErrorCode, Fault
from mcpkit.monitoring.metrics import REFUSED, CallMetrics
from mcpkit.protocol.calls import Call
from mcpkit.protocol.pipeline import Pipeline, build_pipeline
from mcpkit.protocol.server import build_server
from mcpkit.security.audit import LogAudit
from mcpkit.security.identity import Principal


class Swordfish(Request[None, Literal["swordfish/read"]]):
    method: Literal["swordfish/read"] = "swordfish/read"
    params: None = None


class Reader:
    async def identify(self, call: Call) -> Principal:
        return Principal(user="reader", scopes=frozenset({"read"}))


@pytest.fixture
def metrics() -> CallMetrics:
    return CallMetrics()


@pytest.fixture
def pipeline(metrics: CallMetrics) -> Pipeline:
    return build_pipeline(Reader(), LogAudit(), metrics=metrics)


@pytest.fixture
def url(metrics: CallMetrics) -> Iterator[str]:
    with metrics.served("127.0.0.1", 0) as port:
        yield f"http://127.0.0.1:{port}/metrics"


def call(name: str, waiting: Waiting | None = None, **arguments: object) -> Call:
    tools = {tool.name: tool for tool in build_catalogue(waiting).tools}
    return Call("tool", name, arguments, "1", "memory", declaration=tools.get(name))


def figures(url: str) -> dict[str, float]:
    lines = httpx2.get(url).text.splitlines()
    return {match[1]: float(match[2]) for line in lines if (match := re.fullmatch(r"(mcp_\S+) (\S+)", line))}


async def test_calls_are_counted_by_what_became_of_them(pipeline: Pipeline, url: str) -> None:
    await pipeline.run(call("list_rows", prefix="a"))
    for name in ("list_rows", "refuse", "erase", "swordfish"):
        with pytest.raises(Fault):
            await pipeline.run(call(name))
    found = figures(url)
    assert found['mcp_requests_total{method="tool",status="ok",tool="list_rows"}'] == 1
    assert found['mcp_requests_total{method="tool",status="VALIDATION_ERROR",tool="list_rows"}'] == 1
    assert found['mcp_requests_total{method="tool",status="NOT_FOUND",tool="refuse"}'] == 1
    assert found['mcp_requests_total{method="tool",status="FORBIDDEN",tool="(unknown)"}'] == 1
    assert found['mcp_errors_total{code="FORBIDDEN"}'] == 2
    assert found['mcp_request_duration_seconds_count{method="tool",tool="list_rows"}'] == 2
    assert found['mcp_answer_characters_count{method="tool"}'] == 1
    assert found["mcp_inflight"] == 0
    assert "swordfish" not in httpx2.get(url).text


def test_every_code_is_there_before_the_first_error_so_that_one_is_seen_as_an_increase(url: str) -> None:
    found = figures(url)
    assert {f'mcp_errors_total{{code="{code.name}"}}': 0 for code in ErrorCode}.items() <= found.items()


def test_who_is_refused_is_counted_by_reason_and_every_reason_is_there_before(metrics: CallMetrics, url: str) -> None:
    assert [figures(url)[f'mcp_refused_total{{reason="{reason}"}}'] for reason in REFUSED] == [0] * len(REFUSED)
    metrics.refused("bad_credential", ErrorCode.UNAUTHORIZED)
    found = figures(url)
    assert found['mcp_refused_total{reason="bad_credential"}'] == 1
    assert found['mcp_errors_total{code="UNAUTHORIZED"}'] == 1


async def test_requests_that_call_nothing_are_counted_by_methods_of_the_protocol(
    metrics: CallMetrics, pipeline: Pipeline, url: str
) -> None:
    server = build_server(build_catalogue(), pipeline, metrics=metrics)
    async with Client(server, mode="legacy") as client:
        await client.list_tools()
        await client.list_tools()
        await client.session.send_request(PingRequest(), EmptyResult)
        await client.call_tool("list_rows", {"prefix": "a"})
        with pytest.raises(MCPError):
            await client.session.send_request(Swordfish(), EmptyResult)
    text = httpx2.get(url).text
    found = figures(url)
    assert found['mcp_requests_total{method="initialize",status="ok",tool=""}'] == 1
    assert found['mcp_requests_total{method="tools/list",status="ok",tool=""}'] == 2
    assert found['mcp_requests_total{method="ping",status="ok",tool=""}'] == 1
    assert found['mcp_requests_total{method="other",status="failed",tool=""}'] == 1
    assert found['mcp_requests_total{method="tool",status="ok",tool="list_rows"}'] == 1
    assert "swordfish" not in text
    assert 'method="tools/call"' not in text
    assert "notifications" not in text


async def test_what_runs_is_told_and_what_is_given_up_is_counted(pipeline: Pipeline, url: str) -> None:
    waiting = Waiting()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(pipeline.run, call("wait", waiting))
        await waiting.started.wait()
        assert figures(url)["mcp_inflight"] == 1
        tasks.cancel_scope.cancel()
    found = figures(url)
    assert found['mcp_requests_total{method="tool",status="cancelled",tool="wait"}'] == 1
    assert found["mcp_inflight"] == 0


async def test_use_of_the_transport_is_looked_at_when_it_is_asked_for(metrics: CallMetrics) -> None:
    open_now, refused = [3], [7]
    metrics.show_use(lambda: open_now[0], lambda: 5, {"principal": lambda: refused[0], "address": int})
    with metrics.served("127.0.0.1", 0) as port:
        url = f"http://127.0.0.1:{port}/metrics"
        found = await anyio.to_thread.run_sync(figures, url)
        assert (found["mcp_active_sessions"], found["mcp_connections"]) == (3, 5)
        open_now[0], refused[0] = 1, 9
        found = await anyio.to_thread.run_sync(figures, url)
    assert found["mcp_active_sessions"] == 1
    assert found['mcp_rate_limited_total{limit="principal"}'] == 9
    assert found['mcp_rate_limited_total{limit="address"}'] == 0


async def test_figures_that_cannot_be_read_leave_the_others(
    metrics: CallMetrics, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken() -> None:
        raise RuntimeError("no")

    metrics.refresh_by(broken)
    metrics.started()
    with metrics.served("127.0.0.1", 0) as port:
        found = await anyio.to_thread.run_sync(figures, f"http://127.0.0.1:{port}/metrics")
    assert found["mcp_inflight"] == 1
    assert "some figures cannot be read" in caplog.text


def test_a_port_in_use_is_an_error_that_names_the_setting(metrics: CallMetrics) -> None:
    with (
        metrics.served("127.0.0.1", 0) as port,
        pytest.raises(Fault) as caught,
        CallMetrics().served("127.0.0.1", port),
    ):
        raise AssertionError("it was served")
    assert caught.value.code is ErrorCode.CONFIGURATION
    assert "`metrics`" in caught.value.message
