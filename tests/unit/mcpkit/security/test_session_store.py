"""What is kept of sessions, so that another process can go on with them."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from mcpkit.database.sqlite import Database
from mcpkit.security.control import open_control
from mcpkit.security.session_store import KeptSession, SessionStore

HELLO = b'{"method":"initialize"}'


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def control(tmp_path: Path) -> AsyncIterator[Database]:
    async with await open_control(tmp_path / "control.db") as database:
        yield database


async def test_a_session_is_there_for_its_owner_until_it_ends(control: Database) -> None:
    store = SessionStore(control, 60)
    await store.add("1.abc", "ana", HELLO)
    assert await store.get("1.abc", "ana") == KeptSession(HELLO, ())
    assert await store.get("1.abc", "bo") is None
    assert await store.get("0.abc", "ana") is None
    await store.remove("1.abc")
    assert await store.get("1.abc", "ana") is None


async def test_a_session_that_is_not_used_is_forgotten(control: Database) -> None:
    clock = Clock()
    store = SessionStore(control, 60, clock)
    await store.add("used", "ana", HELLO)
    await store.add("unused", "ana", HELLO)
    clock.now += 50
    await store.touch("used")
    clock.now += 20
    assert await store.get("used", "ana") is not None
    assert await store.get("unused", "ana") is None
    await store.add("new", "ana", HELLO)
    rows = await control.read(lambda connection: connection.execute("SELECT session FROM http_sessions").fetchall())
    assert sorted(name for (name,) in rows) == ["new", "used"]


async def test_what_a_session_watches_is_kept_once_and_within_bounds(control: Database) -> None:
    store = SessionStore(control, 60)
    await store.add("1.abc", "ana", HELLO)
    for uri in ("mail://a", "mail://b", "mail://a"):
        await store.watch("1.abc", uri, watched=True)
    await store.watch("1.abc", "mail://b", watched=False)
    await store.watch("1.other", "mail://a", watched=True)
    kept = await store.get("1.abc", "ana")
    assert kept is not None
    assert kept.watched == ("mail://a",)
    for number in range(100):
        await store.watch("1.abc", f"mail://{number}", watched=True)
    kept = await store.get("1.abc", "ana")
    assert kept is not None
    assert len(kept.watched) == 64
