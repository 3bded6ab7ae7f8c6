"""The authorization request and what comes back: whose answer it is, and what is refused."""

import base64
import hashlib
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from mcpkit.errors import ErrorCode, Fault
from mcpkit.security.oauth.asking import Endpoints
from mcpkit.security.oauth.clients import AuthorizationServer, Client
from mcpkit.security.oauth.code_flow import CodeFlow, ForeignAnswer, query_of
from mcpkit.security.oauth.tokens import Tokens
from support.issuing import Issuing, as_json
from unit.mcpkit.security.oauth.conftest import GIVEN, Clock, client_of, form

REDIRECT = "http://127.0.0.1:4711/callback"


def asked(flow: CodeFlow) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(flow.url).query).items()}


def query(flow: CodeFlow, **fields: str) -> str:
    return urlencode({"state": asked(flow)["state"], "code": "one-code", **fields})


def test_the_request_has_a_challenge_a_state_and_what_the_server_wants_besides() -> None:
    client = client_of("https://login.example.com", parameters={"access_type": "offline"})
    first, second = CodeFlow(client, REDIRECT), CodeFlow(client, REDIRECT)
    assert first.url.startswith("https://login.example.com/authorize?")
    fields = asked(first)
    assert fields | {"state": "", "code_challenge": ""} == {
        "response_type": "code",
        "client_id": "app",
        "redirect_uri": REDIRECT,
        "scope": "mail offline_access",
        "code_challenge_method": "S256",
        "access_type": "offline",
        "state": "",
        "code_challenge": "",
    }
    assert len(fields["state"]) >= 43
    for name in ("state", "code_challenge"):
        assert fields[name] != asked(second)[name]


async def test_the_code_is_redeemed_with_the_verifier_of_its_challenge(
    issuer: Issuing, client: Client, endpoints: Endpoints, clock: Clock
) -> None:
    issuer.answers["/token"] = as_json(GIVEN)
    flow = CodeFlow(client, REDIRECT, clock)
    tokens = await flow.redeem(flow.code_of(query(flow)), endpoints)
    assert tokens == Tokens("access-1", "refresh-1", clock.now, clock.now + 3600)
    sent = form(issuer)
    digest = hashlib.sha256(sent.pop("code_verifier").encode()).digest()
    assert base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == asked(flow)["code_challenge"]
    assert sent == {
        "grant_type": "authorization_code",
        "code": "one-code",
        "client_id": "app",
        "redirect_uri": REDIRECT,
    }


async def test_a_secret_goes_where_the_server_takes_it(issuer: Issuing, endpoints: Endpoints) -> None:
    issuer.answers["/token"] = as_json(GIVEN)
    flow = CodeFlow(client_of(issuer.url, client_secret="known", secret_in_body=True), REDIRECT)
    await flow.redeem("one-code", endpoints)
    assert form(issuer)["client_secret"] == "known"


@pytest.mark.parametrize(
    "wrong",
    ["", "code=one-code", "code=one-code&state=", "code=one-code&state=guessed", "error=access_denied&state=guessed"],
)
def test_an_answer_with_another_state_is_not_this_logins(client: Client, wrong: str) -> None:
    with pytest.raises(ForeignAnswer):
        CodeFlow(client, REDIRECT).code_of(wrong)


def test_very_many_fields_are_not_read(client: Client) -> None:
    flow = CodeFlow(client, REDIRECT)
    with pytest.raises(ForeignAnswer):
        flow.code_of(query(flow) + "&a=b" * 100)


def test_a_field_that_is_there_twice_is_refused(client: Client) -> None:
    flow = CodeFlow(client, REDIRECT)
    with pytest.raises(Fault, match="twice"):
        flow.code_of(query(flow) + "&code=another")


def test_a_refusal_is_said_in_words(client: Client) -> None:
    flow = CodeFlow(client, REDIRECT)
    with pytest.raises(Fault, match="refused") as caught:
        flow.code_of(urlencode({"state": asked(flow)["state"], "error": "access_denied"}))
    assert caught.value.code is ErrorCode.LOGIN_FAILED


def test_neither_a_code_nor_an_error_is_no_answer(client: Client) -> None:
    flow = CodeFlow(client, REDIRECT)
    with pytest.raises(Fault, match="neither"):
        flow.code_of(urlencode({"state": asked(flow)["state"]}))


@pytest.mark.parametrize("names_itself", [True, False])
@pytest.mark.parametrize("error", [{}, {"error": "access_denied", "code": ""}], ids=["code", "error"])
def test_an_answer_of_another_server_is_refused(names_itself: bool, error: dict[str, str]) -> None:
    flow = CodeFlow(client_of("https://login.example.com", names_itself=names_itself), REDIRECT)
    with pytest.raises(Fault, match="another authorization server") as caught:
        flow.code_of(query(flow, iss="https://login.evil.example", **error))
    assert caught.value.code is ErrorCode.LOGIN_FAILED
    if not error:
        assert flow.code_of(query(flow, iss="https://login.example.com")) == "one-code"


def test_a_server_that_says_who_it_is_must_say_it_every_time() -> None:
    flow = CodeFlow(client_of("https://login.example.com", names_itself=True), REDIRECT)
    with pytest.raises(Fault, match="without saying who answers"):
        flow.code_of(query(flow))


def test_one_element_of_an_issuer_may_stand_for_any_tenant() -> None:
    url = "https://login.example.com"
    server = AuthorizationServer(f"{url}/{{tenantid}}/v2.0", f"{url}/a", f"{url}/t")
    flow = CodeFlow(Client(server, "app", ("mail",)), REDIRECT)
    assert flow.code_of(query(flow, iss=f"{url}/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0")) == "one-code"
    for other in (f"{url}/a/b/v2.0", f"{url}//v2.0", f"{url}.evil.example/a/v2.0", "https://loginXexample.com/a/v2.0"):
        with pytest.raises(Fault, match="another authorization server"):
            flow.code_of(query(flow, iss=other))


def test_no_browser_is_sent_where_there_is_no_encryption() -> None:
    with pytest.raises(Fault) as caught:
        CodeFlow(client_of("http://login.example.com"), REDIRECT)
    assert caught.value.code is ErrorCode.CONFIGURATION


async def test_a_code_that_was_used_before_is_said_in_words(
    issuer: Issuing, client: Client, endpoints: Endpoints
) -> None:
    issuer.answers["/token"] = as_json({"error": "invalid_grant"}, status=400)
    with pytest.raises(Fault, match="used before"):
        await CodeFlow(client, REDIRECT).redeem("one-code", endpoints)


@pytest.mark.parametrize(
    "pasted",
    [
        "http://127.0.0.1:4711/callback?a=b&c=d",
        "  <http://127.0.0.1:4711/?a=b&c=d#x>\n",
        "?a=b&c=d",
        "'127.0.0.1/?a=b&c=d'",
    ],
)
def test_a_pasted_address_gives_its_query(pasted: str) -> None:
    assert query_of(pasted) == "a=b&c=d"


@pytest.mark.parametrize("pasted", ["", "one-code", "http://127.0.0.1:4711/callback", "http://127.0.0.1/#?a=b"])
def test_what_is_no_address_with_a_query_is_no_answer(pasted: str) -> None:
    with pytest.raises(ForeignAnswer):
        query_of(pasted)
