"""`mailquery health` against a real server, whose checks the test chooses."""

import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import anyio.to_thread
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from typer.testing import CliRunner, Result

from contract.serving import served
from mailquery.cli.app import app
from mailquery.cli.output.exits import ExitCode
from mcpkit.errors import ErrorCode, Fault
from mcpkit.monitoring.health import Check, Health, Outcome, Status
from mcpkit.transport.http.state import HttpState


def state(status: Status, detail: str = "") -> HttpState:
    async def look() -> Outcome:
        return Outcome(status, detail)

    return HttpState(Health([Check("disk", look)]))


async def ask(*arguments: str, **variables: str) -> Result:
    def run() -> Result:
        return CliRunner(env=variables).invoke(app, ["health", *arguments])

    return await anyio.to_thread.run_sync(run)


def fault(result: Result) -> Fault:
    assert isinstance(result.exception, Fault)
    return result.exception


async def test_a_server_that_is_ready_is_well() -> None:
    async with served(state=state(Status.HEALTHY, "5 GB free")) as url:
        result = await ask("--url", url)
    assert result.exit_code == ExitCode.OK
    assert result.output == "server\thealthy\t\ndisk\thealthy\t5 GB free\n"


async def test_one_that_is_ready_in_part_is_well_too() -> None:
    async with served(state=state(Status.DEGRADED)) as url:
        result = await ask("--url", url, "--json")
    assert result.exit_code == ExitCode.OK
    assert json.loads(result.output)["status"] == "degraded"


async def test_one_that_is_not_ready_is_not_but_it_is_alive() -> None:
    async with served(state=state(Status.UNHEALTHY, "0 B free")) as url:
        result = await ask("--url", url)
        assert result.exit_code == ExitCode.UNAVAILABLE
        assert "disk\tunhealthy\t0 B free" in result.output
        assert (await ask("--url", url, "--alive")).exit_code == ExitCode.OK


async def test_without_a_url_the_server_of_the_settings_is_asked() -> None:
    async with served(state=state(Status.HEALTHY)) as url:
        port = url.rpartition(":")[2]
        result = await ask(MAILQUERY_HTTP__HOST="0.0.0.0", MAILQUERY_HTTP__PORT=port)
    assert result.exit_code == ExitCode.OK


async def test_where_nothing_answers_it_cannot_be_reached() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    found = fault(await ask("--url", f"http://127.0.0.1:{port}"))
    assert found.code is ErrorCode.SOURCE_UNAVAILABLE
    assert "refused" in found.message


async def test_one_that_says_nothing_is_not_waited_for() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        found = fault(await ask("--url", f"http://127.0.0.1:{listener.getsockname()[1]}", "--timeout", "0.2"))
    assert found.code is ErrorCode.SOURCE_UNAVAILABLE
    assert "timed out" in found.message


@asynccontextmanager
async def another_program() -> AsyncIterator[str]:
    async def hello(request: object) -> PlainTextResponse:
        return PlainTextResponse("hello")

    runner = uvicorn.Server(uvicorn.Config(Starlette(routes=[Route("/ready", hello)]), log_config=None, lifespan="off"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(runner._serve, [listener])
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
            runner.should_exit = True


async def test_another_program_is_not_taken_for_a_server() -> None:
    async with another_program() as url:
        assert "no mailquery server" in fault(await ask("--url", url)).message


@pytest.mark.parametrize("url", ["127.0.0.1:8765", "ftp://127.0.0.1", "http://", "http://[::1", "http://a/mcp"])
async def test_what_is_no_address_is_refused(url: str) -> None:
    assert fault(await ask("--url", url)).code is ErrorCode.VALIDATION_ERROR
