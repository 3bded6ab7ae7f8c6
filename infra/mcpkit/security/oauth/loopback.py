"""Where the browser is sent back to: a free port of this machine, for one answer (RFC 8252, section 7.3).

Anybody on this machine, and any page in the browser, can ask it for something. It answers to its own name and path
alone, takes what has the state of the login, and ends.
"""

import asyncio
import errno
import html
import logging
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

import httptools

from mcpkit.errors import ErrorCode, Fault
from mcpkit.security.oauth.code_flow import ForeignAnswer

logger = logging.getLogger(__name__)

SECONDS = 600.0  # for a person to sign in

_HEAD_BYTES = 32 * 1024
_HEAD_SECONDS = 10.0
_AT_ONCE = 16  # connections
_TRIES = 20  # ports that may be free on one of the loopback addresses and taken on the other

_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title></head>
<body><h1>{title}</h1><p>{text}</p></body></html>
"""
_HEADERS = (
    "Content-Type: text/html; charset=utf-8\r\n"
    "Cache-Control: no-store\r\n"
    "Referrer-Policy: no-referrer\r\n"
    "X-Content-Type-Options: nosniff\r\n"
    "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\n"
    "Connection: close\r\n"
)


@dataclass(frozen=True, slots=True)
class _Page:
    status: str
    title: str
    text: str


_DONE = _Page("200 OK", "Signed in", "You can close this page and go back to {product}.")
_FAILED = _Page("200 OK", "Not signed in", "Go back to {product}: it says what went wrong.")
_OVER = _Page("410 Gone", "This login is over", "Go back to {product}.")
_FOREIGN = _Page("400 Bad Request", "Not this login", "This address belongs to another login. Use the newest one.")
_NOT_FOUND = _Page("404 Not Found", "Nothing here", "There is nothing at this address.")
_HOST = _Page("421 Misdirected Request", "Not here", "This server has another name.")
_METHOD = _Page("405 Method Not Allowed", "Not so", "Only GET is answered.")
_MALFORMED = _Page("400 Bad Request", "Not understood", "This is no request.")


class _Request:
    """What httptools tells of a request's head."""

    def __init__(self) -> None:
        self.target = b""
        self.hosts: list[bytes] = []
        self.is_whole = False

    def on_url(self, part: bytes) -> None:
        self.target += part

    def on_header(self, name: bytes, value: bytes) -> None:
        if name.lower() == b"host":
            self.hosts.append(value)

    def on_headers_complete(self) -> None:
        self.is_whole = True


class Loopback:
    """Waits for one answer at `redirect_uri`."""

    def __init__(self, redirect_uri: str, product: str) -> None:
        self.redirect_uri = redirect_uri
        self._product = product
        parts = urlsplit(redirect_uri)
        self._host = parts.netloc.encode()
        self._path = (parts.path or "/").encode()
        self._accept: Callable[[str], str] | None = None
        self._accepting = asyncio.Event()
        self._answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._connections: set[asyncio.Task[None]] = set()

    async def answer(self, accept: Callable[[str], str], seconds: float = SECONDS) -> str:
        """What `accept` makes of the query of the first request that is the answer. It raises `ForeignAnswer` for those
        that are not, and Fault where the answer is a refusal.

        Raises:
            Fault: that of `accept`; TIMEOUT, where no answer came within `seconds`.
        """
        self._accept = accept
        self._accepting.set()
        try:
            async with asyncio.timeout(seconds):
                return await asyncio.shield(self._answer)
        except TimeoutError:
            raise Fault(
                ErrorCode.TIMEOUT,
                f"Nobody signed in within {seconds:.0f} seconds. Run the command again when you are at the browser.",
            ) from None

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            async with self._slots:
                await self._converse(reader, writer)
        except (ConnectionError, TimeoutError):
            pass  # who asked has gone, or never asks
        finally:
            self._connections.discard(task)
            writer.close()

    async def close(self) -> None:
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        if self._answer.done() and not self._answer.cancelled():
            self._answer.exception()  # nobody may have waited for it
        self._answer.cancel()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        settled: str | Fault | None = None
        async with asyncio.timeout(_HEAD_SECONDS):
            request, method = await _head(reader)
            if request is None:
                page = _MALFORMED
            else:
                page, settled = await self._judge(request, method)
            writer.write(self._response(page))
            await writer.drain()
        # The browser has its page before anything else happens.
        if isinstance(settled, Fault):
            self._answer.set_exception(settled)
        elif settled is not None:
            self._answer.set_result(settled)

    async def _judge(self, request: _Request, method: bytes) -> tuple[_Page, str | Fault | None]:
        path, _, query = request.target.partition(b"?")
        if request.hosts != [self._host]:
            return _HOST, None
        if path != self._path:
            return _NOT_FOUND, None
        if method != b"GET":
            return _METHOD, None
        await self._accepting.wait()
        assert self._accept is not None
        if self._answer.done():
            return _OVER, None
        try:
            return _DONE, self._accept(query.decode("ascii"))
        except (ForeignAnswer, UnicodeDecodeError):
            logger.info("an answer to another login was turned away")
            return _FOREIGN, None
        except Fault as fault:
            return _FAILED, fault

    def _response(self, page: _Page) -> bytes:
        body = _PAGE.format(title=page.title, text=html.escape(page.text.format(product=self._product))).encode()
        return f"HTTP/1.1 {page.status}\r\n{_HEADERS}Content-Length: {len(body)}\r\n\r\n".encode() + body


