"""Tickets: each lets one principal have one thing once, within a few minutes."""

import hashlib
import secrets
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass

from mcpkit.database.sqlite import Database
from mcpkit.errors import ErrorCode, Fault
from mcpkit.security.identity import Principal
from mcpkit.security.tokens import SignedTokens

LASTS = 300.0  # seconds
_PURPOSE = "ticket"
_NUMBER_BYTES = 16
_KEPT = 30 * 86_400  # seconds for which a used one is known, also where the clock is set back meanwhile
_PRUNE = "DELETE FROM used_tickets WHERE expires <= ?"
_USE = "INSERT INTO used_tickets (ticket, expires) VALUES (?, ?)"
_IS_USED = "SELECT 1 FROM used_tickets WHERE ticket = ?"


@dataclass(frozen=True, slots=True)
class Ticket:
    """`number` is random; `holder` is a digest of whom it was given to; `expires` is a unix second."""

    number: str
    reference: str
    holder: str
    expires: float


class Tickets:
    """They are signed, so that nothing is stored of one before it is used. That it was is kept in the control database,
    which all processes of a server share."""

    def __init__(
        self,
        tokens: SignedTokens,
        database: Database,
        *,
        lasts: float = LASTS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._tokens = tokens
        self._database = database
        self._lasts = lasts
        self._clock = clock

    def issue(self, principal: Principal, reference: str, *, credential: bool) -> str:
        """Good for `principal` alone; with `credential` for the very credential that it came with. The text is part of
        a URL, and says nothing of who they are."""
        return self._tokens.seal(
            _PURPOSE,
            {
                "number": secrets.token_hex(_NUMBER_BYTES),
                "reference": reference,
                "holder": _holder(principal, credential=credential),
                "expires": self._clock() + self._lasts,
            },
        )

    def open(self, text: str) -> Ticket:
        """Raises Fault NOT_FOUND for what is no ticket of this server, or was one."""
        try:
            ticket = Ticket(**self._tokens.open(_PURPOSE, text))
        except Fault:
            raise not_valid() from None
        if ticket.expires <= self._clock():
            raise not_valid()
        return ticket

    def check(self, ticket: Ticket, principal: Principal, *, credential: bool) -> None:
        """Raises Fault NOT_FOUND where it is another's."""
        if not secrets.compare_digest(ticket.holder, _holder(principal, credential=credential)):
            raise not_valid()

    async def is_used(self, ticket: Ticket) -> bool:
        """Whether it was used already: what it stands for need not be looked up then."""

        def read(connection: sqlite3.Connection) -> bool:
            return connection.execute(_IS_USED, (ticket.number,)).fetchone() is not None

        return await self._database.read(read)

    async def use(self, ticket: Ticket) -> None:
        """Uses it up: of any number at once, in whatever processes, one succeeds. Raises Fault NOT_FOUND to the others,
        and where it has expired meanwhile."""
        now = self._clock()
        if ticket.expires <= now:
            raise not_valid()

        def write(connection: sqlite3.Connection) -> None:
            connection.execute(_PRUNE, (now - _KEPT,))
            connection.execute(_USE, (ticket.number, ticket.expires))

        try:
            await self._database.write(write)
        except sqlite3.IntegrityError:
            raise not_valid() from None


def not_valid() -> Fault:
    """The same for whatever is wrong with a ticket."""
    return Fault(ErrorCode.NOT_FOUND, "There is nothing here, or no more. Ask for the file anew.")


def _holder(principal: Principal, *, credential: bool) -> str:
    parts = [principal.user, principal.client if credential else ""]
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]
