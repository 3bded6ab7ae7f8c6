"""When a token is renewed, by whom, and what is never done twice."""

import asyncio
import json
import logging
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest

from mcpkit.errors import ErrorCode, Fault
from mcpkit.security.oauth.asking import Endpoints
from mcpkit.security.oauth.clients import Client
from mcpkit.security.oauth.renewing import AccessTokens
from mcpkit.security.oauth.tokens import Tokens
from support.issuing import Issuing, Request, as_json
from unit.mcpkit.security.oauth.conftest import Clock, form


class Kept:
    """A store that tells what was done in which order."""

    def __init__(self, tokens: Tokens | None) -> None:
        self.tokens = tokens
        self.lock = asyncio.Lock()
        self.stored: list[Tokens] = []
        self.is_full = False

    async def get(self, name: str) -> Tokens | None:
        return self.tokens

    async def put(self, name: str, tokens: Tokens) -> None:
        assert self.lock.locked()
        if self.is_full:
            raise Fault(ErrorCode.STORAGE_FULL, "no room")
        self.tokens = tokens
        self.stored.append(tokens)

    @asynccontextmanager
    async def exclusive(self, name: str) -> AsyncIterator[None]:
        async with self.lock:
            yield


class Rotating:
    """A token endpoint whose refresh tokens are good for one use; the second use ends all (RFC 9700, 4.14.2)."""

    def __init__(self) -> None:
        self.count = 1
        self.is_over = False
        self.lock = threading.Lock()
        self.may_answer = threading.Event()
        self.may_answer.set()
        self.was_asked = threading.Event()

    def __call__(self, request: Request) -> tuple[int, dict[str, str], bytes]:
        with self.lock:
            self.is_over |= f"refresh_token=refresh-{self.count}&" not in request.body.decode() + "&"
            self.count += 1
            count, is_over = self.count, self.is_over
        self.was_asked.set()
        self.may_answer.wait(10)
        said: dict[str, Any] = {"error": "invalid_grant"}
        if not is_over:
            said = {
                "access_token": f"access-{count}",
                "refresh_token": f"refresh-{count}",
                "token_type": "bearer",
                "expires_in": 3600,
            }
        return (400 if is_over else 200), {}, json.dumps(said).encode()


@pytest.fixture
def rotating(issuer: Issuing) -> Rotating:
    made = Rotating()
    issuer.answers["/token"] = made
    return made


@pytest.fixture
def kept(clock: Clock) -> Kept:
    return Kept(Tokens("access-1", "refresh-1", clock.now, clock.now + 3600))


@pytest.fixture
def access(client: Client, kept: Kept, endpoints: Endpoints, clock: Clock) -> AccessTokens:
    return AccessTokens("work", client, kept, endpoints, clock)


async def test_a_token_is_used_until_shortly_before_its_end(
    access: AccessTokens, issuer: Issuing, rotating: Rotating, clock: Clock
) -> None:
    clock.now += 3539
    assert await access.current() == "access-1"
    assert issuer.asked == []
    clock.now += 1
    assert await access.current() == "access-2"
    assert form(issuer) == {"grant_type": "refresh_token", "refresh_token": "refresh-1", "client_id": "app"}
    assert await access.current() == "access-2"
    assert len(issuer.asked) == 1


async def test_the_new_refresh_token_is_stored_before_the_token_is_given(
    access: AccessTokens, kept: Kept, rotating: Rotating, clock: Clock
) -> None:
    clock.now += 3600
    assert await access.current() == "access-2"
    assert kept.stored[-1] == Tokens("access-2", "refresh-2", clock.now, clock.now + 3600)


async def test_nothing_is_asked_for_that_cannot_be_stored(
    access: AccessTokens, kept: Kept, issuer: Issuing, rotating: Rotating, clock: Clock
) -> None:
    clock.now += 3600
    kept.is_full = True
    with pytest.raises(Fault) as caught:
        await access.current()
    assert caught.value.code is ErrorCode.STORAGE_FULL
    assert issuer.asked == []
    kept.is_full = False
    assert await access.current() == "access-2"


