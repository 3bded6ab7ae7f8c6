"""Row ids in the order of time: a message's unix second, counted up until it is free."""

import sqlite3

_WALK = 32  # ids tried one by one; a longer stretch of taken ids is recorded in crowded_ids and jumped over

# The words of a removed message may be in the index still: no other is to be found by them.
_TAKEN = """
    SELECT 1 FROM messages WHERE id = ?1 UNION ALL SELECT 1 FROM removed WHERE id = ?1
"""


class RowIds:
    """Hands out ids within one transaction, in which nobody else takes any."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._taken: set[int] = set()
        self.largest_shift = 0

    def take(self, second: int) -> int:
        """The first free id at `second` or after it."""
        candidate = second
        steps = 0
        while self._is_taken(candidate):
            candidate += 1
            if steps % _WALK == 0:
                candidate = self._behind_crowd(candidate)
            steps += 1
        shift = candidate - second
        if shift >= _WALK:
            self._record_crowd(second, candidate)
        self._taken.add(candidate)
        self.largest_shift = max(self.largest_shift, shift)
        return candidate

    def _is_taken(self, row: int) -> bool:
        if row in self._taken:
            return True
        return self._connection.execute(_TAKEN, (row,)).fetchone() is not None

    def _behind_crowd(self, row: int) -> int:
        found = self._connection.execute(
            "SELECT last FROM crowded_ids WHERE first <= ? ORDER BY first DESC LIMIT 1", (row,)
        ).fetchone()
        return found[0] + 1 if found and found[0] >= row else row

    def _record_crowd(self, first: int, last: int) -> None:
        """Every id in [first, last] is taken: records it, as one with the stretches that it touches."""
        before = self._connection.execute(
            "SELECT first, last FROM crowded_ids WHERE first < ? ORDER BY first DESC LIMIT 1", (first,)
        ).fetchone()
        if before and before[1] >= first - 1:
            first, last = before[0], max(last, before[1])
        (end,) = self._connection.execute(
            "SELECT max(last) FROM crowded_ids WHERE first BETWEEN ? AND ?", (first, last + 1)
        ).fetchone()
        last = max(last, end if end is not None else last)
        self._connection.execute("DELETE FROM crowded_ids WHERE first BETWEEN ? AND ?", (first, last + 1))
        self._connection.execute("INSERT INTO crowded_ids (first, last) VALUES (?, ?)", (first, last))
