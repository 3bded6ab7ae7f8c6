import logging
from collections.abc import AsyncIterator, Awaitable, Iterator
from pathlib import Path

import pytest

from mcpkit.errors import ErrorCode, Fault
from mcpkit.security.limits.rate_limits import Limits, RateLimits, Redis
from support.redis import RedisServer, running_redis


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    with running_redis(tmp_path) as server:
        yield server


@pytest.fixture(params=["memory", "redis"])
async def redis(request: pytest.FixtureRequest) -> AsyncIterator[Redis | None]:
    """Where the numbers are kept; None is in the process."""
    if request.param == "memory":
        yield None
        return
    redis = Redis(request.getfixturevalue("server").url)
    yield redis
    await redis.close()


async def refusal(asking: Awaitable[None]) -> Fault:
    with pytest.raises(Fault) as caught:
        await asking
    assert caught.value.code is ErrorCode.RATE_LIMITED
    return caught.value


async def test_a_burst_passes_and_then_the_caller_is_told_how_long_to_wait(redis: Redis | None) -> None:
    limits = RateLimits("principal", Limits(requests_per_minute=6, burst=3), redis)
    for _ in range(3):
        await limits.request("ana")
    fault = await refusal(limits.request("ana"))
    assert fault.retry_after is not None
    assert 9 < fault.retry_after <= 10.1
    assert fault.details == {"limit": "requests_per_minute", "most": 6}
    assert limits.refused == 1


async def test_callers_and_kinds_of_callers_are_counted_apart(redis: Redis | None) -> None:
    limits = RateLimits("principal", Limits(requests_per_minute=1, burst=1), redis)
    addresses = RateLimits("address", Limits(requests_per_minute=1, burst=1), redis)
    await limits.request("ana")
    await limits.request("ben")
    await addresses.request("ana")
    await refusal(limits.request("ana"))


async def test_an_answer_may_go_over_the_characters_of_an_hour_and_the_next_call_is_refused(
    redis: Redis | None,
) -> None:
    limits = RateLimits("principal", Limits(characters_per_hour=36_000), redis)
    await limits.check_characters("ana")
    await limits.spend_characters("ana", 30_000)
    await limits.check_characters("ana")
    await limits.spend_characters("ana", 1_000_000)
    fault = await refusal(limits.check_characters("ana"))
    assert fault.retry_after is not None
    assert 0 < fault.retry_after <= 3600
    await limits.check_characters("ben")


async def test_calls_at_once_are_limited() -> None:
    limits = RateLimits("principal", Limits(concurrent=1))
    with limits.running("ana"):
        with pytest.raises(Fault) as caught, limits.running("ana"):
            raise AssertionError("a second call ran")
        assert caught.value.code is ErrorCode.RATE_LIMITED
        with limits.running("ben"):
            pass


async def test_a_call_that_fails_makes_room_for_the_next() -> None:
    limits = RateLimits("principal", Limits(concurrent=1))
    with pytest.raises(ValueError, match="failed"), limits.running("ana"):
        raise ValueError("failed")
    with limits.running("ana"):
        pass


async def test_without_limits_nobody_waits() -> None:
    limits = RateLimits("principal", Limits())
    for _ in range(1000):
        await limits.request("ana")
    await limits.spend_characters("ana", 10**9)
    await limits.check_characters("ana")


async def test_two_processes_share_what_redis_counts(server: RedisServer) -> None:
    places = [Redis(server.url), Redis(server.url)]
    one, other = (RateLimits("principal", Limits(requests_per_minute=2, burst=2), place) for place in places)
    await one.request("ana")
    await other.request("ana")
    await refusal(one.request("ana"))
    await refusal(other.request("ana"))
    for place in places:
        await place.close()


async def test_where_redis_is_gone_each_process_limits_by_itself_and_says_so_once(
    server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    redis = Redis(server.url)
    limits = RateLimits("principal", Limits(requests_per_minute=2, burst=2, characters_per_hour=3600), redis)
    await limits.request("ana")
    server.stop()
    with caplog.at_level(logging.WARNING, "mcpkit"):
        await limits.request("ana")
        await limits.request("ana")
        await refusal(limits.request("ana"))
        await limits.check_characters("ana")
    assert len(caplog.records) == 1
    await redis.close()
