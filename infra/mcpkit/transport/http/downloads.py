"""Files that are too large for an answer, fetched by a link: short-lived, for one use, and for whom it was given to.

A link stands in an answer, and so in a model's context and in a host's history: it alone opens nothing. The request
needs the same authentication as every other; where none is set, it must come from this machine.
"""

import asyncio
import errno
import ipaddress
import logging
import re
import tempfile
import unicodedata
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import BinaryIO, cast
from urllib.parse import quote

from mcp.server.transport_security import TransportSecurityMiddleware, TransportSecuritySettings
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from mcpkit.errors import ErrorCode, Fault
from mcpkit.protocol.calls import Call
from mcpkit.protocol.declarations import Resource
from mcpkit.protocol.requests import PRINCIPAL_KEY, REQUEST_ID_KEY
from mcpkit.protocol.stages import Proceed, Reply, Stage
from mcpkit.security.tickets import Ticket, Tickets, not_valid
from mcpkit.transport.http.door.authentication import Guard

logger = logging.getLogger(__name__)

_CHUNK = 256 * 1024
_AT_ONCE = 2
_STATUS = {
    ErrorCode.RATE_LIMITED: HTTPStatus.TOO_MANY_REQUESTS,
    ErrorCode.INTERNAL_ERROR: HTTPStatus.INTERNAL_SERVER_ERROR,
    ErrorCode.TOO_LARGE: HTTPStatus.BAD_GATEWAY,  # for what it comes from
    **dict.fromkeys(
        (
            ErrorCode.SOURCE_UNAVAILABLE,
            ErrorCode.SERVICE_UNAVAILABLE,
            ErrorCode.STORAGE_FULL,
            ErrorCode.STORAGE_DAMAGED,
            ErrorCode.CONFLICT,
            ErrorCode.TIMEOUT,
        ),
        HTTPStatus.SERVICE_UNAVAILABLE,
    ),
}
# A browser saves it, and neither guesses a type nor runs what is in it, embeds it, keeps it, or says where it was.
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Accept-Ranges": "none",
}


@dataclass(frozen=True, slots=True)
class Download:
    name: str
    data: bytes


@dataclass(frozen=True, slots=True)
class _Sent:
    """A download on its way: in a file without a name, so that a client who takes it slowly costs no memory. Without a
    file it is only told of."""

    name: str
    size: int
    file: BinaryIO | None


Provide = Callable[[Call, str], Awaitable[Download]]


class Downloads:
    """`provide` gives what a reference stands for, to this call at this time: it looks anew whether the caller may have
    it. `declared` is what the fetch counts as: its permission is needed, the policy must allow it, and the audit has
    its name. It is a template with one variable. `stages` surround the fetch.

    `base` is the public URL under which the links lie; None is whatever host the caller named. Files lie in `folder`
    while they are sent; at most `_AT_ONCE` are in memory, while they are written there.
    """

    def __init__(
        self,
        tickets: Tickets,
        provide: Provide,
        declared: Resource,
        stages: Sequence[Stage],
        *,
        path: str,
        folder: Path,
        base: str | None = None,
    ) -> None:
        self._folder = folder
        self._writing = asyncio.Semaphore(_AT_ONCE)
        self._tickets = tickets
        self._provide = provide
        self._declared = declared
        self._stages = stages
        self._path = path
        self._base = base

    def link(self, call: Call, reference: str) -> str | None:
        """None for a caller who is not there over HTTP, and so could not follow it."""
        host = call.headers.get("host", "")
        base = self._base or (f"{call.scheme}://{host}{self._path}" if host else "")
        if call.transport != "http" or not base:
            return None
        ticket = self._tickets.issue(call.caller, reference, credential=call.authenticated is not None)
        return f"{base}/{ticket}"

    def route(self, security: TransportSecuritySettings, guard: Guard | None) -> Route:
        endpoint: ASGIApp = _Endpoint(self, security, guarded=guard is not None)
        return Route(f"{self._path}/{{ticket}}", guard.protect(endpoint) if guard is not None else endpoint)

    async def fetch(self, request: Request) -> _Sent:
        """Raises Fault NOT_FOUND alike for a ticket that is wrong, used, expired or another's."""
        ticket = self._tickets.open(request.path_params["ticket"])
        call = Call(
            kind="download",
            name=re.sub(r"\{\w+\}", ticket.reference, self._declared.uri),
            arguments={},
            request_id="",
            transport="http",
            scheme=request.url.scheme,
            headers=request.headers,
            authenticated=request.scope.get(PRINCIPAL_KEY),
            declaration=self._declared,
            id=request.scope.get(REQUEST_ID_KEY, ""),
        )
        proceed: Proceed = partial(self._give, ticket, request.method)
        for stage in reversed(self._stages):
            proceed = partial(stage, proceed=proceed)
        value = (await proceed(call)).value
        assert isinstance(value, _Sent)
        return value

    async def _give(self, ticket: Ticket, method: str, call: Call) -> Reply:
        self._tickets.check(ticket, call.caller, credential=call.authenticated is not None)
        if await self._tickets.is_used(ticket):
            raise not_valid()
        async with self._writing:
            found = await self._provide(call, ticket.reference)
            size, file = len(found.data), None
            if method == "GET":
                file = await asyncio.to_thread(_written, self._folder, found.data)
        sent = _Sent(found.name, size, file)
        if method == "GET":
            await self._tickets.use(ticket)  # last: a failure uses nothing up
        call.reason = f"a link that was given to this caller ({method})"
        return Reply(sent, disclosed=(ticket.reference,) if method == "GET" else ())


