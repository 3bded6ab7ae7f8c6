"""Which answers about a token are believed, and for how long."""

import base64
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs

import pytest

from mcpkit.errors import Fault
from mcpkit.security.authentication.fetching import JsonFetcher
from mcpkit.security.authentication.interfaces import Rejected
from mcpkit.security.authentication.introspection import Introspection
from mcpkit.security.authentication.issuer import Issuer
from support.issuing import Issuing, as_json
from unit.mcpkit.security.authentication.conftest import Clock

RESOURCE = "https://mail.example.com/mcp"
ASK = "/introspect"


def answer(clock: Clock, **changed: object) -> dict[str, Any]:
    whole = {
        "active": True,
        "sub": "ana",
        "client_id": "app",
        "scope": "mail:read",
        "aud": RESOURCE,
        "exp": int(clock.now) + 300,
        **changed,
    }
    return {name: value for name, value in whole.items() if value is not None}


@pytest.fixture
async def asking(issuer: Issuing, clock: Clock) -> AsyncIterator[Introspection]:
    made = strategy(issuer, clock)
    yield made
    await made.close()


def strategy(issuer: Issuing, clock: Clock, **options: Any) -> Introspection:
    fetcher = JsonFetcher()
    chosen = {
        "resource": RESOURCE,
        "client": ("rs:1", "s+e c%"),
        "url": f"{issuer.url}{ASK}",
        "clock": clock,
        **options,
    }
    return Introspection(Issuer(issuer.url, fetcher), fetcher, **chosen)


async def test_the_issuer_is_asked_as_the_standards_say(asking: Introspection, issuer: Issuing, clock: Clock) -> None:
    issuer.answers[ASK] = as_json(answer(clock))
    found = await asking.authenticate("opaque")
    assert (found.user, found.scopes, found.client, found.issuer) == (
        "ana",
        frozenset({"mail:read"}),
        "app",
        issuer.url,
    )
    (asked,) = issuer.asked
    assert parse_qs(asked.body.decode()) == {"token": ["opaque"], "token_type_hint": ["access_token"]}
    credentials = base64.b64decode(asked.headers["Authorization"].removeprefix("Basic ")).decode()
    assert credentials == "rs%3A1:s%2Be+c%25"  # RFC 6749, section 2.3.1


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"active": False}, "unknown, expired or revoked"),
        ({"active": None}, "unknown, expired or revoked"),
        ({"active": "true"}, "unknown, expired or revoked"),
        ({"active": 1}, "unknown, expired or revoked"),
        ({"aud": None}, "not meant for this server"),
        ({"aud": "https://other.example"}, "not meant for this server"),
        ({"aud": []}, "not meant for this server"),
        ({"iss": "https://evil.example"}, "another issuer"),
        ({"exp": 999_000}, "has expired"),
        ({"exp": "later"}, "malformed"),
        ({"exp": True}, "malformed"),
        ({"exp": 10**400}, "malformed"),
        ({"nbf": -1}, "malformed"),
        ({"nbf": 2_000_000}, "not valid yet"),
        ({"sub": None}, "names no user"),
        ({"cnf": {"jkt": "x"}}, "bound to a key"),
    ],
    ids=str,
)
async def test_a_token_that_is_not_active_for_this_server_is_rejected(
    asking: Introspection, issuer: Issuing, clock: Clock, changed: dict[str, Any], reason: str
) -> None:
    issuer.answers[ASK] = as_json(answer(clock, **changed))
    with pytest.raises(Rejected, match=reason):
        await asking.authenticate("opaque")


async def test_answers_are_kept_for_a_while(asking: Introspection, issuer: Issuing, clock: Clock) -> None:
    issuer.answers[ASK] = as_json(answer(clock))
    for _ in range(5):
        await asking.authenticate("opaque")
    assert issuer.count(ASK) == 1
    issuer.answers[ASK] = as_json({"active": False})
    clock.now += 31
    for _ in range(5):
        with pytest.raises(Rejected):
            await asking.authenticate("opaque")
    assert issuer.count(ASK) == 2


async def test_an_answer_is_never_kept_past_the_end_of_the_token(issuer: Issuing, clock: Clock) -> None:
    asking = strategy(issuer, clock, cache=300.0)
    issuer.answers[ASK] = as_json(answer(clock, exp=int(clock.now) + 5))
    await asking.authenticate("opaque")
    issuer.answers[ASK] = as_json({"active": False})
    clock.now += 5
    with pytest.raises(Rejected):
        await asking.authenticate("opaque")
    await asking.close()


async def test_neither_is_a_token_kept_nor_are_answers_without_end(
    asking: Introspection, issuer: Issuing, clock: Clock
) -> None:
    issuer.answers[ASK] = as_json({"active": False})
    for number in range(1100):
        with pytest.raises(Rejected):
            await asking.authenticate(f"swordfish{number}")
    assert len(asking._kept) == 1000
    assert "swordfish" not in repr(asking._kept)


@pytest.mark.parametrize("status", [401, 404, 500])
async def test_an_issuer_that_does_not_answer_lets_nobody_in_and_is_asked_again(
    asking: Introspection, issuer: Issuing, clock: Clock, status: int
) -> None:
    issuer.answers[ASK] = as_json({}, status=status)
    with pytest.raises(Fault):
        await asking.authenticate("opaque")
    issuer.answers[ASK] = as_json(answer(clock))
    assert (await asking.authenticate("opaque")).user == "ana"


async def test_where_to_ask_is_what_the_metadata_say(issuer: Issuing, clock: Clock) -> None:
    metadata = {"issuer": issuer.url, "introspection_endpoint": f"{issuer.url}{ASK}"}
    issuer.answers |= {"/.well-known/openid-configuration": as_json(metadata), ASK: as_json(answer(clock))}
    asking = strategy(issuer, clock, url="")
    assert (await asking.authenticate("opaque")).user == "ana"
    await asking.close()
