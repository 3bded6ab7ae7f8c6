"""The messages of selections, kept until anything is written: many searches share what they are narrowed to.

What is unread, has attachments, lies in a mailbox or is of a year is listed anew for each search otherwise, which takes
longer than all else that finds what is near in meaning.
"""

import sqlite3
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mailquery.repositories.sqlite.nodes import Condition
from mailquery.repositories.sqlite.selection import Selection
from mailquery.repositories.sqlite.vectors.codes import State

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MOST_LISTED = 20_000  # messages of one selection
_KEPT = 32  # selections of one connection: 2.5 MB at most
_CONNECTIONS = 16

_Asked = tuple[str, tuple[object, ...]]


@dataclass(slots=True)
class _Seen:
    """What one connection found while the database was as in `version`."""

    version: tuple[int, int]
    found: "OrderedDict[_Asked, NDArray[np.uint32] | None]" = field(default_factory=OrderedDict)


class Listings:
    """Shared by all readers of a database. SQLite counts for each connection by itself what others have written
    (`data_version`), so that each has its own; inside of a transaction that number stays."""

    def __init__(self) -> None:
        self._seen: OrderedDict[sqlite3.Connection, _Seen] = OrderedDict()

    def embedded(
        self, connection: sqlite3.Connection, selection: Selection, state: State
    ) -> "NDArray[np.uint32] | None":
        """The sequences of the selection's embedded messages; None where they are too many to be listed."""
        embedded = selection.also(Condition("+m.sequence <= ?", (state.through,), needs_message=True))
        sql, parameters = embedded.sql("m.sequence", tail="LIMIT ?")
        asked = (sql, tuple(parameters))
        found = self._of(connection).found
        if asked in found:
            found.move_to_end(asked)
        else:
            found[asked] = _listed(connection, *asked)
            if len(found) > _KEPT:
                found.popitem(last=False)
        return found[asked]

    def _of(self, connection: sqlite3.Connection) -> _Seen:
        (others,) = connection.execute("PRAGMA data_version").fetchone()
        version = others, connection.total_changes
        seen = self._seen.get(connection)
        if seen is None or seen.version != version:
            seen = self._seen[connection] = _Seen(version)
            if len(self._seen) > _CONNECTIONS:
                self._seen.popitem(last=False)
        return seen


def _listed(connection: sqlite3.Connection, sql: str, parameters: tuple[object, ...]) -> "NDArray[np.uint32] | None":
    import numpy as np

    found = connection.execute(sql, (*parameters, MOST_LISTED + 1)).fetchall()
    return np.array(found, np.uint32).reshape(-1) if len(found) <= MOST_LISTED else None
