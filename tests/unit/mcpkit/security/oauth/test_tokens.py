"""What a token endpoint may give (RFC 6749, section 5)."""

from typing import Any

import pytest

from mcpkit.errors import ErrorCode, Fault
from mcpkit.security.oauth.tokens import Tokens, read_tokens, renewed
from unit.mcpkit.security.oauth.conftest import GIVEN, answer, client_of

CLIENT = client_of("https://login.example.com")


def test_tokens_are_read_and_kept_as_they_are() -> None:
    tokens = read_tokens(answer(GIVEN), CLIENT, 1000.0)
    assert tokens == Tokens("access-1", "refresh-1", 1000.0, 4600.0)
    assert Tokens.from_text(tokens.as_text()) == tokens
    assert "access-1" not in repr(tokens)
    assert "refresh-1" not in repr(tokens)


@pytest.mark.parametrize(
    "changed",
    [
        {"access_token": None},
        {"access_token": 7},
        {"access_token": ""},
        {"access_token": "a\x01auth=Bearer b"},
        {"access_token": "a\r\nA1 LOGOUT"},
        {"refresh_token": ["a"]},
        {"token_type": "mac"},
        {"token_type": None},
        {"expires_in": "soon"},
        {"expires_in": -1},
        {"expires_in": 1e300},
        {"expires_in": float("inf")},
        {"expires_in": {}},
        {"scope": 7},
    ],
    ids=str,
)
def test_what_is_no_token_is_refused_without_being_repeated(changed: dict[str, Any]) -> None:
    with pytest.raises(Fault) as caught:
        read_tokens(answer(GIVEN | changed), CLIENT, 1000.0)
    assert caught.value.code is ErrorCode.SOURCE_UNAVAILABLE
    assert caught.value.details["reason"] == "protocol"
    assert "LOGOUT" not in caught.value.message


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        ("invalid_grant", ErrorCode.LOGIN_FAILED, "revoked"),
        ("access_denied", ErrorCode.LOGIN_FAILED, "refused"),
        ("interaction_required", ErrorCode.LOGIN_FAILED, "sign in again"),
        ("invalid_client", ErrorCode.CONFIGURATION, "client id"),
        ("unauthorized_client", ErrorCode.CONFIGURATION, "kind of login"),
        ("invalid_scope", ErrorCode.CONFIGURATION, "permission"),
        ("temporarily_unavailable", ErrorCode.SOURCE_UNAVAILABLE, "maintenance"),
        ("something_new", ErrorCode.LOGIN_FAILED, "something_new"),
        ("\x1b[2Jfoul", ErrorCode.LOGIN_FAILED, "of no known form"),
        ({"a": "b"}, ErrorCode.LOGIN_FAILED, "of no known form"),
    ],
)
def test_an_error_is_said_in_words(error: object, code: ErrorCode, words: str) -> None:
    said = {"error": error, "error_description": "AADSTS700082: expired\x1b[2J; token=eyJhbGciOiJI.eyJzdWIiOiJh.c2ln"}
    with pytest.raises(Fault) as caught:
        read_tokens(answer(said, 400), CLIENT, 1000.0)
    fault = caught.value
    assert fault.code is code
    assert words in fault.message
    assert "login.example.com" in fault.message
    assert (fault.details.get("reason") == "token") == (code is ErrorCode.LOGIN_FAILED)
    assert "AADSTS700082" in fault.others
    assert "eyJ" not in fault.others
    assert "\x1b" not in fault.others + fault.message


def test_a_token_beside_a_status_of_failure_is_not_taken() -> None:
    with pytest.raises(Fault, match="status 400"):
        read_tokens(answer(GIVEN, 400), CLIENT, 1000.0)


def test_a_login_without_the_permission_is_told_at_once() -> None:
    with pytest.raises(Fault, match=r"without the permission that is needed \(mail\)") as caught:
        read_tokens(answer(GIVEN | {"scope": "openid profile"}), CLIENT, 1000.0)
    assert caught.value.code is ErrorCode.LOGIN_FAILED
    assert read_tokens(answer(GIVEN | {"scope": "Mail other"}), CLIENT, 1000.0)


def test_a_token_is_due_a_minute_before_its_end_or_at_three_quarters_of_a_short_life() -> None:
    long, short, endless = (Tokens("a", "r", 1000.0, end) for end in (4600.0, 1040.0, None))
    assert [long.is_due(now) for now in (4539.0, 4540.0)] == [False, True]
    assert [short.is_due(now) for now in (1029.0, 1030.0)] == [False, True]
    assert not endless.is_due(1e12)
    assert [long.is_over(now) for now in (4599.0, 4600.0)] == [False, True]


def test_the_refresh_token_stays_where_no_other_is_given() -> None:
    before, after = Tokens("a", "r", 0.0, 1.0), Tokens("b", "", 1.0, 2.0)
    assert renewed(before, after) == Tokens("b", "r", 1.0, 2.0)
    assert renewed(before, Tokens("b", "s", 1.0, 2.0)).refresh_token == "s"
