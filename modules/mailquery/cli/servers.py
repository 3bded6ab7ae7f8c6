"""Running the server. On the way of every start over STDIO: this module imports nothing that only people need."""

import asyncio
import gc
import sys
from contextlib import AsyncExitStack


def serve_stdio() -> None:
    """Serves one client over standard input and output until it leaves, or until SIGINT or SIGTERM."""
    from mcpkit.transport.descriptors import take_standard_streams

    # Before anything else is imported: nothing but the protocol may get onto standard output.
    wire = take_standard_streams()
    # What is imported stays: looking through it for garbage again and again takes a tenth of the start.
    gc.disable()

    from mailquery.bootstrap import open_application
    from mailquery.serving import Serving
    from mailquery.settings import load_settings
    from mcpkit.logs import set_up_logging
    from mcpkit.transport.stdio import run_stdio

    settings = load_settings()
    # The client keeps what is said on standard error; of every call it knows already.
    set_up_logging(settings.log.level or "warning", settings.log.form)

    async def serve() -> None:
        async with AsyncExitStack() as running:
            application = await running.enter_async_context(open_application(settings))
            serving = Serving(application)
            await running.enter_async_context(serving.beside())
            limits = await running.enter_async_context(serving.limits()) if settings.limits.stdio else None
            subscriptions = await running.enter_async_context(serving.announcing())
            server = serving.server(limits.principals if limits else None, subscriptions=subscriptions)
            gc.freeze()
            gc.enable()
            await run_stdio(server, wire)

    asyncio.run(serve())


def serve_http(host: str | None, port: int | None, *, conformance: bool = False) -> None:
    """Serves over HTTP until SIGINT or SIGTERM. None is what the settings say. With `conformance` the fixtures of the
    official conformance suite are offered too. Raises Fault CONFIGURATION where the address cannot be listened at, or
    not without authentication."""
    from mailquery.bootstrap import open_application
    from mailquery.serving import Serving
    from mailquery.settings import load_settings
    from mcpkit.errors import ErrorCode, Fault
    from mcpkit.logs import set_up_logging
    from mcpkit.transport.http import HttpSettings, check_unguarded, endpoint_url, is_loopback, run_http

    settings = load_settings()
    set_up_logging(settings.log.level or "info", settings.log.form)
    address = HttpSettings(
        host=host if host is not None else settings.http.host,
        port=port if port is not None else settings.http.port,
        allowed_hosts=settings.http.allowed_hosts,
        allowed_origins=settings.http.allowed_origins,
        max_body_bytes=settings.http.max_body_bytes,
        body_seconds=settings.http.body_seconds,
        max_connections=settings.http.max_connections,
        max_sessions=settings.http.max_sessions,
        session_idle_seconds=settings.http.session_idle_seconds,
        trusted_proxies=settings.http.trusted_proxies,
    )

    if not settings.auth.strategies:
        from mailquery.guarding import REMEDY

        check_unguarded(address.host, REMEDY)
    elif settings.auth.uses_oauth and not settings.auth.resource and not (address.port and is_loopback(address.host)):
        raise Fault(
            ErrorCode.CONFIGURATION,
            "`auth.resource` is not set: the public URL of this server's /mcp, such as https://mail.example.com/mcp, "
            "which the authorization server's tokens must be meant for (MAILQUERY_AUTH__RESOURCE).",
        )

    async def serve() -> None:
        async with open_application(settings) as application, AsyncExitStack() as running:
            serving = Serving(application)
            await running.enter_async_context(serving.beside())
            limits = await running.enter_async_context(serving.limits())
            subscriptions = await running.enter_async_context(serving.announcing())
            guard = await running.enter_async_context(serving.guard(endpoint_url(address.host, address.port)))
            with serving.metrics() as metrics:
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

                    install_fixtures(server)
                await run_http(server, address, serving.state(), _tell, limits.addresses, guard, downloads)

    asyncio.run(serve())


def _tell(url: str) -> None:
    print(f"mailquery serves MCP at {url} (Ctrl-C ends it)", file=sys.stderr, flush=True)
