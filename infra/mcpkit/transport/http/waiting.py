"""A server that can do nothing yet: it says so, and what helps, to whoever asks, until it can."""

import asyncio
import logging
from collections.abc import Callable
from http import HTTPStatus

from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from mcpkit.beside import beside
from mcpkit.monitoring.health import Report
from mcpkit.transport.http.application import HttpSettings, uvicorn_config
from mcpkit.transport.http.closing import Closing, refusal
from mcpkit.transport.http.running import Runner, signals_end_quietly
from mcpkit.transport.http.state import SUPERVISOR_HANGS
from mcpkit.transport.workers.seats import Seat

logger = logging.getLogger(__name__)

_BETWEEN_LOOKS = 0.5  # seconds


class _Waiting:
    """`/health` is that of a process that is alive, `/ready` gives the report, and all else is refused."""

    def __init__(self, report: Report, why: str, seat: Seat) -> None:
        self._report = report
        self._why = why
        self._seat = seat

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._answer(scope["path"])(scope, receive, send)

    def _answer(self, path: str) -> Response:
        match path:
            case "/health" if self._seat.supervisor_hangs:
                return JSONResponse(SUPERVISOR_HANGS, HTTPStatus.SERVICE_UNAVAILABLE)
            case "/health":
                return JSONResponse({"status": "ok"})
            case "/ready":
                fields = {"Cache-Control": "no-store"}
                return JSONResponse(self._report.as_shape(), HTTPStatus.SERVICE_UNAVAILABLE, fields)
            case _:
                return refusal(self._why)


async def wait_over_http(
    settings: HttpSettings, report: Report, why: str, is_over: Callable[[], bool], seat: Seat
) -> None:
    """Answers so in the `seat` of a worker, until `is_over`, SIGINT or SIGTERM: the worker is then to end, and its
    supervisor starts another. `why` is a sentence for callers, and names nothing private."""
    closing = Closing(_Waiting(report, why, seat))
    config = uvicorn_config(closing, settings)
    config.lifespan = "off"
    runner = Runner(config, seat.listener, closing, on_ready=seat.announce, seat=seat)

    async def look() -> None:
        while True:
            if await asyncio.to_thread(is_over):
                break
            await asyncio.sleep(_BETWEEN_LOOKS)
        logger.warning("what was missing is there: this worker ends, for another one to begin with it")
        runner.should_exit = True

    async with beside(look()), beside(seat.watch_supervisor()):
        with signals_end_quietly(), seat.listener:
            await runner.serve()
