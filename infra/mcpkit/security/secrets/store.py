"""Credentials and tokens at rest in the control database, sealed by a master key that is kept elsewhere."""

import asyncio
import sqlite3
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from mcpkit.database.sqlite import Database
from mcpkit.errors import ErrorCode, Fault
from mcpkit.security.secrets.encryption import MasterKey, MasterKeys, Sealed, seal, unseal
from mcpkit.security.secrets.master_key import KeyKeeper


@dataclass(frozen=True, slots=True)
class Rotated:
    """`resealed` secrets are under the key `current` now."""

    current: str
    resealed: int


class SecretStore:
    """`purpose` is what a secret is for (such as `imap password`), `name` whose it is; one sealed for one purpose and
    name does not open for another, wherever its row is copied to. Neither is secret itself.

    Everything raises Fault CONFIGURATION where the master key cannot be used.
    """

    def __init__(self, control: Database, keeper: KeyKeeper) -> None:
        self._control = control
        self._keeper = keeper
        self._keys: MasterKeys | None = None

    async def put(self, purpose: str, name: str, secret: str) -> None:
        """Stores a secret in place of the one that was there."""
        keys = await self._current_keys(create=True)
        assert keys is not None

        def store(keys: MasterKeys, connection: sqlite3.Connection) -> bool:
            # The master key's id is looked at in the transaction: a rotation by another process may have ended since.
            current = sealing_key(connection)
            if current is None:
                current = keys.current.id
                _set_current(connection, current)
            key = keys.by_id(current)
            if key is not None:
                _store(connection, purpose, name, seal(key, purpose, name, secret.encode()))
            return key is not None

        if await self._control.write(partial(store, keys)):
            return
        keys = self._keys = await self._load()
        if keys is None or not await self._control.write(partial(store, keys)):
            raise _key_is_another(self._keeper)

    async def get(self, purpose: str, name: str) -> str | None:
        """Raises Fault STORAGE_DAMAGED where the row was changed or copied from another's."""
        sealed = await self._control.read(lambda connection: _sealed(connection, purpose, name))
        if sealed is None:
            return None
        keys = await self._current_keys(create=False)
        if keys is None or keys.by_id(sealed.key) is None:  # rotated by another process
            keys = self._keys = await self._load()
        if keys is None:
            raise _key_is_another(self._keeper)
        return unseal(keys, purpose, name, sealed).decode()

    async def delete(self, purpose: str, name: str) -> bool:
        """Whether there was one."""
        return await self._control.write(
            lambda connection: (
                connection.execute("DELETE FROM secrets WHERE purpose = ? AND name = ?", (purpose, name)).rowcount > 0
            )
        )

    async def names(self, purpose: str) -> Sequence[str]:
        return await self._control.read(
            lambda connection: [
                name
                for (name,) in connection.execute(
                    "SELECT name FROM secrets WHERE purpose = ? ORDER BY name", (purpose,)
                )
            ]
        )

    async def all_names(self) -> Sequence[tuple[str, str]]:
        """Of each secret its purpose and its name."""
        return await self._control.read(
            lambda connection: connection.execute("SELECT purpose, name FROM secrets ORDER BY purpose, name").fetchall()
        )

    async def rotate(self) -> Rotated:
        """Seals every secret with a new master key, or ends a rotation that was broken off.

        The old key is kept beside the new one until no secret needs it: the new one is stored first, then all secrets
        are sealed anew in one transaction, then the old one goes. Whenever the process dies, every secret can be read,
        and the next rotation goes on where this one was. Raises Fault CONFLICT where another is under way.
        """
        async with self._control.exclusive():
            return await self._rotate()

    async def _rotate(self) -> Rotated:
        keys = await self._load()
        if keys is None:
            if await self._control.read(sealing_key) is not None:
                raise _key_is_another(self._keeper)
            keys = MasterKeys(MasterKey.new())
            await asyncio.to_thread(self._keeper.store, keys)
        elif not keys.older:
            if not self._keeper.can_store:
                raise Fault(
                    ErrorCode.CONFIGURATION,
                    f"The master key is in {self._keeper.place}, which only you can change. Put a new key there (such "
                    "as `openssl rand -base64 32` gives) and the present one beside it as the previous one, then run "
                    "this again.",
                )
            keys = MasterKeys(MasterKey.new(), (keys.current,))
            await asyncio.to_thread(self._keeper.store, keys)
        resealing = keys
        resealed = await self._control.write(lambda connection: _reseal(connection, resealing))
        if self._keeper.can_store:
            keys = MasterKeys(keys.current)
            await asyncio.to_thread(self._keeper.store, keys)
        self._keys = keys
        return Rotated(keys.current.id, resealed)

    async def _current_keys(self, *, create: bool) -> MasterKeys | None:
        if self._keys is None:
            self._keys = await self._load()
        if self._keys is None and create:
            if await self._control.read(sealing_key) is not None:
                raise _key_is_another(self._keeper)
            async with self._control.exclusive():
                self._keys = await self._load()  # another process may have been first
                if self._keys is None:
                    self._keys = MasterKeys(MasterKey.new())
                    await asyncio.to_thread(self._keeper.store, self._keys)
        return self._keys

    async def _load(self) -> MasterKeys | None:
        return await asyncio.to_thread(self._keeper.load)


def _reseal(connection: sqlite3.Connection, keys: MasterKeys) -> int:
    """All secrets that another key has sealed. None can be lost: one that does not open undoes the whole."""
    _set_current(connection, keys.current.id)
    rows = connection.execute(
        "SELECT purpose, name, key, nonce, sealed FROM secrets WHERE key <> ?", (keys.current.id,)
    ).fetchall()
    for purpose, name, key, nonce, sealed in rows:
        secret = unseal(keys, purpose, name, Sealed(key, nonce, sealed))
        _store(connection, purpose, name, seal(keys.current, purpose, name, secret))
    return len(rows)


def _store(connection: sqlite3.Connection, purpose: str, name: str, sealed: Sealed) -> None:
    connection.execute(
        "INSERT OR REPLACE INTO secrets (purpose, name, key, nonce, sealed, stored) VALUES (?, ?, ?, ?, ?, ?)",
        (purpose, name, sealed.key, sealed.nonce, sealed.sealed, int(time.time())),
    )


def _sealed(connection: sqlite3.Connection, purpose: str, name: str) -> Sealed | None:
    row = connection.execute(
        "SELECT key, nonce, sealed FROM secrets WHERE purpose = ? AND name = ?", (purpose, name)
    ).fetchone()
    return None if row is None else Sealed(*row)


def sealing_key(connection: sqlite3.Connection) -> str | None:
    """The id of the master key that secrets are sealed with; None while there never was one."""
    row = connection.execute("SELECT id FROM master_key").fetchone()
    return None if row is None else str(row[0])


def _set_current(connection: sqlite3.Connection, id: str) -> None:
    connection.execute("INSERT OR REPLACE INTO master_key (one, id) VALUES (1, ?)", (id,))


def _key_is_another(keeper: KeyKeeper) -> Fault:
    return Fault(
        ErrorCode.CONFIGURATION,
        f"The stored secrets were sealed with another master key than the one in {keeper.place}. Put that one "
        "back, or remove the secrets and store them anew.",
        place=keeper.file,
    )
