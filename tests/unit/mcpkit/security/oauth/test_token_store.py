"""Tokens at rest, and that one at a time renews them."""

import asyncio
import sqlite3
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from mcpkit.errors import ErrorCode, Fault
from mcpkit.security.control import open_control
from mcpkit.security.oauth.token_store import PURPOSE, TokenStore
from mcpkit.security.oauth.tokens import Tokens
from mcpkit.security.secrets.master_key import FileKeeper
from mcpkit.security.secrets.store import SecretStore

TOKENS = Tokens("access-swordfish", "refresh-swordfish", 1000.0, 4600.0)


@pytest.fixture
async def secrets(tmp_path: Path) -> AsyncIterator[SecretStore]:
    async with await open_control(tmp_path / "control.db") as control:
        yield SecretStore(control, FileKeeper(tmp_path / "master.key"))


@pytest.fixture
def store(secrets: SecretStore, tmp_path: Path) -> TokenStore:
    return TokenStore(secrets, tmp_path)


async def test_tokens_are_kept_sealed_and_by_name(store: TokenStore, tmp_path: Path) -> None:
    await store.replace("work", TOKENS)
    assert await store.get("work") == TOKENS
    assert await store.get("home") is None
    with closing(sqlite3.connect(tmp_path / "control.db")) as control:
        (row,) = control.execute("SELECT purpose, name, sealed FROM secrets").fetchall()
    assert row[:2] == (PURPOSE, "work")
    for file in tmp_path.iterdir():
        assert b"swordfish" not in file.read_bytes()
    assert [await store.delete("work"), await store.delete("work")] == [True, False]
    assert await store.get("work") is None


async def test_what_is_no_tokens_is_told_as_damaged(store: TokenStore, secrets: SecretStore) -> None:
    for text in ("", "[]", '{"access_token": "a"}', '{"x": 1}'):
        await secrets.put(PURPOSE, "work", text)
        with pytest.raises(Fault, match="Sign in again") as caught:
            await store.get("work")
        assert caught.value.code is ErrorCode.STORAGE_DAMAGED


async def test_one_task_at_a_time_for_a_name_and_others_meanwhile(store: TokenStore) -> None:
    inside: list[str] = []

    async def enter(name: str) -> None:
        async with store.exclusive(name):
            assert name not in inside
            inside.append(name)
            await asyncio.sleep(0)
            inside.remove(name)

    async with store.exclusive("home"):
        await asyncio.gather(*(enter("work") for _ in range(20)))


async def test_another_process_waits_and_takes_its_turn(store: TokenStore, tmp_path: Path) -> None:
    program = textwrap.dedent(
        """
        import asyncio, pathlib, sys
        from mcpkit.security.oauth.token_store import TokenStore
        async def main():
            print("waits", flush=True)
            async with TokenStore(None, pathlib.Path(sys.argv[1])).exclusive("work"):
                print("inside", flush=True)
                sys.stdin.readline()
        asyncio.run(main())
        """
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        async with store.exclusive("work"):
            assert await asyncio.to_thread(other.stdout.readline) == "waits\n"
            reading = asyncio.create_task(asyncio.to_thread(other.stdout.readline))
            done, _ = await asyncio.wait([reading], timeout=0.3)
            assert not done
        assert await reading == "inside\n"
        impatient = TokenStore(None, tmp_path, wait=0.1)  # type: ignore[arg-type] # it only locks
        with pytest.raises(Fault, match="Another process") as caught:
            async with impatient.exclusive("work"):
                pass
        assert caught.value.code is ErrorCode.CONFLICT
        other.kill()  # the system releases what a killed process held
    async with store.exclusive("work"):
        pass


async def test_a_folder_that_cannot_be_written_is_said_in_words(secrets: SecretStore, tmp_path: Path) -> None:
    with pytest.raises(Fault) as caught:
        async with TokenStore(secrets, tmp_path / "missing").exclusive("work"):
            pass
    assert caught.value.code is ErrorCode.SERVICE_UNAVAILABLE
