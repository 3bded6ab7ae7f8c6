"""Tokens, as an authorization server gives them and as they are kept."""

import json
import re
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from oauthlib.oauth2 import WebApplicationClient
from oauthlib.oauth2.rfc6749.errors import OAuth2Error

from mcpkit.errors import ErrorCode, Fault
from mcpkit.security.oauth.asking import Answer
from mcpkit.security.oauth.clients import Client
from mcpkit.security.oauth.refusals import broken, refused

LEEWAY = 60.0  # seconds before its end at which a token is renewed

# RFC 6749, appendix A.12, and no space. What has control characters would say more than a token where it is sent.
_TOKEN = re.compile(r"[\x21-\x7e]{1,16384}")
_NO_PERMISSION = frozenset({"offline_access", "openid"})  # asked for, and not always among those that are given
_LONGEST_LIFE = 366 * 24 * 3600  # seconds


@dataclass(frozen=True, slots=True)
class Tokens:
    """`obtained` and `expires` are unix seconds; None is a token of which no end is known. `refresh_token` is empty
    where there is none, and `client_secret` where the client has none, which it takes to renew them."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    obtained: float
    expires: float | None
    client_secret: str = field(default="", repr=False)

    def is_due(self, now: float, leeway: float = LEEWAY) -> bool:
        """Whether it is time for another: `leeway` seconds before the end, or at three quarters of a short life."""
        if self.expires is None:
            return False
        return now >= self.expires - min(leeway, (self.expires - self.obtained) / 4)

    def is_over(self, now: float) -> bool:
        return self.expires is not None and now >= self.expires

    def as_text(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_text(cls, text: str) -> "Tokens":
        """Raises ValueError or TypeError for what `as_text` did not write."""
        return cls(**json.loads(text))


def read_tokens(answer: Answer, client: Client, asked: float) -> Tokens:
    """The answer of a token endpoint (RFC 6749, section 5). `asked` is when it was asked, in unix seconds: a token's
    life counts from then.

    Raises:
        Fault: as `refusals.refused` says, where the server refuses; SOURCE_UNAVAILABLE, where its answer is none.
    """
    url = client.server.token_endpoint
    try:
        said = WebApplicationClient(client.client_id).parse_request_body_response(answer.text)
    except OAuth2Error as error:
        if "error" not in answer.object:
            raise broken(url, "its answer has no access token") from None
        raise refused(url, str(error.error), error.description) from None
    except (ValueError, TypeError, AttributeError, OverflowError):
        raise broken(url, "its answer has fields of another kind than they must be") from None
    if answer.status != 200:
        raise broken(url, f"status {answer.status} with a token")
    if str(said.get("token_type", "")).lower() != "bearer":
        raise broken(url, "the token is not of the type Bearer")
    _check_permission(url, client, said.get("scope"))
    return Tokens(
        _token(url, said["access_token"]),
        _token(url, said["refresh_token"]) if said.get("refresh_token") else "",
        asked,
        _end(url, said.get("expires_in"), asked),
        client.client_secret,
    )


def renewed(before: Tokens, after: Tokens) -> Tokens:
    """The refresh token stays where the server gives no other (RFC 6749, section 6)."""
    return after if after.refresh_token else replace(after, refresh_token=before.refresh_token)


def _token(url: str, value: object) -> str:
    if not isinstance(value, str) or not _TOKEN.fullmatch(value):
        raise broken(url, "the token has characters that no token has")
    return value


def _end(url: str, life: Any, asked: float) -> float | None:
    if life is None:
        return None
    if not 0 < life <= _LONGEST_LIFE:
        raise broken(url, "the token's life is no number of seconds that can be")
    return asked + float(life)


def _check_permission(url: str, client: Client, given: Any) -> None:
    """A person may tick off what was asked for (RFC 6749, section 3.3)."""
    if not given:
        return
    names = given if isinstance(given, list) else str(given).split()
    have = {str(name).casefold() for name in names}
    missing = [name for name in client.scopes if name not in _NO_PERMISSION and name.casefold() not in have]
    if missing:
        raise Fault(
            ErrorCode.LOGIN_FAILED,
            f"The login was done without the permission that is needed ({', '.join(missing)}). Sign in again, and "
            "tick it on the page where you agree.",
            details={"reason": "token", "missing": missing},
        )
