"""From the claims of a verified token, or of an answer about one, to whom it stands for."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mcpkit.security.authentication.interfaces import Authenticated, Rejected
from mcpkit.security.untrusted import clean_line

_LONGEST_NAME = 200  # characters
_LAST_DATE = 253_402_300_799  # the end of the year 9999


@dataclass(frozen=True, slots=True)
class ClaimNames:
    """Which claims hold what. With no name for `accounts`, tokens narrow nothing; with one, a token that lacks it
    stands for no account at all."""

    user: str = "sub"
    scopes: str = "scope"
    client: str = "client_id"
    accounts: str = ""

    def read(self, claims: Mapping[str, Any], issuer: str) -> Authenticated:
        """
        Raises:
            Rejected: the token is bound to a key of its client's, names no user, or its end is no date.
        """
        if claims.get("cnf") is not None:
            # RFC 7800: whoever bears it must prove more than that they have it, and here nothing is asked of them.
            raise Rejected("The access token is bound to a key, which this server does not verify")
        return Authenticated(
            user=_name(claims.get(self.user), "user"),
            scopes=_words(claims.get(self.scopes)),
            client=self._client(claims),
            issuer=issuer,
            accounts=_words(claims.get(self.accounts)) if self.accounts else None,
            expires=numeric_date(claims.get("exp")),
        )

    def _client(self, claims: Mapping[str, Any]) -> str:
        found = claims.get(self.client, claims.get("azp"))
        return clean_line(found, _LONGEST_NAME) if isinstance(found, str) else ""


def numeric_date(value: object) -> float | None:
    """Unix seconds (RFC 7519, section 2); None where there is no such claim.

    Raises:
        Rejected: it is no date.
    """
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _LAST_DATE:
        raise Rejected("The access token is malformed")
    return float(value)


def _name(value: object, what: str) -> str:
    """As it is or not at all: a name that was mended could be somebody else's."""
    if not isinstance(value, str) or not value or clean_line(value, _LONGEST_NAME) != value:
        raise Rejected(f"The access token names no {what}")
    return value


def _words(value: object) -> frozenset[str]:
    """A text with spaces between (RFC 8693, section 4.2), or a list."""
    if isinstance(value, str):
        return frozenset(value.split())
    if isinstance(value, list | tuple):
        return frozenset(word for word in value if isinstance(word, str))
    return frozenset()
