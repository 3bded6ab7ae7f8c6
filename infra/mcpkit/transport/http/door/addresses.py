"""No address asks for more than its share, whoever it says that it is."""

import ipaddress
import math
from contextlib import ExitStack
from functools import lru_cache

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from mcpkit.errors import Fault
from mcpkit.security.limits.rate_limits import RateLimits

_SUBSCRIBER = 64  # bits of an IPv6 address that tell one subscriber from another; the rest is theirs to choose


class LimitAddresses:
    """Answers 429 with `Retry-After` (RFC 6585, section 4) before anything of a request is looked at. Callers on this
    machine are let through: they are held to the limits of who they are."""

    def __init__(self, app: ASGIApp, limits: RateLimits) -> None:
        self._app = app
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        address = subscriber(scope) if scope["type"] == "http" else None
        if address is None:
            await self._app(scope, receive, send)
            return
        with ExitStack() as running:
            try:
                await self._limits.request(address)
                running.enter_context(self._limits.running(address))
            except Fault as fault:
                await _too_many(fault)(scope, receive, send)
                return
            await self._app(scope, receive, send)


def subscriber(scope: Scope) -> str | None:
    """The address that is counted; None for this machine."""
    client = scope.get("client")
    return None if client is None else _counted(str(client[0]))


@lru_cache(maxsize=4096)
def _counted(client: str) -> str | None:
    try:
        address = ipaddress.ip_address(client)
    except ValueError:  # what a proxy said, or a socket of another family
        return client
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    if address.is_loopback:
        return None
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((address, _SUBSCRIBER), strict=False).network_address)
    return str(address)


def _too_many(fault: Fault) -> JSONResponse:
    error = {"code": fault.code.number, "message": fault.message, "data": fault.as_dict()}
    seconds = math.ceil(fault.retry_after or 1)
    return JSONResponse({"jsonrpc": "2.0", "id": None, "error": error}, 429, {"Retry-After": str(seconds)})
