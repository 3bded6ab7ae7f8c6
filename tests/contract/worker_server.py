"""The test server by several worker processes: `python worker_server.py COUNT` prints its URL."""

import asyncio
import os
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import anyio

from contract.catalogue import NoArguments, TextResult, Waiting, build_catalogue
from mcpkit.logs import set_up_logging
from mcpkit.protocol.calls import Call, Form
from mcpkit.protocol.declarations import Tool
from mcpkit.protocol.identity import LocalUser
from mcpkit.protocol.pipeline import build_pipeline
from mcpkit.protocol.server import build_server
from mcpkit.security.audit import LogAudit
from mcpkit.transport.http.application import HttpSettings, endpoint_url, listen, run_http
from mcpkit.transport.workers.seats import Inheritance, Seat
from mcpkit.transport.workers.supervisor import Supervisor

DRAIN = float(os.environ.get("TEST_DRAIN_SECONDS", "0"))


async def process(call: Call, arguments: NoArguments) -> TextResult:
    return TextResult(text=str(os.getpid()))


async def ask(call: Call, arguments: NoArguments) -> TextResult:
    assert call.asking.ask is not None
    answer = await call.asking.ask(Form("Which?", "which", "Which", ("this", "that")))
    return TextResult(text=f"{answer.action} {dict(answer.content)}")


async def linger(call: Call, arguments: NoArguments) -> TextResult:
    await asyncio.sleep(2 * DRAIN + 1)
    return TextResult(text="finished")


class WaitingAgain(Waiting):
    """Says of each of several calls, one after the other, whether it runs."""

    async def __call__(self, call: Call, arguments: NoArguments) -> TextResult:
        self.cancelled = anyio.Event()
        try:
            return await super().__call__(call, arguments)
        finally:
            self.started = anyio.Event()


async def work(seat: Seat) -> None:
    waiting = WaitingAgain()

    async def begun(call: Call, arguments: NoArguments) -> TextResult:
        await waiting.started.wait()
        return TextResult(text="begun")

    async def waited(call: Call, arguments: NoArguments) -> TextResult:
        await waiting.cancelled.wait()
        return TextResult(text="cancelled")

    more = [
        Tool("linger", "Linger", "Takes its time.", NoArguments, TextResult, "read", linger),
        Tool("ask", "Ask", "Asks the client.", NoArguments, TextResult, "read", ask),
        Tool("process", "Process", "Says which process it is.", NoArguments, TextResult, "read", process),
        Tool("begun", "Begun", "Ends when `wait` runs.", NoArguments, TextResult, "read", begun),
        Tool("waited", "Waited", "Ends when `wait` was cancelled.", NoArguments, TextResult, "read", waited),
    ]
    catalogue = build_catalogue(waiting)
    catalogue = replace(catalogue, tools=[*catalogue.tools, *more])
    server = build_server(catalogue, build_pipeline(LocalUser("tester"), LogAudit()))
    await run_http(server, HttpSettings(drain_seconds=DRAIN), on_ready=lambda _: seat.announce(), seat=seat)


async def supervise(count: int, folder: Path) -> int:
    with listen("127.0.0.1", 0) as listener:
        url = endpoint_url("127.0.0.1", listener.getsockname()[1])
        supervisor = Supervisor(
            [sys.executable, __file__, "worker"],
            count,
            listener,
            folder,
            ending_seconds=5,
            on_ready=lambda: print(url, flush=True),  # noqa: T201 - who started this process reads it
        )
        return await supervisor.run()


if __name__ == "__main__":
    set_up_logging("warning")
    if sys.argv[1] == "worker":
        asyncio.run(work(Seat(Inheritance.parsed(sys.argv[2]))))
    else:
        with tempfile.TemporaryDirectory() as folder:
            code = asyncio.run(supervise(int(sys.argv[1]), Path(folder)))
        sys.exit(code)
