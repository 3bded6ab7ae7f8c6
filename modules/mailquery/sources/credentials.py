"""What a mail server is shown at a login."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol


class CredentialKind(StrEnum):
    PASSWORD = "password"  # PLAIN (RFC 4616) or LOGIN  # noqa: S105 - a name
    TOKEN = "token"  # OAUTHBEARER (RFC 7628) or XOAUTH2  # noqa: S105 - a name


@dataclass(frozen=True, slots=True)
class Credential:
    """The secret does not show where the object is printed."""

    kind: CredentialKind
    secret: str = field(repr=False)


class CredentialSource(Protocol):
    """Where the credential of one account comes from, at each login anew."""

    async def current(self) -> Credential:
        """Raises Fault LOGIN_FAILED where there is none, and what its place raises (CONFIGURATION, SOURCE_UNAVAILABLE,
        TIMEOUT)."""
        ...

    async def instead_of(self, rejected: Credential) -> Credential | None:
        """Another than the one that the server has just refused; None where there is none. To be asked once for each
        login. Raises as `current` does."""
        ...
