"""The repository of the operator's policy."""

import sqlite3
from dataclasses import replace

from mailquery.domain.policy import Policy
from mailquery.repositories.records import PolicyStanding
from mailquery.repositories.sqlite.archive import Archive
from mailquery.repositories.sqlite.policy_state import State
from mailquery.repositories.sqlite.withholding import adopt, judge_next, places

_COUNTS = """
    SELECT (SELECT count(*) FROM messages WHERE sequence > ? AND sequence <= ?), (SELECT count(*) FROM withheld),
           (SELECT value FROM facts WHERE name = 'messages')
"""


def _is_empty(connection: sqlite3.Connection) -> bool:
    return connection.execute("SELECT 1 FROM messages LIMIT 1").fetchone() is None


class SqlitePolicies:
    """`PolicyRepository`."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive

    @property
    def policy(self) -> Policy:
        return self._archive.judge.policy

    def replace(self, policy: Policy) -> None:
        self._archive.judge = replace(self._archive.judge, policy=policy)

    async def adopt(self) -> bool:
        policy = self.policy
        if (await self._archive.read_unshown(State.read)).fingerprint == policy.fingerprint:
            return False  # a start that changes nothing waits for no writer
        return await self._archive.write(lambda connection: adopt(connection, policy))

    async def adopt_if_empty(self) -> None:
        """Where there is nothing to judge, nothing has to be applied."""
        policy = self.policy

        def is_due(connection: sqlite3.Connection) -> bool:
            return State.read(connection).fingerprint != policy.fingerprint and _is_empty(connection)

        if await self._archive.read_unshown(is_due):
            await self._archive.write(lambda connection: _is_empty(connection) and adopt(connection, policy))

    async def judge_next(self, limit: int) -> int:
        judge = self._archive.judge
        state = await self._archive.read_unshown(State.read)
        if state.fingerprint != judge.policy.fingerprint or not state.unjudged:
            return 0
        return await self._archive.write(lambda connection: judge_next(connection, judge, limit))

    async def standing(self) -> PolicyStanding:
        policy = self.policy

        def read(connection: sqlite3.Connection) -> PolicyStanding:
            state = State.read(connection)
            waiting, withheld, messages = connection.execute(_COUNTS, (state.judged, state.until)).fetchone()
            unknown = policy.unknown_places(places(connection).values())
            return PolicyStanding(state.fingerprint == policy.fingerprint, waiting, withheld, messages, tuple(unknown))

        return await self._archive.read_unshown(read)
