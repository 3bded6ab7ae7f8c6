"""Running the server. On the way of every start over STDIO: this module imports nothing that only people need."""

import asyncio
import gc
import sys
from contextlib import AsyncExitStack


def serve_stdio() -> None:
    """Serves one client over standard input and output until it leaves, or until SIGINT or SIGTERM."""
    from mcpkit.transport.stdio.descriptors import take_standard_streams

    # Before anything else is imported: nothing but the protocol may get onto standard output.
    wire = take_standard_streams()
    # What is imported stays: looking through it for garbage again and again takes a tenth of the start.
    gc.disable()

    from mcpkit.transport.stdio.lean_sdk import import_only_what_is_used

    import_only_what_is_used()

    from mailquery.bootstrap import missing_archive, open_application
    from mailquery.serving import Serving
    from mailquery.settings import load_settings
    from mcpkit.logs import set_up_logging
    from mcpkit.transport.stdio.server import run_stdio

    settings = load_settings()
    # The client keeps what is said on standard error; of every call it knows already.
    set_up_logging(settings.log.level or "warning", settings.log.form)
    if missing := missing_archive(settings):
        raise missing

    async def serve() -> None:
        async with AsyncExitStack() as running:
            application = await running.enter_async_context(open_application(settings))
            serving = Serving(application)
            running.enter_context(serving.tracing())
            await running.enter_async_context(serving.beside())
            limits = await running.enter_async_context(serving.limits()) if settings.limits.stdio else None
            subscriptions = await running.enter_async_context(serving.announcing())
            server = serving.server(limits.principals if limits else None, subscriptions=subscriptions)
            gc.freeze()
            gc.enable()
            await run_stdio(server, wire)

    asyncio.run(serve())


def serve_http(host: str | None, port: int | None, workers: int | None = None, *, conformance: bool = False) -> None:
    """Serves over HTTP until SIGINT or SIGTERM, in this process or in several `workers`. None is what the settings say.
    With `conformance` the fixtures of the official conformance suite are offered too. Raises Fault CONFIGURATION where
    the address cannot be listened at, or not without authentication."""
    from mailquery.cli.server.http_serving import http_settings, serve
    from mailquery.settings import load_settings
    from mcpkit.logs import set_up_logging

    settings = load_settings()
    set_up_logging(settings.log.level or "info", settings.log.form, at_once=True)
    address = http_settings(settings, host, port)
    if (workers or settings.http.workers) > 1:
        from mailquery.cli.server.workers import supervise

        supervise(settings, address, workers or settings.http.workers, on_ready=tell, conformance=conformance)
    else:
        asyncio.run(serve(settings, address, on_ready=tell, conformance=conformance))


def tell(url: str) -> None:
    print(f"mailquery serves MCP at {url} (Ctrl-C ends it)", file=sys.stderr, flush=True)
