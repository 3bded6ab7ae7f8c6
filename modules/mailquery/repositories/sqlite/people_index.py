"""Which participants a query's name or address means."""

import sqlite3
from collections import OrderedDict

from mailquery.domain.words import fold
from mailquery.repositories.sqlite.participants import REMOVALS

_REMEMBERED = 256
_MOST_REMEMBERED_IDS = 20_000

_MATCHING = """
    SELECT id FROM participants
    WHERE id > ?2 AND (instr(folded_address, ?1) OR (?3 AND instr(folded_name, ?1)))
"""


class PeopleIndex:
    """Between removals participants are only ever added: what was found once stays right, and only newer ones are
    looked at again."""

    def __init__(self) -> None:
        self._found: OrderedDict[tuple[int, str], tuple[int, tuple[int, ...]]] = OrderedDict()

    def matching(self, connection: sqlite3.Connection, value: str) -> tuple[int, ...]:
        """Participants of whose name or address `value` is a part; of the address alone if there is an `@` in it."""
        folded = fold(value)
        if not folded:
            return ()
        (removals,) = connection.execute(REMOVALS).fetchone()
        seen, found = self._found.pop((removals, folded), (0, ()))
        (newest,) = connection.execute("SELECT coalesce(max(id), 0) FROM participants").fetchone()
        if newest > seen:
            rows = connection.execute(_MATCHING, (folded, seen, "@" not in folded))
            found = (*found, *(row[0] for row in rows))
        if len(found) <= _MOST_REMEMBERED_IDS:
            self._found[removals, folded] = (newest, found)
            if len(self._found) > _REMEMBERED:
                self._found.popitem(last=False)
        return found


def with_address(connection: sqlite3.Connection, address: str) -> tuple[int, ...]:
    """Participants with exactly this address, by whatever name."""
    rows = connection.execute("SELECT id FROM participants WHERE folded_address = ?", (fold(address),))
    return tuple(row[0] for row in rows)


def domain_id(connection: sqlite3.Connection, domain: str) -> int | None:
    row = connection.execute("SELECT id FROM domains WHERE name = ?", (fold(domain),)).fetchone()
    return None if row is None else row[0]
