"""How much one caller may ask for: requests in a minute, calls at once, and characters in an hour.

Requests and characters are metered by the generic cell rate algorithm, which is a token bucket that needs one number a
key: `burst` at once, and then a steady rate. The numbers are kept in this process, in a file that
the workers of one server share, or in Redis for several servers. Calls at once are counted in each process by itself.
"""

import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from mcpkit.errors import ErrorCode, Fault

if TYPE_CHECKING:
    from throttled import BaseRateLimiter as InMemory
    from throttled import RateLimitState
    from throttled.asyncio import BaseRateLimiter as InRedis

    from mcpkit.security.limits.shared_meters import SharedMeters

T = TypeVar("T")

logger = logging.getLogger(__name__)

_KEPT = 100_000  # callers that are remembered in a process; of more, those seen longest ago are forgotten
_BUSY_RETRY = 1.0  # seconds after which a caller with too many calls at once may try again
_REDIS_TIMEOUT = 0.5  # seconds; it stands in the way of every call
_REDIS_REST = 5.0  # seconds for which Redis is not asked after it failed
_HOUR = timedelta(hours=1)
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Limits:
    """Those of one caller; None is no limit. `burst` is how many requests may come at once."""

    requests_per_minute: int | None = None
    burst: int = 60
    concurrent: int | None = None
    characters_per_hour: int | None = None


class RateLimits:
    """Keeps callers, each named by a key, to `limits`. `name` tells kinds of callers apart in a shared store."""

    def __init__(
        self, name: str, limits: Limits, redis: "Redis | None" = None, meters: "SharedMeters | None" = None
    ) -> None:
        """Without `redis`, and where it fails, `meters` count, which the workers of a server share, or else this
        process by itself."""
        self._limits = limits
        self.refused = 0  # requests, since this was made
        self._running: Counter[str] = Counter()
        requests, characters = limits.requests_per_minute, limits.characters_per_hour
        self._requests = (
            _Meter(f"{name}:requests", _MINUTE, requests, limits.burst, redis, meters) if requests else None
        )
        self._characters = (
            _Meter(f"{name}:characters", _HOUR, characters, characters, redis, meters) if characters else None
        )

    async def request(self, key: str) -> None:
        """Counts a request. Raises Fault RATE_LIMITED."""
        if self._requests is not None and (wait := await self._requests.take(key, 1)) is not None:
            limit = self._limits.requests_per_minute
            raise self._limited(f"More than {limit:,} requests a minute.", wait, "requests_per_minute", limit)

    def running(self, key: str) -> AbstractContextManager[None]:
        """Around a call while it runs. Raises Fault RATE_LIMITED."""
        limit = self._limits.concurrent
        if limit is not None and self._running[key] >= limit:
            raise self._limited(f"More than {limit:,} calls at once.", _BUSY_RETRY, "concurrent", limit)
        return _Running(self._running, key)

    async def check_characters(self, key: str) -> None:
        """Raises Fault RATE_LIMITED where none are left of the hour's characters."""
        if self._characters is not None and (wait := await self._characters.wait(key)) is not None:
            limit = self._limits.characters_per_hour
            raise self._limited(
                f"More than {limit:,} characters were answered within an hour.", wait, "characters_per_hour", limit
            )

    async def spend_characters(self, key: str, characters: int) -> None:
        """Counts an answer. It may be the one that goes over the limit: its size is known only now."""
        if self._characters is not None and characters > 0:
            await self._characters.spend(key, characters)

    def _limited(self, what: str, wait: float, name: str, limit: int | None) -> Fault:
        self.refused += 1
        # Rounded up to a tenth, so that who waits that long does not come too early.
        return Fault(
            ErrorCode.RATE_LIMITED,
            f"{what} Wait, and then go on.",
            details={"limit": name, "most": limit},
            retry_after=max(round(wait + 0.05, 1), 0.1),
        )


class _Running:
    __slots__ = ("_key", "_running")

    def __init__(self, running: Counter[str], key: str) -> None:
        self._running = running
        self._key = key

    def __enter__(self) -> None:
        self._running[self._key] += 1

    def __exit__(self, *_: object) -> None:
        self._running[self._key] -= 1
        if not self._running[self._key]:
            del self._running[self._key]


class _Meter:
    """`rate` units each `period` for every key, and `burst` at once."""

    def __init__(
        self,
        name: str,
        period: timedelta,
        rate: int,
        burst: int,
        redis: "Redis | None",
        meters: "SharedMeters | None",
    ) -> None:
        import throttled.asyncio
        from throttled import RateLimiterRegistry, per_duration

        from mcpkit.security.limits.meters import Meters

        self._name = name
        quota = per_duration(period, rate, burst)
        # Without the library's asynchronous form, which takes twice as long where there is nothing to wait for.
        self._here = RateLimiterRegistry.get("gcra")(quota, meters or Meters(_KEPT))
        shared = throttled.asyncio.RateLimiterRegistry.get("gcra")
        self._shared = shared(quota, redis.store) if redis else None
        self._redis = redis

    async def take(self, key: str, units: int) -> float | None:
        """Takes `units`, or none and gives the seconds to wait."""
        key = f"{self._name}:{key}"
        result = await self._ask(lambda redis: redis.limit(key, units), lambda here: here.limit(key, units))
        return result.state.retry_after if result.limited else None

    async def wait(self, key: str) -> float | None:
        """The seconds to wait until there is one unit at least; None where there is one."""
        state = await self._state(key)
        return state.retry_after if state.remaining < 1 else None

    async def spend(self, key: str, units: int) -> None:
        """Takes `units`, or all that there are where it is fewer."""
        left = units
        while left > 0 and await self.take(key, left) is not None:
            left = min(left - 1, (await self._state(key)).remaining)

    async def _state(self, key: str) -> "RateLimitState":
        key = f"{self._name}:{key}"
        return await self._ask(lambda redis: redis.peek(key), lambda here: here.peek(key))

    async def _ask(self, redis: "Callable[[InRedis], Awaitable[T]]", here: "Callable[[InMemory], T]") -> T:
        """Where Redis fails, callers are left to the meter in this process, so that limits hold all the same."""
        if self._redis is not None and self._shared is not None and self._redis.is_asked:
            with self._redis.may_fail():
                return await redis(self._shared)
        return here(self._here)


class Redis:
    """A Redis that several processes count in. After it failed it is left alone for a while."""

    def __init__(self, url: str) -> None:
        from throttled.asyncio import RedisStore

        self.store = RedisStore(
            server=url, options={"SOCKET_TIMEOUT": _REDIS_TIMEOUT, "SOCKET_CONNECT_TIMEOUT": _REDIS_TIMEOUT}
        )
        self._rests_until = 0.0

    @property
    def is_asked(self) -> bool:
        return time.monotonic() >= self._rests_until

    @contextmanager
    def may_fail(self) -> Iterator[None]:
        from throttled.exceptions import StoreUnavailableError

        try:
            yield
        except StoreUnavailableError as error:
            self._rests_until = time.monotonic() + _REDIS_REST
            logger.warning(
                "Redis does not answer; limits are counted in this process alone for %g seconds",
                _REDIS_REST,
                extra={"error": type(error.__cause__).__name__},
            )

    async def close(self) -> None:
        # The store has no way to close its connections, and its type of a client does not name them.
        client: Any = self.store._backend.get_client()
        await client.connection_pool.disconnect()
