import asyncio
import base64
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, suppress
from pathlib import Path

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.errors import PasswordSetError

from mcpkit.database.sqlite import Database
from mcpkit.errors import ErrorCode, Fault
from mcpkit.security.control import open_control
from mcpkit.security.secrets.encryption import MasterKey, MasterKeys, Sealed, seal, unseal
from mcpkit.security.secrets.master_key import EnvironmentKeeper, FileKeeper, KeyKeeper, KeyringKeeper
from mcpkit.security.secrets.store import SecretStore

SECRET = "correct horse battery staple 비밀"
KEY = MasterKey(b"k" * 32)


@pytest.fixture
async def control(tmp_path: Path) -> AsyncIterator[Database]:
    async with await open_control(tmp_path / "control.db") as database:
        yield database


def keeper(tmp_path: Path) -> FileKeeper:
    return FileKeeper(tmp_path / "master.key")


class FolderKeyring(KeyringBackend):
    """A backend of the keyring package that keeps what it is given in a folder."""

    priority = 1.0

    def __init__(self, folder: Path) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.folder = folder
        self.locked = False

    def _file(self, service: str, username: str) -> Path:
        return self.folder / f"{service}-{username}".replace("/", "_")

    def get_password(self, service: str, username: str) -> str | None:
        file = self._file(service, username)
        return file.read_text() if file.exists() else None

    def set_password(self, service: str, username: str, password: str) -> None:
        if self.locked:
            raise PasswordSetError("locked")
        self._file(service, username).write_text(password)


@pytest.fixture
def system_keyring(tmp_path: Path) -> Iterator[FolderKeyring]:
    before = keyring.get_keyring()
    folder = tmp_path / "keyring"
    folder.mkdir()
    backend = FolderKeyring(folder)
    keyring.set_keyring(backend)
    yield backend
    keyring.set_keyring(before)


async def test_a_secret_comes_back_and_is_in_no_file(control: Database, tmp_path: Path) -> None:
    store = SecretStore(control, keeper(tmp_path))
    assert await store.get("imap password", "ana") is None
    await store.put("imap password", "ana", SECRET)
    assert await store.get("imap password", "ana") == SECRET
    assert await SecretStore(control, keeper(tmp_path)).get("imap password", "ana") == SECRET
    assert await store.names("imap password") == ["ana"]
    for file in tmp_path.iterdir():
        assert SECRET.encode() not in file.read_bytes(), file
    assert stat.S_IMODE((tmp_path / "master.key").stat().st_mode) == 0o600
    assert await store.delete("imap password", "ana")
    assert await store.get("imap password", "ana") is None
    assert not await store.delete("imap password", "ana")


@pytest.mark.parametrize(
    "change",
    [
        "purpose = 'oauth token'",
        "name = 'bo'",
        "sealed = zeroblob(length(sealed))",
        "nonce = zeroblob(12)",
        "nonce = x''",
        "sealed = x''",
    ],
)
async def test_a_secret_moved_or_changed_in_the_file_does_not_open(
    control: Database, tmp_path: Path, change: str
) -> None:
    store = SecretStore(control, keeper(tmp_path))
    await store.put("imap password", "ana", SECRET)
    await control.write(lambda c: c.execute(f"UPDATE secrets SET {change}").rowcount)
    ((purpose, name),) = await control.read(lambda c: c.execute("SELECT purpose, name FROM secrets").fetchall())
    with pytest.raises(Fault) as caught:
        await store.get(purpose, name)
    assert caught.value.code is ErrorCode.STORAGE_DAMAGED
    assert SECRET not in caught.value.message


def test_parts_of_what_is_bound_cannot_be_shifted_into_each_other() -> None:
    sealed = seal(KEY, "ab", "c", b"x")
    with pytest.raises(Fault):
        unseal(MasterKeys(KEY), "a", "bc", sealed)
    assert unseal(MasterKeys(KEY), "ab", "c", sealed) == b"x"
    assert seal(KEY, "ab", "c", b"x") != sealed  # another nonce each time


def test_a_key_shows_itself_nowhere() -> None:
    assert "kkkk" not in repr(KEY) + repr(MasterKeys(KEY, (KEY,)))
    assert len(KEY.id) == 16
    assert KEY.id != MasterKey(b"l" * 32).id


@pytest.mark.parametrize("text", [KEY.as_text(), KEY.key.hex(), f" {KEY.as_text()}\n"])
def test_a_key_is_written_as_base64_or_hex(text: str) -> None:
    assert MasterKey.from_text(text) == KEY


