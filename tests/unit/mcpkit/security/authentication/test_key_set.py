"""When the issuer is asked for its keys, and when it is not."""

from collections.abc import AsyncIterator

import anyio
import pytest

from mcpkit.errors import ErrorCode, Fault
from mcpkit.security.authentication.fetching import JsonFetcher
from mcpkit.security.authentication.key_set import FLOOR, FRESH, STALE, KeySet
from support.issuing import Issuing, as_json, rsa_key
from unit.mcpkit.security.authentication.conftest import Clock

OLD, NEW = rsa_key("old"), rsa_key("new")


@pytest.fixture
async def keys(issuer: Issuing, clock: Clock) -> AsyncIterator[KeySet]:
    issuer.answers["/jwks"] = as_json({"keys": [OLD.jwk()]})
    fetcher = JsonFetcher()

    async def jwks() -> str:
        return f"{issuer.url}/jwks"

    yield KeySet(jwks, fetcher, clock=clock)
    await fetcher.close()


async def test_keys_are_fetched_once_and_used_while_they_are_fresh(keys: KeySet, issuer: Issuing, clock: Clock) -> None:
    for _ in range(5):
        assert len(await keys.find("old")) == 1
        clock.now += FRESH / 10
    assert issuer.count("/jwks") == 1
    clock.now += FRESH
    await keys.find("old")
    assert issuer.count("/jwks") == 2


async def test_a_hundred_requests_at_once_fetch_once(keys: KeySet, issuer: Issuing) -> None:
    async with anyio.create_task_group() as tasks:
        for _ in range(100):
            tasks.start_soon(keys.find, "old")
    assert issuer.count("/jwks") == 1


async def test_an_unknown_key_is_looked_for_after_the_floor(keys: KeySet, issuer: Issuing, clock: Clock) -> None:
    assert await keys.find("new") == []
    issuer.answers["/jwks"] = as_json({"keys": [NEW.jwk()]})
    for invented in range(100):
        assert await keys.find(f"invented {invented}") == []
    assert issuer.count("/jwks") == 1
    clock.now += FLOOR
    assert len(await keys.find("new")) == 1
    assert await keys.find("old") == []
    assert issuer.count("/jwks") == 2


async def test_known_keys_outlast_an_issuer_that_does_not_answer_for_a_while(
    keys: KeySet, issuer: Issuing, clock: Clock
) -> None:
    await keys.find("old")
    issuer.answers["/jwks"] = as_json({}, status=500)
    clock.now += FRESH + 1
    assert len(await keys.find("old")) == 1
    clock.now += STALE
    with pytest.raises(Fault) as caught:
        await keys.find("old")
    assert caught.value.code is ErrorCode.SERVICE_UNAVAILABLE
    assert caught.value.retry_after is not None


@pytest.mark.parametrize("answer", [{}, {"keys": {}}, {"keys": "x"}, []])
async def test_what_is_no_key_set_gives_no_keys(keys: KeySet, issuer: Issuing, answer: object) -> None:
    issuer.answers["/jwks"] = as_json(answer)
    with pytest.raises(Fault):
        await keys.find(None)


async def test_symmetric_keys_and_those_for_encryption_are_left_out(keys: KeySet, issuer: Issuing) -> None:
    mixed = [{"kty": "oct", "kid": "a", "k": "AA"}, OLD.jwk(use="enc"), "nonsense", NEW.jwk()]
    issuer.answers["/jwks"] = as_json({"keys": mixed})
    assert [key["kid"] for key in await keys.find(None)] == ["new"]
