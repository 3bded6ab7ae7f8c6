"""The API keys in the control database. What is here opens nothing: of the key itself there is only a hash."""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from mcpkit.database.sqlite import Database

_ADD = """
INSERT INTO api_keys (id, user, label, scopes, accounts, salt, hash, created, expires, revoked, used)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_FIND = """
SELECT id, user, label, scopes, accounts, salt, hash, created, expires, revoked, used FROM api_keys WHERE id = ?
"""
_LIST = """
SELECT id, user, label, scopes, accounts, salt, hash, created, expires, revoked, used FROM api_keys
WHERE ?1 IS NULL OR user = ?1 ORDER BY created, id
"""
_REVOKE = "UPDATE api_keys SET revoked = ? WHERE id = ? AND revoked IS NULL"
_USED = "UPDATE api_keys SET used = ?1 WHERE id = ?2 AND coalesce(used, 0) < ?1"


@dataclass(frozen=True, slots=True)
class ApiKey:
    """`id` is the visible beginning of the key; `accounts` None narrows nothing. Times are unix seconds, UTC."""

    id: str
    user: str
    label: str
    scopes: frozenset[str]
    accounts: frozenset[str] | None
    salt: bytes
    hash: bytes
    created: int
    expires: int | None = None
    revoked: int | None = None
    used: int | None = None


class KeyStore:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, key: ApiKey) -> None:
        accounts = None if key.accounts is None else json.dumps(sorted(key.accounts))
        row = (
            *(key.id, key.user, key.label, json.dumps(sorted(key.scopes)), accounts, key.salt, key.hash),
            *(key.created, key.expires, key.revoked, key.used),
        )
        await self._database.write(lambda connection: connection.execute(_ADD, row))

    async def find(self, id: str) -> ApiKey | None:
        def read(connection: sqlite3.Connection) -> ApiKey | None:
            row = connection.execute(_FIND, (id,)).fetchone()
            return None if row is None else _key(row)

        return await self._database.read(read)

    async def list(self, user: str | None = None) -> Sequence[ApiKey]:
        """Those of `user`, or all; the oldest first."""

        def read(connection: sqlite3.Connection) -> tuple[ApiKey, ...]:
            return tuple(map(_key, connection.execute(_LIST, (user,))))

        return await self._database.read(read)

    async def revoke(self, id: str, now: int) -> bool:
        """Whether there was such a key that was not revoked yet."""
        return await self._database.write(lambda connection: connection.execute(_REVOKE, (now, id)).rowcount > 0)

    async def used(self, id: str, now: int) -> None:
        await self._database.write(lambda connection: connection.execute(_USED, (now, id)))


def _key(row: Sequence[object]) -> ApiKey:
    id, user, label, scopes, accounts, salt, hash, *times = row
    assert isinstance(id, str)
    assert isinstance(user, str)
    assert isinstance(label, str)
    assert isinstance(scopes, str)
    assert isinstance(accounts, str | None)
    assert isinstance(salt, bytes)
    assert isinstance(hash, bytes)
    narrowed = None if accounts is None else frozenset(json.loads(accounts))
    created, expires, revoked, used = (time if isinstance(time, int) else None for time in times)
    assert created is not None
    return ApiKey(id, user, label, frozenset(json.loads(scopes)), narrowed, salt, hash, created, expires, revoked, used)