@pytest.mark.parametrize("text", ["", "swordfish", "k" * 64, base64.b64encode(b"k" * 31).decode()])
def test_what_is_no_key_is_refused_without_showing_it(tmp_path: Path, text: str) -> None:
    with pytest.raises(Fault, match="no master key") as caught:
        EnvironmentKeeper(text, None, "MAILQUERY_MASTER_KEY").load()
    assert not text or text not in caught.value.message
    (tmp_path / "master.key").write_text(text)
    (tmp_path / "master.key").chmod(0o600)
    with pytest.raises(Fault, match="no master key"):
        keeper(tmp_path).load()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_key_file_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    keeper(tmp_path).store(MasterKeys(KEY))
    (tmp_path / "master.key").chmod(mode)
    with pytest.raises(Fault, match="chmod 600") as caught:
        keeper(tmp_path).load()
    assert caught.value.code is ErrorCode.CONFIGURATION
    assert str(tmp_path) not in caught.value.message
    assert f"chmod 600 '{tmp_path / 'master.key'}'" in caught.value.told_here


async def test_a_lost_key_is_told_and_not_replaced_by_another(control: Database, tmp_path: Path) -> None:
    await SecretStore(control, keeper(tmp_path)).put("imap password", "ana", SECRET)
    (tmp_path / "master.key").unlink()
    store = SecretStore(control, keeper(tmp_path))
    for attempt in (store.put("imap password", "bo", "x"), store.get("imap password", "ana"), store.rotate()):
        with pytest.raises(Fault) as caught:
            await attempt
        assert caught.value.code is ErrorCode.CONFIGURATION
    assert not (tmp_path / "master.key").exists()


async def test_processes_that_store_the_first_secret_at_once_agree_on_the_key(tmp_path: Path) -> None:
    async def one(name: str) -> None:
        async with await open_control(tmp_path / "control.db") as database:
            stored = False
            while not stored:
                with suppress(Fault):  # CONFLICT, while another makes the key
                    await SecretStore(database, keeper(tmp_path)).put("p", name, SECRET)
                    stored = True
                await asyncio.sleep(0.01)

    await asyncio.gather(*(one(str(number)) for number in range(4)))
    async with await open_control(tmp_path / "control.db") as database:
        store = SecretStore(database, keeper(tmp_path))
        assert [await store.get("p", str(number)) for number in range(4)] == [SECRET] * 4


async def test_rotation_seals_everything_anew_and_forgets_the_old_key(control: Database, tmp_path: Path) -> None:
    store = SecretStore(control, keeper(tmp_path))
    for name in ("ana", "bo"):
        await store.put("p", name, SECRET + name)
    old = keeper(tmp_path).load()
    assert old is not None
    before = await control.read(lambda c: c.execute("SELECT name, nonce, sealed FROM secrets").fetchall())
    other = SecretStore(control, keeper(tmp_path))
    assert await other.get("p", "ana") == SECRET + "ana"  # it has the old key in memory now
    rotated = await store.rotate()
    new = keeper(tmp_path).load()
    assert new is not None
    assert (rotated.resealed, rotated.current, new.older) == (2, new.current.id, ())
    assert new.current != old.current
    assert [await store.get("p", name) for name in ("ana", "bo")] == [SECRET + "ana", SECRET + "bo"]
    assert await other.get("p", "bo") == SECRET + "bo"
    await SecretStore(control, keeper(tmp_path)).put("p", "cy", "x")
    keys = await control.read(lambda c: c.execute("SELECT DISTINCT key FROM secrets").fetchall())
    assert keys == [(new.current.id,)]
    assert not {row[2] for row in before} & {
        row[0] for row in await control.read(lambda c: c.execute("SELECT sealed FROM secrets").fetchall())
    }
    with pytest.raises(Fault):
        unseal(old, "p", "ana", Sealed(new.current.id, b"n" * 12, b"s" * 32))


async def test_a_server_that_knows_the_old_key_stores_with_the_new_one(control: Database, tmp_path: Path) -> None:
    server = SecretStore(control, keeper(tmp_path))
    await server.put("p", "ana", "1")
    rotated = await SecretStore(control, keeper(tmp_path)).rotate()
    await server.put("p", "ana", "2")
    assert await control.read(lambda c: c.execute("SELECT key FROM secrets").fetchall()) == [(rotated.current,)]


