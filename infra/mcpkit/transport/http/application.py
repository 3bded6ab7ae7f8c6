"""The HTTP transport: Streamable HTTP at `/mcp`, `/health`, `/ready`, downloads, and where tokens are to be had."""

import errno
import gc
import ipaddress
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any

from mcp.server.lowlevel import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from mcpkit.beside import beside
from mcpkit.errors import ErrorCode, Fault
from mcpkit.monitoring.health import Status
from mcpkit.security.limits.rate_limits import RateLimits
from mcpkit.security.session_store import SessionStore
from mcpkit.transport.http.closing import Closing
from mcpkit.transport.http.connections import ConnectionLimits, LimitedConfig, LimitedHttpProtocol
from mcpkit.transport.http.containing import ContainHttpErrors
from mcpkit.transport.http.door.addresses import LimitAddresses
from mcpkit.transport.http.door.authentication import Guard
from mcpkit.transport.http.downloads import Downloads
from mcpkit.transport.http.endpoint import McpEndpoint
from mcpkit.transport.http.exchange import Exchange
from mcpkit.transport.http.open_files import room_for
from mcpkit.transport.http.open_sessions import OpenSessions
from mcpkit.transport.http.request_ids import RequestIds
from mcpkit.transport.http.running import Runner, signals_end_quietly
from mcpkit.transport.http.session_calls import SessionCalls
from mcpkit.transport.http.sessions import Sessions
from mcpkit.transport.http.state import SUPERVISOR_HANGS, HttpState
from mcpkit.transport.workers.seats import Seat

logger = logging.getLogger(__name__)

_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
_BACKLOG = 2048
_ENDPOINT = "/mcp"
# Objects between collections of the youngest, and how many of those before one of the older, and of the oldest: what a
# call leaves is mostly free at once, and looking at the rest that often kept other calls waiting.
_COLLECTIONS = (5_000, 20, 20)


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """`allowed_hosts` and `allowed_origins` are further values of those headers that are accepted (`name`, `name:port`
    or `name:*`, origins with their scheme), beside those of the loopback interface and of `host`. What the proxies of
    `trusted_proxies` (addresses or networks) say of a client's address in `X-Forwarded-For` is believed."""

    host: str = "127.0.0.1"
    port: int = 8765
    allowed_hosts: Sequence[str] = ()
    allowed_origins: Sequence[str] = ()
    max_body_bytes: int = 4 * 1024 * 1024
    body_seconds: float = 30.0  # that a request's body may take
    head_seconds: float = 15.0  # that its head may take
    unread_seconds: float = 60.0  # for which a client may leave what was sent unread
    max_connections: int = 1024
    max_sessions: int = 1000
    session_idle_seconds: float = 1800.0
    trusted_proxies: Sequence[str] = ()
    drain_seconds: float = 0.0  # for which a server that is told to end goes on as before, but for `/ready`
    shutdown_seconds: float = 8.0  # for which it then finishes what runs

    def security(self) -> TransportSecuritySettings:
        own = (*_LOOPBACK, *(() if _is_unspecified(self.host) else (_bracketed(self.host),)))
        hosts = [form for name in own for form in (name, f"{name}:*")]
        origins = [f"{scheme}://{host}" for scheme in ("http", "https") for host in hosts]
        return TransportSecuritySettings(
            enable_dns_rebinding_protection=True,
            allowed_hosts=[*hosts, *self.allowed_hosts],
            allowed_origins=[*origins, *self.allowed_origins],
        )