class _Endpoint:
    """A class, so that Starlette takes it for an application: it has any method come here."""

    def __init__(self, downloads: Downloads, security: TransportSecuritySettings, *, guarded: bool) -> None:
        self._downloads = downloads
        self._security = TransportSecurityMiddleware(security)
        self._guarded = guarded

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        response = await self._response(request)
        await response(scope, receive, send)

    async def _response(self, request: Request) -> Response:
        if request.method not in ("GET", "HEAD"):
            return Response(status_code=HTTPStatus.METHOD_NOT_ALLOWED, headers={"Allow": "GET, HEAD"})
        refusal = await self._security.validate_request(request)
        if refusal is not None:
            return refusal
        try:
            if not self._guarded and not _is_here(request):
                raise not_valid()
            found = await self._downloads.fetch(request)
        except Fault as fault:
            return _refused(fault)
        headers = {
            **_HEADERS,
            "Content-Length": str(found.size),
            "Content-Disposition": disposition(found.name),
        }
        if found.file is None:
            return Response(headers=headers, media_type="application/octet-stream")
        return StreamingResponse(_chunks(found.file), headers=headers, media_type="application/octet-stream")


def disposition(name: str) -> str:
    """The field `Content-Disposition` (RFC 6266), with the name in ASCII for old programs and as it is (RFC 8187)."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    plain = re.sub(r"[^\w .()\[\]-]", "_", plain, flags=re.ASCII).strip(". ") or "attachment"
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='', errors='replace')}"


def _written(folder: Path, data: bytes) -> BinaryIO:
    """Raises Fault STORAGE_FULL, SERVICE_UNAVAILABLE."""
    try:
        file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - it is open until it is sent
        file.write(data)
        file.seek(0)
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        code = ErrorCode.STORAGE_FULL if full else ErrorCode.SERVICE_UNAVAILABLE
        raise Fault(code, f"The file cannot be prepared for sending: {error.strerror}.") from error
    return cast(BinaryIO, file)


async def _chunks(file: BinaryIO) -> AsyncIterator[bytes]:
    with file:
        while chunk := await asyncio.to_thread(file.read, _CHUNK):
            yield chunk


def _refused(fault: Fault) -> Response:
    """Whoever has no right to it is not told that it is there."""
    status = _STATUS.get(fault.code, HTTPStatus.NOT_FOUND)
    told = not_valid() if status == HTTPStatus.NOT_FOUND else fault
    headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    if fault.retry_after is not None:
        headers["Retry-After"] = str(max(1, round(fault.retry_after)))
    return JSONResponse({"error": told.message}, status, headers)


def _is_here(request: Request) -> bool:
    try:
        return request.client is not None and ipaddress.ip_address(request.client.host).is_loopback
    except ValueError:
        return False