async def test_a_secret_that_does_not_open_undoes_the_rotation(control: Database, tmp_path: Path) -> None:
    store = SecretStore(control, keeper(tmp_path))
    await store.put("p", "ana", SECRET)
    await store.put("p", "bo", SECRET)
    await control.write(lambda c: c.execute("UPDATE secrets SET sealed = x'00' WHERE name = 'bo'").rowcount)
    with pytest.raises(Fault):
        await store.rotate()
    assert await SecretStore(control, keeper(tmp_path)).get("p", "ana") == SECRET
    kept = keeper(tmp_path).load()
    assert kept is not None
    assert len(kept.older) == 1  # the old key is there until it is needed no more
    await store.delete("p", "bo")
    assert (await store.rotate()).resealed == 1
    assert await store.get("p", "ana") == SECRET


KILLED = textwrap.dedent(
    """
    import asyncio, os, signal, sys
    from pathlib import Path
    from mcpkit.security.secrets import store as secrets
    from mcpkit.security.control import open_control
    from mcpkit.security.secrets.master_key import FileKeeper

    folder, moment = Path(sys.argv[1]), sys.argv[2]

    def die():
        os.kill(os.getpid(), signal.SIGKILL)

    class Dying(FileKeeper):
        stored = 0
        def store(self, keys):
            if moment == f"before store {self.stored}":
                die()
            super().store(keys)
            if moment == f"after store {self.stored}":
                die()
            self.stored += 1

    async def main():
        async with await open_control(folder / "control.db") as control:
            if moment == "within the transaction":
                store, done = secrets._store, []
                def one_only(*arguments):
                    store(*arguments)
                    done.append(1)
                    if len(done) == 2:
                        die()
                secrets._store = one_only
            await secrets.SecretStore(control, Dying(folder / "master.key")).rotate()

    asyncio.run(main())
    """
)


@pytest.mark.parametrize(
    "moment", ["before store 0", "after store 0", "within the transaction", "before store 1", "after store 1"]
)
async def test_killed_at_any_moment_of_a_rotation_every_secret_opens_and_the_next_one_ends_it(
    tmp_path: Path, moment: str
) -> None:
    async with await open_control(tmp_path / "control.db") as control:
        store = SecretStore(control, keeper(tmp_path))
        for number in range(5):
            await store.put("p", str(number), f"{SECRET}{number}")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path), moment], env=environment, timeout=60)
    assert done.returncode == -signal.SIGKILL
    async with await open_control(tmp_path / "control.db") as control:
        store = SecretStore(control, keeper(tmp_path))

        async def readable() -> bool:
            return [await store.get("p", str(n)) for n in range(5)] == [f"{SECRET}{n}" for n in range(5)]

        assert await readable()
        await store.put("p", "0", f"{SECRET}0")
        rotated = await store.rotate()
        kept = keeper(tmp_path).load()
        assert kept is not None
        assert (kept.current.id, kept.older) == (rotated.current, ())
        assert await readable()
        assert await control.read(lambda c: c.execute("SELECT DISTINCT key FROM secrets").fetchall()) == [
            (rotated.current,)
        ]


async def test_the_environment_gives_both_keys_of_a_rotation(control: Database) -> None:
    old, new = MasterKey.new().as_text(), MasterKey.new().as_text()

    def given(current: str, previous: str | None = None) -> SecretStore:
        return SecretStore(control, EnvironmentKeeper(current, previous, "MAILQUERY_MASTER_KEY"))

    await given(old).put("p", "ana", SECRET)
    with pytest.raises(Fault, match="openssl rand") as caught:
        await given(old).rotate()
    assert old not in caught.value.message
    with pytest.raises(Fault):
        await given(new).get("p", "ana")
    assert (await given(new, old).rotate()).resealed == 1
    assert await given(new).get("p", "ana") == SECRET


async def test_the_keyring_of_the_system_keeps_the_key(
    control: Database, tmp_path: Path, system_keyring: FolderKeyring
) -> None:
    kept: KeyKeeper = KeyringKeeper("mailquery master key", str(tmp_path))
    store = SecretStore(control, kept)
    await store.put("p", "ana", SECRET)
    await store.rotate()
    assert await SecretStore(control, kept).get("p", "ana") == SECRET
    assert len(list(system_keyring.folder.iterdir())) == 1
    system_keyring.locked = True
    with pytest.raises(Fault, match="Unlock it") as caught:
        await store.rotate()
    assert caught.value.code is ErrorCode.CONFIGURATION
    assert await SecretStore(control, kept).get("p", "ana") == SECRET


def test_an_old_copy_of_the_file_shows_no_secret(tmp_path: Path) -> None:
    async def fill() -> None:
        async with await open_control(tmp_path / "control.db") as control:
            await SecretStore(control, keeper(tmp_path)).put("p", "ana", SECRET)

    asyncio.run(fill())
    with closing(sqlite3.connect(tmp_path / "control.db")) as connection:
        dump = "\n".join(connection.iterdump())
    assert SECRET not in dump
