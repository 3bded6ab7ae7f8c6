"""The decisions about consent, and when callers were last shown untrusted text, in the control database."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from operator import itemgetter
from typing import Any

from mcpkit.database.at_hand import Rows
from mcpkit.database.sqlite import Database

EVERY = "*"
"""The resource that stands for every one of a user's."""

_KEPT = 400 * 86_400  # seconds for which a decision that holds no more can still be looked up


class Way(StrEnum):
    """How a decision was made."""

    ASKED = "asked"
    COMMAND = "command"
    SETTING = "setting"


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether `user` lets `capability` be used on `resource`. Times are unix seconds; `expires` None is never.
    `revoked_by` also says why. `id` is 0 until it is stored."""

    user: str
    capability: str
    resource: str
    granted: bool
    decided: float
    expires: float | None
    decided_by: str
    way: Way
    reason: str = ""
    revoked: float | None = None
    revoked_by: str = ""
    id: int = 0

    def holds(self, now: float) -> bool:
        return self.revoked is None and (self.expires is None or self.expires > now)

    def covers(self, resource: str) -> bool:
        return self.resource in (resource, EVERY)


@dataclass(frozen=True, slots=True)
class Known:
    """Of one caller: the decisions that hold, and all by a setting, newest first; and when untrusted text was last
    shown to them."""

    decisions: tuple[Decision, ...]
    exposed: float | None


_COLUMNS = (
    "user, capability, resource, decision = 'granted', decided, expires, decided_by, way, reason, revoked, "
    "coalesce(revoked_by, ''), id"
)
# One row at least, for what was shown to the caller; without a decision its other columns are NULL.
_KNOWN = f"""
    SELECT (SELECT last FROM exposures WHERE user = ?1 AND client = ?4), {_COLUMNS}
    FROM (SELECT 1) LEFT JOIN consents
      ON user = ?1 AND capability IN (SELECT value FROM json_each(?2))
      AND ((revoked IS NULL AND (expires IS NULL OR expires > ?3)) OR way = 'setting')
    ORDER BY id DESC
"""  # noqa: S608 - the names of columns are this module's
_INSERT = """
    INSERT INTO consents (user, capability, resource, decision, decided, expires, decided_by, way, reason, asking)
    VALUES (
      ?1, ?2, ?3, ?4,
      CASE ?8 WHEN 'setting' THEN ?5
      ELSE max(?5, coalesce((SELECT max(last) + 0.001 FROM exposures WHERE user = ?1), ?5)) END,
      ?6, ?7, ?8, ?9, ?10
    )
"""
_LISTED = f"""
    SELECT {_COLUMNS} FROM consents
    WHERE (?1 IS NULL OR user = ?1) AND (?2 OR (revoked IS NULL AND (expires IS NULL OR expires > ?3)))
    ORDER BY id DESC
"""  # noqa: S608 - as above
_REVOKE = """
    UPDATE consents SET revoked = ?4, revoked_by = ?5
    WHERE user = ?1 AND decision = 'granted' AND revoked IS NULL AND (expires IS NULL OR expires > ?4)
      AND (?2 IS NULL OR capability = ?2) AND (?3 IS NULL OR resource = ?3)
"""
_COVERED = """
    SELECT DISTINCT capability FROM consents
    WHERE user = ?1 AND decision = 'granted' AND resource = '*' AND revoked IS NULL
      AND (expires IS NULL OR expires > ?3) AND (?2 IS NULL OR capability = ?2)
"""
_PRUNE = "DELETE FROM consents WHERE way <> 'setting' AND coalesce(revoked, expires, 1e18) < ?"
_EXPOSE = """
    INSERT INTO exposures (user, client, last)
    VALUES (?1, ?2, max(?3, coalesce((SELECT max(decided) FROM consents WHERE user = ?1 AND decision = 'granted'), ?3)))
    ON CONFLICT (user, client) DO UPDATE SET last = max(last, excluded.last)
