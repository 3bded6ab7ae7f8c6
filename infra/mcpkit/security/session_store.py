"""What is kept of sessions over HTTP, in the control database, which all processes of a server share."""

import json
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass

from mcpkit.database.sqlite import Database

LARGEST_HANDSHAKE = 16 * 1024  # bytes; the session of a larger one ends with its process
_MOST_WATCHED = 64
_PRUNE = "DELETE FROM http_sessions WHERE used <= ?"
_ADD = "INSERT OR REPLACE INTO http_sessions (session, owner, handshake, used) VALUES (?, ?, ?, ?)"
_GET = "SELECT handshake, watched FROM http_sessions WHERE session = ? AND owner = ? AND used > ?"
_TOUCH = "UPDATE http_sessions SET used = ? WHERE session = ?"
_WATCHED = "SELECT watched FROM http_sessions WHERE session = ?"
_WATCH = "UPDATE http_sessions SET watched = ? WHERE session = ?"
_REMOVE = "DELETE FROM http_sessions WHERE session = ?"


@dataclass(frozen=True, slots=True)
class KeptSession:
    """`handshake` is the body of the `initialize` request; `watched` are URIs."""

    handshake: bytes
    watched: tuple[str, ...]


class SessionStore:
    """A session is kept for `lasts` seconds after it was last used. Raises Fault STORAGE_FULL, SERVICE_UNAVAILABLE,
    STORAGE_DAMAGED."""

    def __init__(self, control: Database, lasts: float, clock: Callable[[], float] = time.time) -> None:
        self.lasts = lasts
        self._control = control
        self._clock = clock

    async def add(self, session: str, owner: str, handshake: bytes) -> None:
        now = self._clock()

        def write(connection: sqlite3.Connection) -> None:
            connection.execute(_PRUNE, (now - self.lasts,))
            connection.execute(_ADD, (session, owner, handshake, now))

        await self._control.write(write)

    async def get(self, session: str, owner: str) -> KeptSession | None:
        """None where there is none that is this owner's."""
        since = self._clock() - self.lasts
        row = await self._control.read(lambda connection: connection.execute(_GET, (session, owner, since)).fetchone())
        return None if row is None else KeptSession(row[0], tuple(json.loads(row[1])))

    async def touch(self, session: str) -> None:
        """It is used now."""
        now = self._clock()
        await self._control.write(lambda connection: connection.execute(_TOUCH, (now, session)))

    async def watch(self, session: str, uri: str, *, watched: bool) -> None:
        """It subscribed to a resource, or does not want to hear of it any more."""

        def write(connection: sqlite3.Connection) -> None:
            row = connection.execute(_WATCHED, (session,)).fetchone()
            if row is None:
                return
            kept = [each for each in json.loads(row[0]) if each != uri]
            kept += [uri] if watched and len(kept) < _MOST_WATCHED else []
            connection.execute(_WATCH, (json.dumps(kept), session))

        await self._control.write(write)

    async def remove(self, session: str) -> None:
        await self._control.write(lambda connection: connection.execute(_REMOVE, (session,)))
