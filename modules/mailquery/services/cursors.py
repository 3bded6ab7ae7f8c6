"""Cursors: where a page ended, sealed so that a client can neither read meaning into it nor change it."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime

from mailquery.repositories.records import Position
from mcpkit.errors import ErrorCode, Fault
from mcpkit.security.tokens import SignedTokens


@dataclass(frozen=True, slots=True)
class Bookmark:
    """`given` is how many were given before; `now` the moment by which the first page read relative dates (UTC)."""

    position: Position
    given: int
    now: datetime


class Cursors:
    """`purpose` keeps the cursors of one use case from being taken by another, and `user` those of one user."""

    def __init__(self, tokens: SignedTokens, purpose: str) -> None:
        self._tokens = tokens
        self._purpose = purpose

    def seal(self, user: str, digest: str, bookmark: Bookmark) -> str:
        position = bookmark.position
        return self._tokens.seal(
            self._purpose_of(user),
            {
                "q": digest,
                "p": [position.as_of, position.row, position.offset],
                "n": bookmark.given,
                "t": int(bookmark.now.timestamp()),
            },
        )

    def open(self, user: str, cursor: str, digest: str) -> Bookmark:
        """Raises `INVALID_FORMAT` where the cursor is not one of ours, or belongs to other arguments."""
        try:
            payload = self._tokens.open(self._purpose_of(user), cursor)
        except Fault as fault:
            raise _refused("This is not a cursor that this server gave here, or it was changed.") from fault
        if payload["q"] != digest:
            raise _refused("The cursor belongs to a call with other arguments.")
        as_of, row, offset = payload["p"]
        return Bookmark(Position(as_of, row, offset), payload["n"], datetime.fromtimestamp(payload["t"], UTC))

    def _purpose_of(self, user: str) -> str:
        return f"{self._purpose} of {hashlib.sha256(user.encode()).hexdigest()}"


def _refused(reason: str) -> Fault:
    return Fault(
        ErrorCode.INVALID_FORMAT,
        f"{reason} Repeat the call with the arguments that gave the cursor, or without `cursor` to start anew.",
        details={"argument": "cursor"},
    )
