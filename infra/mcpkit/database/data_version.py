"""Whether anything was written to a database since it was last looked at, by whatever process."""

import asyncio
import sqlite3


class DataVersion:
    """The number that SQLite counts for a connection, which grows with what others commit
    (https://sqlite.org/pragma.html#pragma_data_version). It is asked for once in a turn of the event loop: what runs in
    that turn had begun before, and what another process writes meanwhile counts from the next turn on. (Whoever waits
    for a write of this process goes on in a later turn too.)"""

    def __init__(self) -> None:
        self._in_this_turn: int | None = None

    def of(self, connection: sqlite3.Connection) -> int:
        """Raises sqlite3.Error."""
        if self._in_this_turn is not None:
            return self._in_this_turn
        (version,) = connection.execute("PRAGMA data_version").fetchone()
        try:
            asyncio.get_running_loop().call_soon(self.forget)
        except RuntimeError:  # there are no turns
            return int(version)
        self._in_this_turn = int(version)
        return self._in_this_turn

    def forget(self) -> None:
        """Of a connection that is no more, or a turn that is over."""
        self._in_this_turn = None