async def test_many_at_once_renew_it_once(
    access: AccessTokens, issuer: Issuing, rotating: Rotating, clock: Clock
) -> None:
    clock.now += 3600
    assert set(await asyncio.gather(*(access.current() for _ in range(30)))) == {"access-2"}
    assert len(issuer.asked) == 1


async def test_a_token_that_was_refused_is_renewed_once_however_many_say_so(
    access: AccessTokens, issuer: Issuing, rotating: Rotating
) -> None:
    assert set(await asyncio.gather(*(access.instead_of("access-1") for _ in range(10)))) == {"access-2"}
    assert len(issuer.asked) == 1
    assert await access.instead_of("access-1") == "access-2"  # who comes late has the new one already
    assert len(issuer.asked) == 1
    assert await access.instead_of("access-2") == "access-3"


@pytest.mark.parametrize("by_anyio", [True, False], ids=["a cancel scope", "a task"])
async def test_who_is_cancelled_is_so_when_what_was_spent_is_stored(
    access: AccessTokens, kept: Kept, rotating: Rotating, clock: Clock, by_anyio: bool
) -> None:
    clock.now += 3600
    rotating.may_answer.clear()
    scope = anyio.CancelScope()

    async def ask() -> None:
        with scope:
            await access.current()

    asking = asyncio.create_task(ask())
    await asyncio.to_thread(rotating.was_asked.wait, 10)  # the refresh token is spent
    for _ in range(3):
        scope.cancel() if by_anyio else asking.cancel()
        await asyncio.sleep(0.01)
    assert not asking.done()
    rotating.may_answer.set()
    if by_anyio:
        await asking
    else:
        with pytest.raises(asyncio.CancelledError):
            await asking
    assert scope.cancelled_caught == by_anyio
    assert kept.tokens is not None
    assert kept.tokens.refresh_token == "refresh-2"
    assert await access.current() == "access-2"


@pytest.mark.parametrize("error", ["invalid_grant", "interaction_required"])
async def test_a_refused_refresh_token_needs_a_login(
    access: AccessTokens, issuer: Issuing, clock: Clock, caplog: pytest.LogCaptureFixture, error: str
) -> None:
    caplog.set_level(logging.DEBUG)
    issuer.answers["/token"] = as_json({"error": error}, status=400)
    clock.now += 3600
    with pytest.raises(Fault) as caught:
        await access.current()
    assert (caught.value.code, caught.value.details["reason"]) == (ErrorCode.LOGIN_FAILED, "token")
    assert "refresh-1" not in caplog.text + str(caught.value.as_dict())


async def test_a_client_that_the_server_does_not_know_is_no_reason_to_sign_in_again(
    access: AccessTokens, issuer: Issuing, clock: Clock
) -> None:
    issuer.answers["/token"] = as_json({"error": "invalid_client"}, status=401)
    clock.now += 3600
    with pytest.raises(Fault) as caught:
        await access.current()
    assert caught.value.code is ErrorCode.CONFIGURATION


async def test_while_the_server_is_down_a_token_is_used_to_its_end_and_nothing_is_lost(
    access: AccessTokens, kept: Kept, issuer: Issuing, rotating: Rotating, clock: Clock
) -> None:
    issuer.answers["/token"] = as_json({}, status=503)
    clock.now += 3570
    assert await access.current() == "access-1"
    clock.now += 30
    with pytest.raises(Fault) as caught:
        await access.current()
    assert (caught.value.code, len(issuer.asked)) == (ErrorCode.SOURCE_UNAVAILABLE, 2)  # asked once for each call
    issuer.answers["/token"] = rotating
    assert await access.current() == "access-2"


async def test_without_a_refresh_token_or_any_token_only_a_login_helps(
    client: Client, endpoints: Endpoints, clock: Clock, issuer: Issuing
) -> None:
    for tokens in (None, Tokens("access-1", "", 0.0, clock.now)):
        with pytest.raises(Fault) as caught:
            await AccessTokens("work", client, Kept(tokens), endpoints, clock).current()
        assert (caught.value.code, caught.value.details["reason"]) == (ErrorCode.LOGIN_FAILED, "token")
    assert issuer.asked == []
