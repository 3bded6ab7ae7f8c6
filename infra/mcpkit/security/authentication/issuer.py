"""What an authorization server says about itself (RFC 8414, OpenID Connect Discovery 1.0)."""

import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from mcpkit.security.authentication.fetching import JsonFetcher, unavailable
from mcpkit.security.authentication.urls import check_url

_LASTS = 3600.0  # seconds


class Issuer:
    """`identifier` is the issuer's, to the letter as it stands in its tokens."""

    def __init__(self, identifier: str, fetcher: JsonFetcher, clock: Callable[[], float] = time.monotonic) -> None:
        self.identifier = identifier
        self._fetcher = fetcher
        self._clock = clock
        self._metadata: dict[str, Any] | None = None
        self._fetched = 0.0

    async def endpoint(self, name: str) -> str:
        """A URL of its metadata, such as `jwks_uri`.

        Raises:
            Fault: SERVICE_UNAVAILABLE.
        """
        if self._metadata is None or self._clock() - self._fetched > _LASTS:
            self._metadata = await self._fetch()
            self._fetched = self._clock()
        url = self._metadata.get(name)
        try:
            return check_url(url if isinstance(url, str) else "")
        except ValueError as error:
            raise unavailable() from error

    async def _fetch(self) -> dict[str, Any]:
        for url in well_known_urls(self.identifier):
            found = await self._fetcher.get(url)
            # RFC 8414, section 3.3: else another could pass for this issuer.
            if found is not None and found.get("issuer") == self.identifier:
                return found
        raise unavailable()


def well_known_urls(issuer: str) -> tuple[str, str]:
    """Where the metadata of an issuer is: RFC 8414, section 3.1, and OpenID Connect Discovery, section 4."""
    parts = urlsplit(issuer)
    path = parts.path.rstrip("/")
    return (
        f"{parts.scheme}://{parts.netloc}/.well-known/oauth-authorization-server{path}",
        f"{issuer.rstrip('/')}/.well-known/openid-configuration",
    )
