"""API keys in a real database: what is kept of them, and when they open."""

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from mcpkit.database.sqlite import Database
from mcpkit.errors import ErrorCode, Fault
from mcpkit.security.authentication.api_keys import ApiKeys
from mcpkit.security.authentication.interfaces import Authenticated, Rejected
from mcpkit.security.authentication.key_store import KeyStore
from mcpkit.security.control import open_control
from unit.mcpkit.security.authentication.conftest import Clock


@pytest.fixture
async def control(tmp_path: Path) -> AsyncIterator[Database]:
    async with await open_control(tmp_path / "control.db") as opened:
        yield opened


@pytest.fixture
def store(control: Database) -> KeyStore:
    return KeyStore(control)


@pytest.fixture
def keys(store: KeyStore, clock: Clock) -> ApiKeys:
    return ApiKeys(store, "tk", clock)


async def test_a_key_stands_for_its_user_with_its_scopes_and_accounts(keys: ApiKeys, clock: Clock) -> None:
    key, kept = await keys.create("ana", ["mail:read"], accounts=["work"], expires=int(clock.now) + 10)
    found = await keys.authenticate(key)
    accounts = frozenset({"work"})
    assert found == Authenticated("ana", frozenset({"mail:read"}), kept.id, "api-key", accounts, clock.now + 10)
    assert keys.takes(key)
    assert key.startswith(f"{kept.id}_")
    assert kept.id.startswith("tk_")


async def test_a_key_is_shown_once_and_kept_as_a_salted_hash(keys: ApiKeys, control: Database, tmp_path: Path) -> None:
    first, one = await keys.create("ana", ["mail:read"])
    second, two = await keys.create("ana", ["mail:read"])
    assert first != second
    assert one.salt != two.salt
    secret = first.removeprefix(f"{one.id}_")
    assert len(secret) >= 43  # 256 bits
    await control.close()
    for file in tmp_path.iterdir():
        assert secret.encode() not in file.read_bytes()


@pytest.mark.parametrize("change", ["revoke", "expire", "forge", "cut", "other", "unknown", "no secret", "not ascii"])
async def test_when_a_key_opens_nothing(keys: ApiKeys, store: KeyStore, clock: Clock, change: str) -> None:
    key, kept = await keys.create("ana", ["mail:read"], expires=int(clock.now) + 10)
    other, _ = await keys.create("ben", ["mail:read"])
    reason = "unknown"
    match change:
        case "revoke":
            assert await store.revoke(kept.id, int(clock.now))
            reason = "revoked"
        case "expire":
            clock.now += 10
            reason = "expired"
        case "forge":
            key = key[:-1] + ("A" if key[-1] != "A" else "B")
        case "cut":
            key = key[:-1]
        case "other":
            key = f"{kept.id}_{other.split('_', 2)[2]}"
        case "unknown":
            key = "tk_nobody_" + "x" * 43
        case "no secret":
            key = kept.id
        case "not ascii":
            key = f"{kept.id}_é"
    with pytest.raises(Rejected, match=reason):
        await keys.authenticate(key)


async def test_only_who_has_the_key_learns_that_it_was_revoked(keys: ApiKeys, store: KeyStore) -> None:
    _, kept = await keys.create("ana", ["mail:read"])
    await store.revoke(kept.id, 1)
    with pytest.raises(Rejected, match="unknown"):
        await keys.authenticate(f"{kept.id}_guess")


async def test_revoking_says_whether_there_was_anything_to_revoke(keys: ApiKeys, store: KeyStore) -> None:
    _, kept = await keys.create("ana", ["mail:read"])
    assert await store.revoke(kept.id, 5)
    assert not await store.revoke(kept.id, 6)
    assert not await store.revoke("tk_nothing", 6)
    found = await store.find(kept.id)
    assert found is not None
    assert found.revoked == 5


async def test_the_last_use_is_kept_without_a_write_for_each_call(
    keys: ApiKeys, store: KeyStore, control: Database, clock: Clock
) -> None:
    key, kept = await keys.create("ana", ["mail:read"])

    async def changes() -> int:
        def read(connection: sqlite3.Connection) -> int:
            return connection.total_changes

        return await control.maintain(read)

    before, began = await changes(), clock.now
    for _ in range(100):
        await keys.authenticate(key)
        clock.now += 0.5
    assert await changes() == before + 1
    clock.now += 60
    await keys.authenticate(key)
    assert await changes() == before + 2
    found = await store.find(kept.id)
    assert found is not None
    assert found.used == int(began + 50 + 60)


async def test_a_key_opens_though_its_use_cannot_be_recorded(
    keys: ApiKeys, store: KeyStore, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    key, kept = await keys.create("ana", ["mail:read"])

    async def full(id: str, now: int) -> None:
        raise Fault(ErrorCode.STORAGE_FULL, "The disk is full.")

    monkeypatch.setattr(store, "used", full)  # a disk cannot be filled here
    assert (await keys.authenticate(key)).user == "ana"
    assert kept.id in caplog.text
    assert key not in caplog.text


async def test_keys_are_listed_the_oldest_first_of_one_user_or_of_all(
    keys: ApiKeys, store: KeyStore, clock: Clock
) -> None:
    made = []
    for user in ("ana", "ben", "ana"):
        made.append((await keys.create(user, ["mail:read"], label=user))[1].id)
        clock.now += 1
    assert [key.id for key in await store.list()] == made
    assert [key.id for key in await store.list("ana")] == [made[0], made[2]]
    assert await store.list("nobody") == ()
