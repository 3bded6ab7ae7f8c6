"""The policy by which the texts of attachments are let out into the index."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from mailquery.domain.policy import Policy, Readable
from mailquery.repositories.sqlite.attachments.attached_index import AttachedText, readable_now
from mailquery.repositories.sqlite.removal import overwriting
from mcpkit.errors import ErrorCode, Fault

_LOOKED_AT = 2_000  # attachments, when a policy is applied

_NEXT = """
    SELECT a.message, a.position, a.type, a.filename, a.given, a.content, a.pending, c.type
    FROM attachments a LEFT JOIN contents c ON c.id = a.content
    WHERE (a.message, a.position) > (?, ?) ORDER BY a.message, a.position LIMIT ?
"""


def policy_in_force(connection: sqlite3.Connection) -> str | None:
    """The fingerprint of the policy that the index has been brought to; None while it is being applied."""
    found: str | None = connection.execute("SELECT attachments FROM policy").fetchone()[0]
    return found


def set_policy(connection: sqlite3.Connection, fingerprint: str | None) -> None:
    """What `policy_in_force` gives from now on."""
    # Rankings that were kept for later pages are of before.
    connection.execute("UPDATE policy SET attachments = ?, generation = generation + 1", (fingerprint,))


@dataclass(frozen=True, slots=True)
class Differing:
    """Messages whose attachments the index does not have as a policy lets them out, and the last attachment that was
    looked at; None where there was none left."""

    messages: tuple[int, ...]
    last: tuple[int, int] | None


def differing(connection: sqlite3.Connection, policy: Policy, start: tuple[int, int]) -> Differing:
    """Among the next attachments behind `start`, a message's row and a position in it."""
    messages: dict[int, None] = {}
    last = None
    for row, position, content_type, filename, given, content, pending, found_type in connection.execute(
        _NEXT, (*start, _LOOKED_AT)
    ):
        last = (row, position)
        if content is not None:
            differs = not readable_now(policy, content_type, filename, found_type, given)
        else:
            differs = not pending and policy.readable(content_type, filename) is not Readable.NOTHING
        if differs:
            messages[row] = None
    return Differing(tuple(messages), last)


def apply_policy(connection: sqlite3.Connection, policy: Policy, rows: Sequence[int]) -> None:
    """Has the index of these messages hold what the policy lets out; what it withheld before is to be read anew."""
    with overwriting(connection):
        for row in rows:
            index = AttachedText(connection, row)
            withheld = connection.execute(
                "SELECT part, type, filename FROM attachments WHERE message = ? AND content IS NULL AND pending = 0",
                (row,),
            ).fetchall()
            connection.executemany(
                "UPDATE attachments SET pending = 1 WHERE message = ? AND part = ?",
                [
                    (row, part)
                    for part, content_type, filename in withheld
                    if policy.readable(content_type, filename) is not Readable.NOTHING
                ],
            )
            index.settle(policy)


def another_policy() -> Fault:
    return Fault(
        ErrorCode.CONFLICT,
        "Another process with other settings decides which attachments are withheld: give both the same policy.",
    )
