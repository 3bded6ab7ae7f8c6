"""What an authorization server's errors mean, in words (RFC 6749, sections 4.1.2.1 and 5.2; RFC 8628, section 3.5)."""

import re
from urllib.parse import urlsplit

from mcpkit.errors import ErrorCode, Fault
from mcpkit.redaction import redact_text
from mcpkit.security.untrusted import clean_line

TOKEN_REASON = "token"  # in `details["reason"]`: only a new login helps  # noqa: S105 - a name

_LONGEST_DESCRIPTION = 300  # characters
_CODE = re.compile(r"[A-Za-z0-9_.-]{1,60}")
_LOGIN_AGAIN = {
    "access_denied": "the login was refused: by you, or by a rule of whoever runs the account",
    "expired_token": "the code was not entered in time",
    "invalid_grant": "the login is not valid any more: it was revoked, has expired, or was used before",
    "interaction_required": "it wants you to sign in again",
    "login_required": "it wants you to sign in again",
    "consent_required": "it wants you to agree again",
}
_CONFIGURATION = {
    "invalid_client": "it does not know the client id, or the client secret is missing or wrong",
    "unauthorized_client": "the client id may not be used for this kind of login",
    "unsupported_grant_type": "it does not offer this kind of login",
    "unsupported_response_type": "it does not offer this kind of login",
    "invalid_scope": "the client id may not ask for this permission",
    "invalid_request": "it does not take the request, often because the redirect URI is not registered",
    "redirect_uri_mismatch": "the redirect URI is not registered with the client id",
}
_LATER = {
    "server_error": "it has an error of its own",
    "temporarily_unavailable": "it is overloaded or under maintenance",
}


def refused(url: str, error: str, description: object = None) -> Fault:
    """The fault for the error code `error` of the server at `url`: LOGIN_FAILED where only signing in again helps,
    CONFIGURATION where the registration is wrong, else SOURCE_UNAVAILABLE."""
    shown = error if _CODE.fullmatch(error) else "of no known form"
    host = urlsplit(url).hostname or "The authorization server"
    if error in _CONFIGURATION:
        code, words = ErrorCode.CONFIGURATION, _CONFIGURATION[error]
        remedy = "Compare the client id and its settings with what is registered there."
    elif error in _LATER:
        code, words, remedy = ErrorCode.SOURCE_UNAVAILABLE, _LATER[error], "Try again later."
    else:
        code, words = ErrorCode.LOGIN_FAILED, _LOGIN_AGAIN.get(error, "the login was refused")
        remedy = "Sign in again."
    details = {"error": shown}
    if code is ErrorCode.LOGIN_FAILED:
        details["reason"] = TOKEN_REASON
    said = clean_line(redact_text(description), _LONGEST_DESCRIPTION) if isinstance(description, str) else ""
    return Fault(code, f"{host} says no: {words} ({shown}). {remedy}", details=details, others=said)


def broken(url: str, what: str) -> Fault:
    """It answers what it may not."""
    host = urlsplit(url).hostname
    return Fault(
        ErrorCode.SOURCE_UNAVAILABLE,
        f"{host} does not answer as an authorization server must: {what}. See whether its address is right.",
        details={"reason": "protocol"},
    )


def needs_login(why: str) -> Fault:
    return Fault(ErrorCode.LOGIN_FAILED, f"{why} Sign in again.", details={"reason": TOKEN_REASON})
