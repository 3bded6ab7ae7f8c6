"""Streams that a client keeps open end with its credential."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import anyio
from starlette.types import ASGIApp, Receive, Scope, Send

from mcpkit.transport.http.sent import Sent

StillAdmitted = Callable[[], Awaitable[bool]]


async def while_admitted(
    app: ASGIApp,
    scope: Scope,
    receive: Receive,
    send: Send,
    *,
    expires: float | None,
    is_admitted: StillAdmitted,
    interval: float,
) -> None:
    """Runs `app` until its credential `expires` (unix seconds), or `is_admitted`, asked every `interval` seconds, says
    that it was revoked. An answer that has begun is then ended."""
    sent = Sent(send)

    async def watch() -> None:
        while (left := interval if expires is None else min(interval, expires - time.time())) > 0:
            await asyncio.sleep(left)
            if not await is_admitted():
                break
        running.cancel()

    with anyio.CancelScope() as running:
        watching = asyncio.create_task(watch())
        try:
            await app(scope, receive, sent)
        finally:
            watching.cancel()
    if running.cancelled_caught and sent.begun and not sent.ended:
        await sent.end()