def build_app(
    server: Server[Any],
    settings: HttpSettings,
    state: HttpState | None = None,
    *,
    addresses: RateLimits | None = None,
    guard: Guard | None = None,
    downloads: Downloads | None = None,
    store: SessionStore | None = None,
    seat: Seat | None = None,
) -> ASGIApp:
    """The ASGI application. `addresses` are the limits of each address that requests come from. `state` is what
    `/ready` tells, and is told what goes on. Sessions outlive this process where there is a `store` for them; the
    `seat` is that of one of several workers.

    `/health` says that the process is alive, and the supervisor of several; it looks at nothing else. It and `/ready`
    are behind no check of Host, Origin or credential, so they tell nothing private. With a `guard`, nothing else but
    the guard's own routes is open.
    """
    state = state or HttpState()
    sessions = OpenSessions(
        server,
        max_sessions=settings.max_sessions,
        session_idle_timeout=settings.session_idle_seconds,
        max_request_body_size=settings.max_body_bytes,
    )
    # An envelope of a few hundred bytes is put around a bare call.
    plain = StreamableHTTPSessionManager(
        server, json_response=True, stateless=True, max_request_body_size=2 * settings.max_body_bytes + 4096
    )

    state.sessions = sessions.count

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with sessions.run(), plain.run():
            yield

    endpoint: ASGIApp = McpEndpoint(
        sessions,
        plain,
        settings.security(),
        Exchange(server),
        SessionCalls(server, sessions),
        max_body_bytes=settings.max_body_bytes,
        body_seconds=settings.body_seconds,
    )
    endpoint = Sessions(
        endpoint,
        sessions.has,
        store,
        number=seat.number if seat is not None else 0,
        count=seat.count if seat is not None else 1,
    )
    if guard is not None:
        endpoint = guard.protect(endpoint)
    around = [
        Middleware(ContainHttpErrors),
        *([Middleware(LimitAddresses, addresses)] if addresses is not None else []),
    ]
    app: ASGIApp = Starlette(
        routes=[
            Route(_ENDPOINT, endpoint),
            Route("/health", _health_endpoint(server, state), methods=["GET"]),
            Route("/ready", _ready_endpoint(state), methods=["GET"]),
            *([downloads.route(settings.security(), guard)] if downloads is not None else []),
            *(guard.routes() if guard is not None else []),
        ],
        lifespan=lifespan,
        middleware=around,
    )
    for each in reversed(around):
        endpoint = each.cls(endpoint, *each.args, **each.kwargs)
    return RequestIds(_StripHeaderValues(_Straight(endpoint, app)))


async def run_http(
    server: Server[Any],
    settings: HttpSettings,
    state: HttpState | None = None,
    on_ready: Callable[[str], None] | None = None,
    addresses: RateLimits | None = None,
    guard: Guard | None = None,
    downloads: Downloads | None = None,
    *,
    store: SessionStore | None = None,
    end_streams: Callable[[], None] = lambda: None,
    seat: Seat | None = None,
) -> None:
    """Serve until SIGINT or SIGTERM, then finish what runs and return. `on_ready` gets the URL of `/mcp` once requests
    are accepted. Sessions outlive this process where there is a `store` for them. `end_streams` ends what clients keep
    open otherwise than by GET. With a `seat` this process is one of several workers, and their supervisor listens.

    Raises:
        Fault: CONFIGURATION, if the address cannot be listened at, or not without a `guard`: only where no other
            machine can reach it is whoever calls the local user.
    """
    if guard is None:
        check_unguarded(settings.host)
    state = state or HttpState()
    listener = seat.listener if seat is not None else listen(settings.host, settings.port)
    settings = replace(settings, max_connections=room_for(settings.max_connections))
    app = build_app(
        server, settings, state, addresses=addresses, guard=guard, downloads=downloads, store=store, seat=seat
    )
    closing = Closing(app, end_streams)
    port = listener.getsockname()[1]
    runner = Runner(
        uvicorn_config(closing, settings),
        listener,
        closing,
        on_ready=lambda: on_ready and on_ready(endpoint_url(settings.host, port)),
        on_end=state.drain,
        seat=seat,
        drain_seconds=settings.drain_seconds,
        shutdown_seconds=settings.shutdown_seconds,
    )
    state.connections = lambda: len(runner.server_state.connections)
    watching: AbstractAsyncContextManager[None] = nullcontext()
    if seat is not None:
        seated = seat
        state.supervisor_hangs = lambda: seated.supervisor_hangs
        watching = beside(seat.watch_supervisor())
    # Full collections over what the imports left on the heap stall requests for 40 to 100 ms.
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_COLLECTIONS)
    with signals_end_quietly(), listener:
        async with watching:
            await runner.serve()


