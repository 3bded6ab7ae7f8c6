"""What the operator's policy withholds, as it is stored: judged once, and looked up ever after.

Whoever writes decides in the same transaction, so that no reader ever sees a message that was not judged. A process
whose policy is not the one in force cannot judge: what it adds is withheld until one that can has done it.
"""

import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

from mailquery.domain.addresses import Role
from mailquery.domain.mailboxes import MailboxRole
from mailquery.domain.policy import Facts, Judge, Place, Policy
from mailquery.repositories.compression import decompress
from mailquery.repositories.sqlite.policy_state import State
from mailquery.repositories.sqlite.scope import ids

_NEWEST = "(SELECT coalesce(max(sequence), 0) FROM messages)"
_DATES = "SELECT id, date FROM messages WHERE id IN (SELECT value FROM json_each(?))"
_ADDRESSES = """
    SELECT w.message, w.role, CASE WHEN p.address = '' THEN p.name ELSE p.address END
    FROM message_participants w CROSS JOIN participants p ON p.id = w.participant
    WHERE w.message IN (SELECT value FROM json_each(?))
"""
_PLACEMENTS = "SELECT message, mailbox FROM placements WHERE message IN (SELECT value FROM json_each(?))"
_RAW = "SELECT r.frame FROM messages m CROSS JOIN raws r ON r.sequence = m.sequence WHERE m.id = ?"
_PLACES = "SELECT b.id, a.name, b.name, b.role FROM mailboxes b JOIN accounts a ON a.id = b.account"
_PENDING = """
    SELECT sequence, id FROM messages WHERE sequence > ? AND sequence <= ? ORDER BY sequence LIMIT ?
"""
_WITHHOLD = "INSERT OR IGNORE INTO withheld SELECT value FROM json_each(?)"
_SHOW = "DELETE FROM withheld WHERE message IN (SELECT value FROM json_each(?))"
_ALL_UNJUDGED = f"UPDATE policy SET judged = 0, until = {_NEWEST}, generation = generation + 1"  # noqa: S608 - a constant

_SENDERS = (Role.FROM, Role.SENDER)


def adopt(connection: sqlite3.Connection, policy: Policy) -> bool:
    """Puts a policy in force: everything is withheld until `judge_next` has shown it again. False where it is in force
    already."""
    if State.read(connection).fingerprint == policy.fingerprint:
        return False
    connection.execute("DELETE FROM withheld")
    connection.execute("DELETE FROM withheld_mailboxes")
    connection.execute("UPDATE policy SET fingerprint = ?", (policy.fingerprint,))
    connection.execute(_ALL_UNJUDGED)
    if policy.fingerprint:
        connection.execute("INSERT INTO withheld SELECT id FROM messages")
        _judge_mailboxes(connection, policy)
    else:
        connection.execute("UPDATE policy SET judged = until")
    return True


def judge_next(connection: sqlite3.Connection, judge: Judge, limit: int) -> int:
    """Judges the next `limit` messages that wait for it; how many they were. 0 too where another policy came into force
    meanwhile."""
    policy, state = judge.policy, State.read(connection)
    if state.fingerprint != policy.fingerprint or not state.unjudged:
        return 0
    _judge_mailboxes(connection, policy)
    rows = connection.execute(_PENDING, (state.judged, state.until, limit)).fetchall()
    _judge(connection, judge, [row for _, row in rows])
    judged = rows[-1][0] if len(rows) == limit else state.until
    connection.execute("UPDATE policy SET judged = ?, generation = generation + 1", (judged,))
    return len(rows)


def judge_placed(connection: sqlite3.Connection, judge: Judge, rows: Sequence[int], new_mailboxes: set[int]) -> None:
    """Judges messages that were added, or placed in a further mailbox, in this transaction."""
    policy, state = judge.policy, State.read(connection)
    if not state.withholds and not policy.fingerprint:
        return
    if state.fingerprint == policy.fingerprint:
        if new_mailboxes:
            _judge_mailboxes(connection, policy)
        _judge(connection, judge, rows)
    else:
        _leave_unjudged(connection, rows, new_mailboxes)
    connection.execute("UPDATE policy SET generation = generation + 1")


