"""The keys that an issuer signs with (RFC 7517), fetched when they are needed and kept for a while."""

import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import anyio

from mcpkit.errors import Fault
from mcpkit.security.authentication.fetching import JsonFetcher, unavailable

logger = logging.getLogger(__name__)

FRESH = 600.0  # seconds for which fetched keys are not asked for again; a key that was withdrawn lasts that long
STALE = 3600.0  # seconds for which they serve where the issuer does not answer
FLOOR = 10.0  # seconds between two fetches, whatever tokens say
_MOST_KEYS = 100


class KeySet:
    def __init__(
        self,
        locate: Callable[[], Awaitable[str]],
        fetcher: JsonFetcher,
        *,
        floor: float = FLOOR,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._locate = locate
        self._fetcher = fetcher
        self._floor = floor
        self._clock = clock
        self._keys: Sequence[Mapping[str, Any]] = ()
        self._fetched = float("-inf")
        self._tried = float("-inf")
        self._one_at_a_time = anyio.Lock()

    async def find(self, kid: str | None) -> Sequence[Mapping[str, Any]]:
        """The keys that may have signed a token whose header names `kid`, or none.

        Raises:
            Fault: SERVICE_UNAVAILABLE.
        """
        if self._clock() - self._fetched > FRESH:
            await self._refresh()
        found = self._matching(kid)
        if not found:
            await self._refresh()
            found = self._matching(kid)
        return found

    def _matching(self, kid: str | None) -> list[Mapping[str, Any]]:
        return [key for key in self._keys if kid is None or key.get("kid") == kid]

    async def _refresh(self) -> None:
        """Fetches, unless that was tried a moment ago: tokens with invented key ids must cost the issuer nothing."""
        async with self._one_at_a_time:
            if self._clock() - self._tried >= self._floor:
                self._tried = self._clock()
                try:
                    self._keys = _usable(await self._fetcher.get(await self._locate()))
                    self._fetched = self._clock()
                except Fault:
                    logger.warning("the keys of the issuer cannot be fetched")
            if self._clock() - self._fetched > STALE:
                raise unavailable(max(self._floor - (self._clock() - self._tried), 1.0))


def _usable(fetched: Mapping[str, Any] | None) -> Sequence[Mapping[str, Any]]:
    """Public keys for signatures. Symmetric ones would let whoever can verify a token make one."""
    keys = None if fetched is None else fetched.get("keys")
    if not isinstance(keys, list):
        raise unavailable()
    return [
        key
        for key in keys[:_MOST_KEYS]
        if isinstance(key, dict) and key.get("kty") in ("RSA", "EC", "OKP") and key.get("use", "sig") == "sig"
    ]
