"""A code on another device: how often the server is asked, and how it ends (RFC 8628)."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from mcpkit.errors import ErrorCode, Fault
from mcpkit.security.oauth.asking import Endpoints
from mcpkit.security.oauth.clients import Client
from mcpkit.security.oauth.device_flow import DeviceCode, DeviceFlow
from mcpkit.security.oauth.tokens import Tokens
from support.issuing import Issuing, Request, Respond, as_json
from unit.mcpkit.security.oauth.conftest import GIVEN, Clock, client_of, form

CODE: dict[str, Any] = {
    "device_code": "device-1",
    "user_code": "WDJB-MJHT",
    "verification_uri": "https://login.example.com/device",
    "verification_uri_complete": "https://login.example.com/device?code=WDJB-MJHT",
    "expires_in": 1800,
    "interval": 5,
}
PENDING = (400, {"error": "authorization_pending"})
DOWN: tuple[int, dict[str, Any]] = (503, {})


@pytest.fixture
def flow(client: Client, endpoints: Endpoints, clock: Clock) -> DeviceFlow:
    return DeviceFlow(client, endpoints, clock, clock.sleep)


def in_turn(answers: Iterable[tuple[int, dict[str, Any]]]) -> Respond:
    left: Iterator[tuple[int, dict[str, Any]]] = iter(answers)

    def respond(_: Request) -> tuple[int, dict[str, str], bytes]:
        status, value = next(left)
        return status, {}, json.dumps(value).encode()

    return respond


async def begun(flow: DeviceFlow, issuer: Issuing, **changed: Any) -> DeviceCode:
    said = {name: value for name, value in {**CODE, **changed}.items() if value is not None}
    issuer.answers["/device"] = as_json(said)
    return await flow.begin()


async def test_a_person_is_shown_a_code_and_the_tokens_come_when_they_agree(
    flow: DeviceFlow, issuer: Issuing, clock: Clock
) -> None:
    code = await begun(flow, issuer)
    assert form(issuer) == {"client_id": "app", "scope": "mail offline_access"}
    assert (code.user_code, code.verification_uri) == ("WDJB-MJHT", CODE["verification_uri"])
    assert "device-1" not in repr(code)
    began = clock.now
    issuer.answers["/token"] = in_turn([PENDING, PENDING, (200, GIVEN)])
    tokens = await flow.wait(code)
    assert (clock.now - began, issuer.count("/token")) == (15, 3)
    assert tokens == Tokens("access-1", "refresh-1", clock.now, clock.now + 3600)
    assert form(issuer) == {
        "grant_type": "urn:ietf:params:oauth:grant-type:device_code",
        "device_code": "device-1",
        "client_id": "app",
    }


async def test_the_server_is_asked_more_slowly_when_it_says_so_or_does_not_answer(
    flow: DeviceFlow, issuer: Issuing, clock: Clock
) -> None:
    code, began, times = await begun(flow, issuer, interval=None), clock.now, []
    answers = in_turn([(400, {"error": "slow_down"}), PENDING, DOWN, (200, GIVEN)])

    def respond(request: Request) -> tuple[int, dict[str, str], bytes]:
        times.append(clock.now - began)
        return answers(request)

    issuer.answers["/token"] = respond
    await flow.wait(code)
    assert times == [5, 15, 25, 45]  # 5 where none is said, 5 more, and twice as long after a failure


@pytest.mark.parametrize(("error", "words"), [("expired_token", "not entered in time"), ("access_denied", "refused")])
async def test_it_ends_when_the_person_refuses_or_the_code_is_over(
    flow: DeviceFlow, issuer: Issuing, error: str, words: str
) -> None:
    code = await begun(flow, issuer)
    issuer.answers["/token"] = as_json({"error": error}, status=400)
    with pytest.raises(Fault, match=words) as caught:
        await flow.wait(code)
    assert caught.value.code is ErrorCode.LOGIN_FAILED


@pytest.mark.parametrize("endless", [PENDING, (400, {"error": "slow_down"}), DOWN], ids=str)
async def test_a_server_that_never_decides_is_asked_no_longer_than_the_code_lasts(
    flow: DeviceFlow, issuer: Issuing, clock: Clock, endless: tuple[int, dict[str, Any]]
) -> None:
    code, began = await begun(flow, issuer, expires_in=600), clock.now
    issuer.answers["/token"] = as_json(endless[1], endless[0])
    with pytest.raises(Fault, match="not entered in time"):
        await flow.wait(code)
    assert 600 <= clock.now - began < 1300
    assert issuer.count("/token") < 600 / 5


@pytest.mark.parametrize(
    "changed",
    [
        {"device_code": None},
        {"user_code": None},
        {"user_code": "\x1b]0;title\x07"},
        {"user_code": "x" * 65},
        {"verification_uri": "http://login.example.com/"},
        {"verification_uri": "https://login.example.com/\x1b[2J"},
        {"verification_uri": None},
        {"verification_uri_complete": "javascript:alert(1)"},
        {"expires_in": None},
        {"expires_in": "long"},
        {"interval": -1},
        {"interval": True},
    ],
    ids=str,
)
async def test_an_answer_that_must_not_be_shown_to_a_person_is_refused(
    flow: DeviceFlow, issuer: Issuing, changed: dict[str, Any]
) -> None:
    issuer.answers["/device"] = as_json({**CODE, **changed})
    with pytest.raises(Fault) as caught:
        await flow.begin()
    assert caught.value.code is ErrorCode.SOURCE_UNAVAILABLE
    assert "\x1b" not in caught.value.message


async def test_an_interval_of_years_and_a_life_of_years_are_not_believed(flow: DeviceFlow, issuer: Issuing) -> None:
    code = await begun(flow, issuer, interval=1e9, expires_in=1e9)
    assert (code.interval, code.expires - 1_000_000) == (3600, 3600)


async def test_a_server_without_this_flow_or_that_refuses_it_to_the_client_is_said_in_words(
    issuer: Issuing, endpoints: Endpoints, flow: DeviceFlow
) -> None:
    issuer.answers["/device"] = as_json({"error": "unauthorized_client"}, status=400)
    with pytest.raises(Fault, match="kind of login") as caught:
        await flow.begin()
    assert caught.value.code is ErrorCode.CONFIGURATION
    server = client_of(issuer.url).server
    without = client_of(issuer.url, server=type(server)(server.issuer, "https://a.example", "https://b.example"))
    with pytest.raises(Fault, match="offers no login by a code"):
        await DeviceFlow(without, endpoints).begin()
