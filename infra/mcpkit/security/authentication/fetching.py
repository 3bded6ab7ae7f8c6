"""Asking an authorization server: JSON of a bounded size, within a bounded time, from where the operator said only."""

import json
import logging
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import anyio
import httpx2

from mcpkit.errors import ErrorCode, Fault
from mcpkit.security.authentication.urls import check_url

logger = logging.getLogger(__name__)

TIMEOUT = 5.0  # seconds for a whole answer
MAX_BYTES = 256 * 1024
_RETRY_AFTER = 5.0


def unavailable(retry_after: float = _RETRY_AFTER) -> Fault:
    message = "The authorization server that decides on access tokens cannot be asked just now. Try again later."
    return Fault(ErrorCode.SERVICE_UNAVAILABLE, message, retry_after=retry_after)


class JsonFetcher:
    """Follows no redirect: where a token or a client's secret goes is the operator's choice, not another server's."""

    def __init__(self, timeout: float = TIMEOUT, max_bytes: int = MAX_BYTES) -> None:
        self._timeout = timeout
        self._max_bytes = max_bytes
        self._client: httpx2.AsyncClient | None = None

    async def get(self, url: str) -> dict[str, Any] | None:
        """The object at `url`; None where there is nothing (404).

        Raises:
            Fault: SERVICE_UNAVAILABLE, for every other answer and for none.
        """
        return await self._ask("GET", url)

    async def post_form(self, url: str, form: Mapping[str, str], auth: tuple[str, str]) -> dict[str, Any] | None:
        return await self._ask("POST", url, data=dict(form), auth=auth)

    async def close(self) -> None:
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def _ask(self, method: str, url: str, **sent: Any) -> dict[str, Any] | None:
        try:
            check_url(url)
            with anyio.fail_after(self._timeout):
                status, body = await self._answer(method, url, **sent)
            return None if status == 404 else _object(status, body)
        except (httpx2.HTTPError, httpx2.InvalidURL, TimeoutError, ValueError, RecursionError) as error:
            place = urlsplit(url)
            logger.warning("no use of %s://%s%s: %r", place.scheme, place.hostname, place.path, error)
            raise unavailable() from error

    async def _answer(self, method: str, url: str, **sent: Any) -> tuple[int, bytes]:
        # Not compressed, so that what is counted is what there is.
        headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
        if self._client is None:
            self._client = httpx2.AsyncClient(follow_redirects=False, timeout=self._timeout)
        async with self._client.stream(method, url, headers=headers, **sent) as response:
            body = bytearray()
            async for chunk in response.aiter_raw():
                body += chunk
                if len(body) > self._max_bytes:
                    raise ValueError(f"more than {self._max_bytes} bytes")
            return response.status_code, bytes(body)


def _object(status: int, body: bytes) -> dict[str, Any]:
    if status != 200:
        raise ValueError(f"status {status}")
    value = json.loads(body)
    if not isinstance(value, dict):
        raise ValueError("no JSON object")  # noqa: TRY004 - it is the other server's value, not this program's type
    return value