async def _head(reader: asyncio.StreamReader) -> tuple[_Request | None, bytes]:
    request = _Request()
    parser = httptools.HttpRequestParser(request)
    length = 0
    while not request.is_whole:
        data = await reader.read(4096)
        length += len(data)
        if not data or length > _HEAD_BYTES:
            return None, b""
        try:
            parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            return None, b""
    return request, parser.get_method()


@asynccontextmanager
async def listening(redirect: str, product: str) -> AsyncIterator[Loopback]:
    """Listens on a free port of the loopback interface until the context ends. `redirect` is the registered redirect
    URI, without a port; `product` is what the page calls the program.

    Raises:
        Fault: CONFIGURATION, where `redirect` is no loopback address, or no port is to be had.
    """
    parts = urlsplit(redirect)
    addresses = {"127.0.0.1": ("127.0.0.1",), "::1": ("::1",), "localhost": ("127.0.0.1", "::1")}
    if parts.scheme != "http" or parts.hostname not in addresses:
        raise Fault(ErrorCode.CONFIGURATION, "The redirect URI must begin with http://127.0.0.1 or http://localhost.")
    sockets = _bound(addresses[parts.hostname])
    port = sockets[0].getsockname()[1]
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    loopback = Loopback(f"http://{host}:{port}{parts.path}", product)
    servers = [await asyncio.start_server(loopback.serve, sock=each, limit=_HEAD_BYTES) for each in sockets]
    try:
        yield loopback
    finally:
        for server in servers:
            server.close()
        await loopback.close()


def _bound(addresses: tuple[str, ...]) -> list[socket.socket]:
    """One port on each of `addresses` that this machine has: a browser may take either for the name `localhost`, and
    nobody else may wait there."""
    for _ in range(_TRIES):
        sockets: list[socket.socket] = []
        port = 0
        try:
            for address in addresses:
                sockets.append(_listener(address, port))
                port = sockets[0].getsockname()[1]
        except OSError as error:
            if error.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT) and sockets:
                return sockets  # a machine without IPv6
            for each in sockets:
                each.close()
            if error.errno != errno.EADDRINUSE:
                break
        else:
            return sockets
    raise Fault(ErrorCode.CONFIGURATION, "No port of the loopback interface is free, where a browser could answer.")


def _listener(address: str, port: int) -> socket.socket:
    """Without SO_REUSEADDR: nobody else may have the port."""
    made = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
    try:
        if made.family is socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        made.bind((address, port))
        made.setblocking(False)
    except BaseException:
        made.close()
        raise
    return made