"""
_SHOWN_AND_GRANTED = """
    SELECT (SELECT last FROM exposures WHERE user = ?1 AND client = ?2),
           (SELECT max(decided) FROM consents WHERE user = ?1 AND decision = 'granted')
"""


class ConsentStore:
    """Nothing is kept in memory: a decision made by another process counts from the next call on.

    Consents and showings of untrusted text are stored in the order in which they came, also where the clock was set
    back between them: what came later has the later time, whatever the clock said.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def known(self, user: str, client: str, capabilities: str, now: float) -> Known:
        """`capabilities` is a JSON array of names."""
        # By the minute, so that what is looked up can be kept: what ended since is sorted out here.
        known = await self._database.look_up(_KNOWN, (user, capabilities, now - now % 60, client), _known)
        if all(each.way is Way.SETTING or each.holds(now) for each in known.decisions):
            return known
        return replace(
            known, decisions=tuple(each for each in known.decisions if each.way is Way.SETTING or each.holds(now))
        )

    async def record(self, decisions: Sequence[Decision], asking: str | None = None) -> bool:
        """Stores the decisions, all or none. False where the question `asking` has been answered before."""

        def write(connection: sqlite3.Connection) -> None:
            now = max(decision.decided for decision in decisions)
            connection.execute(_PRUNE, (now - _KEPT,))
            connection.executemany(_INSERT, (_row(decision, asking) for decision in decisions))

        try:
            await self._database.write(write)
        except sqlite3.IntegrityError:
            return False
        return True

    async def listed(self, user: str | None, now: float, *, everything: bool = False) -> list[Decision]:
        """The decisions that hold, newest first; with `everything` those too that did."""

        def read(connection: sqlite3.Connection) -> list[Decision]:
            return [_decision(row) for row in connection.execute(_LISTED, (user, everything, now))]

        return await self._database.read(read)

    async def revoke(
        self, user: str, capability: str | None, resource: str | None, by: str, reason: str, now: float
    ) -> int:
        """Ends what is granted (None is any) and gives the number of consents that this ended. Where one for every
        resource would still cover `resource`, it is denied for that one."""

        def write(connection: sqlite3.Connection) -> int:
            revoked_by = f"{by}: {reason}" if reason else by
            ended = connection.execute(_REVOKE, (user, capability, resource, now, revoked_by)).rowcount
            if resource is None or resource == EVERY:
                return ended
            covered = connection.execute(_COVERED, (user, capability, now)).fetchall()
            for (name,) in covered:
                denial = Decision(user, name, resource, False, now, None, by, Way.COMMAND, reason)
                connection.execute(_INSERT, _row(denial, None))
            return ended + len(covered)

        return await self._database.write(write)

    async def expose(self, user: str, client: str, now: float, lag: float) -> None:
        """Untrusted text is about to be shown. Written where what is stored is older than `lag` seconds, and where
        a consent was given since: such a consent is not to count as given after this."""
        shown, granted = await self._database.look_up(_SHOWN_AND_GRANTED, (user, client), itemgetter(0))
        if shown is None or shown < now - lag or (granted or 0.0) >= shown:
            await self._database.write(lambda connection: connection.execute(_EXPOSE, (user, client, now)))


def _known(rows: Rows) -> Known:
    return Known(tuple(_decision(row[1:]) for row in rows if row[-1] is not None), rows[0][0])


def _row(decision: Decision, asking: str | None) -> tuple[object, ...]:
    return (
        decision.user,
        decision.capability,
        decision.resource,
        "granted" if decision.granted else "denied",
        decision.decided,
        decision.expires,
        decision.decided_by,
        decision.way.value,
        decision.reason,
        asking,
    )


def _decision(row: tuple[Any, ...]) -> Decision:
    user, capability, resource, granted, decided, expires, decided_by, way, reason, revoked, revoked_by, number = row
    return Decision(
        user=user,
        capability=capability,
        resource=resource,
        granted=bool(granted),
        decided=decided,
        expires=expires,
        decided_by=decided_by,
        way=Way(way),
        reason=reason,
        revoked=revoked,
        revoked_by=revoked_by,
        id=number,
    )