def endpoint_url(host: str, port: int) -> str:
    """The URL of `/mcp` on a server that listens there."""
    return f"http://{_bracketed(host)}:{port}/mcp"


def uvicorn_config(app: ASGIApp, settings: HttpSettings) -> LimitedConfig:
    return LimitedConfig(
        app,
        loop="asyncio",  # uvloop starves connections where requests cost CPU
        http=LimitedHttpProtocol,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=list(settings.trusted_proxies),
        limits=ConnectionLimits(settings.max_connections, settings.head_seconds, settings.unread_seconds),
        server_header=False,
    )


def listen(host: str, port: int) -> socket.socket:
    """Raises Fault CONFIGURATION, if the address cannot be listened at."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        listener = socket.create_server(address[:2], family=family, backlog=_BACKLOG)
    except OSError as error:
        reason = {
            errno.EADDRINUSE: f"Port {port} is in use by another program. Choose another with --port.",
            errno.EACCES: f"Port {port} needs privileges. Choose one above 1023 with --port.",
            errno.EADDRNOTAVAIL: f"This machine has no address {host}. Choose another with --host.",
        }.get(error.errno or 0, f"Cannot listen at {host}, port {port}: {error.strerror}. See --host and --port.")
        raise Fault(ErrorCode.CONFIGURATION, reason, details={"host": host, "port": port}) from error
    listener.setblocking(False)
    return listener


def _health_endpoint(server: Server[Any], state: HttpState) -> Callable[[Request], Awaitable[Response]]:
    """503 tells whoever keeps the server running to start it anew."""
    alive = {"status": "ok", "name": server.name, "version": server.version}

    async def endpoint(request: Request) -> Response:
        if state.supervisor_hangs():
            return JSONResponse(SUPERVISOR_HANGS, HTTPStatus.SERVICE_UNAVAILABLE)
        return JSONResponse(alive)

    return endpoint


def _ready_endpoint(state: HttpState) -> Callable[[Request], Awaitable[Response]]:
    """503 tells whoever distributes requests to send none here; one that is degraded still answers them."""

    async def endpoint(request: Request) -> Response:
        report = await state.report()
        status = HTTPStatus.SERVICE_UNAVAILABLE if report.status is Status.UNHEALTHY else HTTPStatus.OK
        return JSONResponse(report.as_shape(), status, {"Cache-Control": "no-store"})

    return endpoint


class _Straight:
    """Gives requests of `/mcp` to the endpoint without the way through `others`, which knows it too: for whoever asks
    for it in another spelling."""

    def __init__(self, endpoint: ASGIApp, others: ASGIApp) -> None:
        self._endpoint = endpoint
        self._others = others

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        straight = scope["type"] == "http" and scope["path"] == _ENDPOINT and not scope.get("root_path")
        await (self._endpoint if straight else self._others)(scope, receive, send)


class _StripHeaderValues:
    """httptools leaves the optional white space around a header's value in it (RFC 9110, section 5.5), and the SDK
    compares such values with the body's."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope["headers"] = [(name, value.strip(b" \t")) for name, value in scope["headers"]]
        await self._app(scope, receive, send)


def check_unguarded(host: str, remedy: str = "") -> None:
    """That a server without authentication may listen at `host`.

    Raises:
        Fault: CONFIGURATION, with `remedy`: another machine may be able to reach it.
    """
    if not is_loopback(host):
        message = f"Without authentication this server listens at the loopback interface only, not at {host or 'all'}."
        raise Fault(ErrorCode.CONFIGURATION, f"{message} {remedy}".rstrip(), details={"host": host})


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server that listens at `host`: at every address that it stands for."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        pass
    try:
        found = socket.getaddrinfo(host or None, 0, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        return all(ipaddress.ip_address(str(address[0]).partition("%")[0]).is_loopback for *_, address in found)
    except (OSError, UnicodeError):
        return False


def _is_unspecified(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return host == ""


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
