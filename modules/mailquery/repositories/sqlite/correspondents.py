"""Who has written before."""

import sqlite3
from collections.abc import Callable, Sequence
from functools import cache, partial

from mailquery.domain.addresses import Role
from mailquery.domain.words import fold
from mailquery.repositories.records import Acquaintance, Sender
from mailquery.repositories.sqlite.scope import Scope, ids

# ?1 is a folded address, ?2 a message's row id, ?3 a JSON array of the visible mailboxes' ids, or NULL for all of them.
# Row ids are in the order of dates. Every step of it is found in an index, and the first that is visible ends it.
_WROTE_BEFORE = """
    SELECT EXISTS (
      SELECT 1 FROM participants p
      CROSS JOIN message_participants w ON w.participant = p.id AND w.role = ?4 AND w.message < ?2
      WHERE p.folded_address = ?1
        AND (?3 IS NULL OR EXISTS (SELECT 1 FROM shown_placements v WHERE v.message = w.message
                                   AND v.mailbox IN (SELECT value FROM json_each(?3)))))
"""
_KNOWN_ADDRESSES = """
    SELECT DISTINCT p.folded_address
    FROM json_each(?1) j
    CROSS JOIN participants p ON p.folded_address = j.value
    CROSS JOIN message_participants w ON w.participant = p.id AND w.message < ?2
    WHERE ?3 IS NULL OR EXISTS (SELECT 1 FROM shown_placements v WHERE v.message = w.message
                                AND v.mailbox IN (SELECT value FROM json_each(?3)))
"""
_KNOWN_DOMAINS = "SELECT name FROM domains WHERE name IN (SELECT value FROM json_each(?))"
# Looked at only where there is such a domain: no index leads from a domain to its addresses.
_IS_SHOWN = """
    SELECT EXISTS (
      SELECT 1 FROM domains d
      CROSS JOIN participants p ON p.domain = d.id
      CROSS JOIN message_participants w ON w.participant = p.id
      CROSS JOIN shown_placements v ON v.message = w.message
      WHERE d.name = ?1 AND v.mailbox IN (SELECT value FROM json_each(?2)))
"""


def acquaintances(connection: sqlite3.Connection, senders: Sequence[Sender], scope: Scope) -> tuple[Acquaintance, ...]:
    """One for each sender, by what the caller may see: mail older than the sender's own counts."""
    # Where all of a domain's mail is somebody else's, it takes a look at all of it: once for all senders.
    is_shown = cache(partial(_is_shown, connection, scope))
    return tuple(_acquaintance(connection, sender, scope, is_shown) for sender in senders)


def _acquaintance(
    connection: sqlite3.Connection, sender: Sender, scope: Scope, is_shown: Callable[[str], bool]
) -> Acquaintance:
    address = fold(sender.address)
    (before,) = connection.execute(_WROTE_BEFORE, (address, sender.row, scope.limit, Role.FROM)).fetchone()
    resembled: list[str] = []
    if sender.resembles:
        local = address.rpartition("@")[0]
        wanted = ids([f"{local}@{domain}" for domain in sender.resembles])
        rows = connection.execute(_KNOWN_ADDRESSES, (wanted, sender.row, scope.limit))
        resembled += [row[0].rpartition("@")[2] for row in rows]
        known = [name for (name,) in connection.execute(_KNOWN_DOMAINS, (ids(sender.resembles),)).fetchall()]
        resembled += [name for name in known if is_shown(name)]
    return Acquaintance(bool(before), tuple(dict.fromkeys(resembled)))


def _is_shown(connection: sqlite3.Connection, scope: Scope, domain: str) -> bool:
    if scope.limit is None:
        return True
    (shown,) = connection.execute(_IS_SHOWN, (domain, scope.limit)).fetchone()
    return bool(shown)
