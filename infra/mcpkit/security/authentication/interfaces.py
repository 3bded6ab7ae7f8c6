"""What every strategy of authentication is."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Authenticated:
    """What a token says, after it was verified. `accounts` narrows what its user may see; None narrows nothing.
    `issuer` is who vouches for it; `expires` is in unix seconds, None where that is not known."""

    user: str
    scopes: frozenset[str]
    client: str
    issuer: str
    accounts: frozenset[str] | None = None
    expires: float | None = None


class Rejected(Exception):
    """The token is not to be trusted. `reason` is told to its bearer: an ASCII sentence without quotation marks, and
    nothing of the token in it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Authenticator(Protocol):
    def takes(self, token: str) -> bool:
        """Whether the token has the form of those that this strategy verifies."""
        ...

    async def authenticate(self, token: str) -> Authenticated:
        """
        Raises:
            Rejected: the token is not valid here and now.
            Fault: SERVICE_UNAVAILABLE, where what decides on it cannot be asked.
        """
        ...

    async def close(self) -> None: ...
