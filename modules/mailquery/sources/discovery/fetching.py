"""Getting a configuration file over HTTPS: bounded in size, and by its caller in time."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urljoin, urlsplit

import httpx2

from mailquery.sources.discovery.autoconfig import MAX_BYTES

_MOST_REDIRECTS = 3


class NotGiven(Exception):
    """Why there is no file, in words."""


class FileFetcher:
    """Redirects are followed to https:// only. Certificates are verified; a proxy of the environment is used."""

    def __init__(self, client: httpx2.AsyncClient) -> None:
        self._client = client

    async def get(self, url: str) -> bytes:
        """Raises NotGiven."""
        try:
            for _ in range(_MOST_REDIRECTS + 1):
                async with self._client.stream("GET", url) as response:
                    if not response.is_redirect:
                        return await _body(response)
                    url = _target(url, response.headers.get("location", ""))
        except (httpx2.HTTPError, httpx2.InvalidURL, ValueError, OSError) as error:
            raise NotGiven(_words(error)) from error
        raise NotGiven("it redirects too often")


@asynccontextmanager
async def open_fetcher(seconds: float) -> AsyncIterator[FileFetcher]:
    """`seconds` is how long each step may take."""
    # Not compressed, so that what is counted is what there is.
    headers = {"Accept": "text/xml, application/xml", "Accept-Encoding": "identity"}
    async with httpx2.AsyncClient(follow_redirects=False, timeout=seconds, headers=headers) as client:
        yield FileFetcher(client)


async def _body(response: httpx2.Response) -> bytes:
    if response.status_code != 200:
        raise NotGiven("there is none" if response.status_code in (404, 410) else f"status {response.status_code}")
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > MAX_BYTES:
            raise NotGiven(f"it has more than {MAX_BYTES // 1024} KB")
    return bytes(body)


def _target(url: str, location: str) -> str:
    target = urljoin(url, location)
    parts = urlsplit(target)
    if parts.scheme != "https" or not parts.hostname:
        raise NotGiven("it redirects away from https")
    return target


def _words(error: Exception) -> str:
    if isinstance(error, httpx2.ConnectError) and "CERTIFICATE_VERIFY_FAILED" in str(error):
        return "its certificate is not trusted"
    if isinstance(error, httpx2.ConnectError):
        return "nothing answers there"
    if isinstance(error, httpx2.TimeoutException):
        return "no answer in time"
    return "what it answers is not HTTP"
