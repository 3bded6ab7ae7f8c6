"""Serving over HTTP in this process: alone, or as one of several workers."""

import logging
from collections.abc import Callable
from contextlib import AsyncExitStack

from mailquery.bootstrap import missing_archive, open_application
from mailquery.serving import Serving
from mailquery.settings import Settings
from mailquery.settings.serving import Metrics
from mcpkit.errors import ErrorCode, Fault
from mcpkit.monitoring.health import Outcome, Report, Result, Status
from mcpkit.monitoring.multiprocess import alone
from mcpkit.security.session_store import SessionStore
from mcpkit.transport.http.application import HttpSettings, check_unguarded, endpoint_url, is_loopback, run_http
from mcpkit.transport.http.waiting import wait_over_http
from mcpkit.transport.workers.seats import Seat

logger = logging.getLogger(__name__)


def http_settings(settings: Settings, host: str | None, port: int | None) -> HttpSettings:
    """`host` and `port` go before what is set. Raises Fault CONFIGURATION where it is not to be served like this."""
    http = settings.http
    address = HttpSettings(
        host=host if host is not None else http.host,
        port=port if port is not None else http.port,
        allowed_hosts=http.allowed_hosts,
        allowed_origins=http.allowed_origins,
        max_body_bytes=http.max_body_bytes,
        body_seconds=http.body_seconds,
        head_seconds=http.head_seconds,
        unread_seconds=http.unread_seconds,
        max_connections=http.max_connections,
        max_sessions=http.max_sessions,
        session_idle_seconds=http.session_idle_seconds,
        trusted_proxies=http.trusted_proxies,
        drain_seconds=http.drain_seconds,
        shutdown_seconds=http.shutdown_seconds,
    )
    check_ports(address, settings.metrics)
    if not settings.auth.strategies:
        from mailquery.guarding import REMEDY

        check_unguarded(address.host, REMEDY)
    elif settings.auth.uses_oauth and not settings.auth.resource and not (address.port and is_loopback(address.host)):
        raise Fault(
            ErrorCode.CONFIGURATION,
            "`auth.resource` is not set: the public URL of this server's /mcp, such as https://mail.example.com/mcp, "
            "which the authorization server's tokens must be meant for (MAILQUERY_AUTH__RESOURCE).",
        )
    return address


def check_ports(address: HttpSettings, metrics: Metrics) -> None:
    """That the figures are not to be served where the server itself is. Raises Fault CONFIGURATION."""
    if not metrics.port or metrics.port != address.port:
        return
    everywhere = {"", "0.0.0.0", "::"}  # noqa: S104 - it is compared, not listened at
    if metrics.host == address.host or {metrics.host, address.host} & everywhere:
        raise Fault(
            ErrorCode.CONFIGURATION,
            f"`http.port` (or --port) and `metrics.port` are both {metrics.port}. Figures need a port of "
            "their own: set `metrics.port` to another one, such as 9464 (MAILQUERY_METRICS__PORT).",
            details={"port": metrics.port},
        )


async def serve(
    settings: Settings,
    address: HttpSettings,
    *,
    on_ready: Callable[[str], None],
    seat: Seat | None = None,
    conformance: bool = False,
) -> None:
    """Until SIGINT or SIGTERM. With a `seat` as one of several workers, of which the first does what goes on beside a
    server."""
    if seat is None:
        alone()
    if missing := missing_archive(settings, was_there=seat is not None and seat.others_began):
        if seat is None or not seat.others_began:
            raise missing
        await _wait_for_archive(settings, address, seat, missing)
        return
    async with open_application(settings) as application, AsyncExitStack() as running:
        if seat is not None:
            seat.begun()
        serving = Serving(application)
        running.enter_context(serving.tracing())
        await running.enter_async_context(serving.beside() if seat is None or seat.number == 0 else serving.policing())
        limits = await running.enter_async_context(serving.limits(seat.folder if seat is not None else None))
        subscriptions = await running.enter_async_context(serving.announcing())
        state = serving.state()
        metrics = running.enter_context(serving.metrics(state, limits))
        url = endpoint_url(address.host, address.port)
        guard = await running.enter_async_context(serving.guard(url, metrics))
        guarded = guard is not None
        downloads = serving.downloads(limits.principals, guarded=guarded, metrics=metrics)
        server = serving.server(
            limits.principals,
            guarded=guarded,
            metrics=metrics,
            subscriptions=subscriptions,
            link=downloads.link,
        )
        if conformance:
            from mcpkit.conformance import install_fixtures
            from mcpkit.security.tokens import load_or_create_key

            install_fixtures(server, load_or_create_key(settings.home))
        warm_up = await running.enter_async_context(serving.warming_up())

        def ready(url: str) -> None:
            on_ready(url)
            warm_up()

        await run_http(
            server,
            address,
            state,
            ready,
            limits.addresses,
            guard,
            downloads,
            store=SessionStore(application.control, settings.http.session_idle_seconds),
            end_streams=subscriptions.end,
            seat=seat,
        )


async def _wait_for_archive(settings: Settings, address: HttpSettings, seat: Seat, missing: Fault) -> None:
    """In the place of a worker that had the archive open."""
    logger.error("nothing is served until the archive is back: %s", missing.told_here)
    remedy = str(missing.details["remedy"])
    outcome = Outcome(Status.UNHEALTHY, f"{missing.code.name}: {remedy}")
    await wait_over_http(
        address,
        Report((Result("database", outcome, 0.0),)),
        "The mail archive cannot be found now.",
        lambda: missing_archive(settings, was_there=True) is None,
        seat,
    )
