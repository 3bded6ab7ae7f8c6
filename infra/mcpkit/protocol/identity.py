"""Whose call it is, as the transport established it; no argument of a call has a say in it."""

from typing import Protocol

from mcpkit.errors import ErrorCode, Fault
from mcpkit.protocol.calls import Call
from mcpkit.security.identity import EVERYTHING, Principal, login_name


class IdentityProvider(Protocol):
    async def identify(self, call: Call) -> Principal:
        """The principal of a call.

        Raises:
            Fault: UNAUTHORIZED, where the transport established nobody.
        """
        ...


class LocalUser:
    """Whoever runs the process: on STDIO, and over HTTP on the loopback interface, nobody else can reach it."""

    def __init__(self, user: str | None = None) -> None:
        self._user = user or login_name()

    async def identify(self, call: Call) -> Principal:
        return Principal(user=self._user, scopes=frozenset({EVERYTHING}), client=call.client)


class AuthenticatedCaller:
    """Whom the credential of the request stands for. The transport lets no request in without one; should it ever, then
    nobody calls."""

    async def identify(self, call: Call) -> Principal:
        if call.authenticated is None:
            raise Fault(ErrorCode.UNAUTHORIZED, "Authentication is needed.")
        return call.authenticated
