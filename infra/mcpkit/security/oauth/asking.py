"""Asking an authorization server: a form, and JSON of a bounded size within a bounded time."""

import json
import logging
import socket
import ssl
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote_plus, urlsplit

import anyio
import httpx2

from mcpkit.errors import ErrorCode, Fault
from mcpkit.security.authentication.urls import check_url
from mcpkit.security.oauth.clients import Client
from mcpkit.security.oauth.refusals import broken

logger = logging.getLogger(__name__)

TIMEOUT = 20.0  # seconds for a whole answer
MAX_BYTES = 128 * 1024
_LONGEST_PAUSE = 3600.0  # seconds that a server may ask for
_WORDS = {
    "name": "its name is not known to the network",
    "connect": "nothing answers there",
    "tls": "no secure connection can be made",
    "certificate": "its certificate is not trusted",
    "timeout": "it does not answer in time",
    "broken_off": "it broke the connection off",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """`object` is what the JSON in `text` says. The status is below 500, and no redirection."""

    status: int
    text: str = field(repr=False)
    object: dict[str, Any] = field(repr=False)


class Endpoints:
    """Follows no redirect: where a code, a token or a secret goes is the user's choice, not another server's. `tls` is
    for servers that the system does not trust; the default trusts what it trusts."""

    def __init__(self, timeout: float = TIMEOUT, max_bytes: int = MAX_BYTES, tls: ssl.SSLContext | None = None) -> None:
        self._timeout = timeout
        self._max_bytes = max_bytes
        self._tls = tls

    async def get(self, url: str) -> Answer:
        """Raises Fault SOURCE_UNAVAILABLE; CONFIGURATION where the URL may not be asked."""
        return await self._ask("GET", url)

    async def post(self, url: str, form: str, client: Client) -> Answer:
        """`form` is encoded. Raises Fault as `get` does."""
        auth = None
        if client.client_secret and not client.secret_in_body:
            # RFC 6749, section 2.3.1: both are form-encoded first.
            auth = (quote_plus(client.client_id), quote_plus(client.client_secret))
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        return await self._ask("POST", url, content=form.encode(), headers=headers, auth=auth)

    async def _ask(self, method: str, url: str, **sent: Any) -> Answer:
        try:
            check_url(url)
        except ValueError as error:
            raise Fault(ErrorCode.CONFIGURATION, f"The address of an authorization server {error}.") from None
        # Not compressed, so that what is counted is what there is.
        sent["headers"] = {"Accept": "application/json", "Accept-Encoding": "identity", **sent.get("headers", {})}
        try:
            with anyio.fail_after(self._timeout):
                status, headers, body = await self._answer(method, url, **sent)
        except (httpx2.HTTPError, httpx2.InvalidURL, TimeoutError, OSError) as error:
            raise self._unreachable(url, error) from None  # the library's error may hold what was sent
        if status >= 500 or status == 429:
            raise _busy(url, status, headers)
        if 300 <= status < 400:
            raise broken(url, "it sends the program elsewhere")
        return _read(url, status, body)

    async def _answer(self, method: str, url: str, **sent: Any) -> tuple[int, httpx2.Headers, bytes]:
        verify: ssl.SSLContext | bool = self._tls or True
        async with (
            httpx2.AsyncClient(follow_redirects=False, timeout=self._timeout, verify=verify) as http,
            http.stream(method, url, **sent) as response,
        ):
            body = bytearray()
            async for chunk in response.aiter_raw():
                body += chunk
                if len(body) > self._max_bytes:
                    raise broken(url, f"its answer is longer than {self._max_bytes} bytes")
            return response.status_code, response.headers, bytes(body)

    def _unreachable(self, url: str, error: BaseException) -> Fault:
        reason = _reason(error)
        host = urlsplit(url).hostname
        logger.info("%s cannot be asked: %s (%s)", host, reason, type(error).__name__)
        return Fault(
            ErrorCode.SOURCE_UNAVAILABLE,
            f"The authorization server {host} cannot be reached: {_WORDS[reason]}. Look at the network, and try again.",
            details={"reason": reason},
        )


def _reason(error: BaseException) -> str:
    chain: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and link not in chain:
        chain.append(link)
        link = link.__cause__ or link.__context__
    for kinds, reason in (
        (ssl.SSLCertVerificationError, "certificate"),
        (ssl.SSLError, "tls"),
        (socket.gaierror, "name"),
        ((TimeoutError, httpx2.TimeoutException), "timeout"),
        (httpx2.ConnectError, "connect"),
    ):
        if any(isinstance(each, kinds) for each in chain):
            return reason
    return "broken_off"


def _busy(url: str, status: int, headers: httpx2.Headers) -> Fault:
    asked = headers.get("Retry-After", "")
    pause = min(float(asked), _LONGEST_PAUSE) if asked.isascii() and asked.isdigit() else None
    return Fault(
        ErrorCode.SOURCE_UNAVAILABLE,
        f"The authorization server {urlsplit(url).hostname} cannot answer now (status {status}). Try again later.",
        details={"reason": "busy"},
        retry_after=pause,
    )


def _read(url: str, status: int, body: bytes) -> Answer:
    try:
        text = body.decode()
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise broken(url, f"its answer is no JSON (status {status})") from None
    if not isinstance(value, dict):
        raise broken(url, f"its answer is no JSON object (status {status})")
    return Answer(status, text, value)