def judge_mailbox(connection: sqlite3.Connection, policy: Policy, mailbox: int) -> None:
    """Judges a mailbox that was added, or that has another role than before."""
    state = State.read(connection)
    if not state.withholds and not policy.fingerprint:
        return
    was_withheld = _is_withheld(connection, mailbox)
    if state.fingerprint == policy.fingerprint:
        _judge_mailboxes(connection, policy)
    else:
        connection.execute("INSERT OR IGNORE INTO withheld_mailboxes VALUES (?)", (mailbox,))
    if _is_withheld(connection, mailbox):
        connection.execute(
            "INSERT OR IGNORE INTO withheld SELECT message FROM placements WHERE mailbox = ?", (mailbox,)
        )
        connection.execute("UPDATE policy SET generation = generation + 1")
    if was_withheld or state.fingerprint != policy.fingerprint:
        connection.execute(_ALL_UNJUDGED)  # its messages stay withheld until then


def withheld_count(connection: sqlite3.Connection) -> int:
    (count,) = connection.execute("SELECT count(*) FROM withheld").fetchone()
    return int(count)


def places(connection: sqlite3.Connection) -> dict[int, Place]:
    """By the mailbox's id."""
    return {
        mailbox: Place(account, name, MailboxRole(role)) for mailbox, account, name, role in connection.execute(_PLACES)
    }


def _leave_unjudged(connection: sqlite3.Connection, rows: Sequence[int], new_mailboxes: set[int]) -> None:
    connection.execute(_WITHHOLD, (ids(rows),))
    connection.executemany("INSERT OR IGNORE INTO withheld_mailboxes VALUES (?)", [(each,) for each in new_mailboxes])
    (first,) = connection.execute(
        "SELECT min(sequence) FROM messages WHERE id IN (SELECT value FROM json_each(?))", (ids(rows),)
    ).fetchone()
    if first is not None:
        connection.execute(
            f"UPDATE policy SET judged = min(judged, ?), until = {_NEWEST}",  # noqa: S608 - a constant
            (first - 1,),
        )
    else:
        connection.execute(_ALL_UNJUDGED)


def _judge_mailboxes(connection: sqlite3.Connection, policy: Policy) -> None:
    denied = [mailbox for mailbox, place in places(connection).items() if policy.withholds_place(place)]
    connection.execute("DELETE FROM withheld_mailboxes")
    connection.executemany("INSERT INTO withheld_mailboxes VALUES (?)", [(mailbox,) for mailbox in denied])


def _is_withheld(connection: sqlite3.Connection, mailbox: int) -> bool:
    found = connection.execute("SELECT 1 FROM withheld_mailboxes WHERE mailbox = ?", (mailbox,)).fetchone()
    return found is not None


def _judge(connection: sqlite3.Connection, judge: Judge, rows: Sequence[int]) -> None:
    if not rows:
        return
    withheld = {row for row, facts in _facts(connection, judge, rows) if _covers(judge.policy, facts)}
    connection.execute(_WITHHOLD, (ids(withheld),))
    connection.execute(_SHOW, (ids(set(rows) - withheld),))


def _covers(policy: Policy, facts: Facts) -> bool:
    try:
        return policy.withholds(facts)
    except ValueError:  # the stored message is damaged: what its header says cannot be known
        return True


def _facts(connection: sqlite3.Connection, judge: Judge, rows: Sequence[int]) -> Iterable[tuple[int, Facts]]:
    policy, wanted = judge.policy, ids(rows)
    senders: dict[int, list[str]] = defaultdict(list)
    others: dict[int, list[str]] = defaultdict(list)
    if policy.senders or policy.domains:
        for row, role, address in connection.execute(_ADDRESSES, (wanted,)):
            (senders if role in _SENDERS else others)[row].append(address)
    lies: dict[int, list[Place]] = defaultdict(list)
    if policy.accounts or policy.mailboxes:
        known: Mapping[int, Place] = places(connection)
        for row, mailbox in connection.execute(_PLACEMENTS, (wanted,)):
            lies[row].append(known[mailbox])
    for row, date in connection.execute(_DATES, (wanted,)).fetchall():
        yield row, Facts(senders[row], others[row], date, lies[row], _headers(connection, judge, row))


def _headers(connection: sqlite3.Connection, judge: Judge, row: int) -> Callable[[], Iterable[tuple[str, str]]]:
    def read() -> Iterable[tuple[str, str]]:
        (frame,) = connection.execute(_RAW, (row,)).fetchone()
        return judge.header_fields(decompress(frame))

    return read
