"""Backups of a real archive's folder, made while it is used, and put back."""

import asyncio
import json
import os
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from integration.test_upgrading import MIGRATIONS, as_first_version
from mailquery.backups import back_up, check_backup, restore
from mailquery.bootstrap import open_application
from mailquery.repositories.records import Visibility
from mailquery.repositories.sqlite.upkeep import restored_home
from mailquery.services.upkeep.backing_up import Made
from mailquery.services.upkeep.restoring import Restored
from mailquery.settings import Settings
from mcpkit.database import snapshots
from mcpkit.errors import ErrorCode, Fault
from support.archives import Mail
from support.homes import MAILS, SECRET, add, fill, record

EVERYTHING = Visibility()
FILES = {"archive.db", "control.db", "audit.head", "audit.key", "token.key"}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("template") / "home"
    asyncio.run(fill(home))
    return home


@pytest.fixture
def home(template: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(template, tmp_path / "home"))


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "backups"


async def backed_up(home: Path, target: Path, *, with_key: bool = False, keep: int | None = None) -> Made:
    return await back_up(Settings(home=home))(target, with_key=with_key, keep=keep)


async def restored(backup: Path, home: Path, *, replace: bool = False) -> Restored:
    return await restore(Settings(home=home))(backup, replace=replace)


async def ids(home: Path) -> list[str]:
    """What an archive holds, byte for byte the same as what was put in."""
    async with open_application(Settings(home=home)) as application:
        found = []
        for mail in MAILS:
            if await application.services.export_message(EVERYTHING, mail.id) == mail.as_bytes():
                found.append(mail.id)
        return found


def rewrite(backup: Path, change: Callable[[dict[str, object]], None]) -> None:
    path = backup / "manifest.json"
    read = json.loads(path.read_text())
    change(read)
    path.write_text(json.dumps(read))


async def refused(backup: Path, home: Path, *, replace: bool = False) -> Fault:
    with pytest.raises(Fault) as caught:
        await restored(backup, home, replace=replace)
    assert not (home / "restoring").exists()
    return caught.value


async def test_what_was_backed_up_comes_back(home: Path, target: Path, tmp_path: Path) -> None:
    made = await backed_up(home, target)
    assert {path.name for path in made.path.iterdir()} == FILES | {"manifest.json"}
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in made.path.iterdir())
    assert stat.S_IMODE(made.path.stat().st_mode) == 0o700
    new = tmp_path / "new" / "home"
    done = await restored(made.path, new)
    assert done.replaced is None
    assert await ids(new) == [mail.id for mail in MAILS]
    assert {path.name for path in new.iterdir()} >= FILES
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in new.iterdir())
    assert done.standing.audit == ""
    assert done.standing.opens is False  # the master key stayed at home
    with closing(sqlite3.connect(new / "archive.db")) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    async with open_application(Settings(home=new)) as application:
        with pytest.raises(Fault) as caught:
            await application.secrets.get(*SECRET[:2])
    assert caught.value.code is ErrorCode.CONFIGURATION


async def test_with_the_master_key_the_credentials_open(home: Path, target: Path, tmp_path: Path) -> None:
    made = await backed_up(home, target, with_key=True)
    assert made.manifest.has_key
    done = await restored(made.path, tmp_path / "new")
    assert done.standing.opens is True
    async with open_application(Settings(home=tmp_path / "new")) as application:
        assert await application.secrets.get(*SECRET[:2]) == SECRET[2]


async def test_it_is_of_one_moment_while_others_write(
    home: Path, target: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshots, "_STEP", 4)
    steps: list[int] = []

    def write(done: int, total: int) -> None:
        """Between two steps of the copy: a message, and a call on record."""
        if len(steps) < 20:
            asyncio.run(_write_one(home, len(steps)))
        steps.append(done)

    made = await back_up(Settings(home=home))(target, progress=write)
    assert len(steps) > 20
    async with open_application(Settings(home=home)) as application:
        assert (await application.services.archive_status(EVERYTHING)).version.messages == len(MAILS) + 20
    assert made.manifest.contents.messages == len(MAILS)
    done = await restored(made.path, tmp_path / "new")
    assert done.standing.audit == ""
    assert await ids(tmp_path / "new") == [mail.id for mail in MAILS]
    async with open_application(Settings(home=tmp_path / "new")) as application:
        assert (await application.services.archive_status(EVERYTHING)).version.messages == len(MAILS)


async def _write_one(home: Path, number: int) -> None:
    async with open_application(Settings(home=home)) as application:
        await add(application, [Mail(subject=f"Late {number}")])
        await application.audit.record(record(100 + number))


async def test_an_interrupted_one_leaves_nothing(home: Path, target: Path) -> None:
    loop = asyncio.get_running_loop()
    started = threading.Event()

    def told(done: int, total: int) -> None:
        if not started.is_set():
            started.set()
            cancelled = threading.Event()
            loop.call_soon_threadsafe(lambda: (task.cancel(), loop.call_soon(cancelled.set)))
            assert cancelled.wait(10)

    task = asyncio.ensure_future(back_up(Settings(home=home))(target, progress=told))
    with pytest.raises(asyncio.CancelledError):
        await task
    assert started.is_set()
    assert list(target.iterdir()) == []


async def test_what_a_kill_left_is_no_backup_and_goes_with_the_next_one(home: Path, target: Path) -> None:
    script = (
        "import asyncio, os, signal, sys; from pathlib import Path\n"
        "from mailquery.backups import back_up; from mailquery.settings import Settings\n"
        "def die(done, total):\n    if done * 3 > total * 2: os.kill(os.getpid(), signal.SIGKILL)\n"
        "asyncio.run(back_up(Settings(home=Path(sys.argv[1])))(Path(sys.argv[2]), progress=die))\n"
    )
    killed = subprocess.run([sys.executable, "-c", script, str(home), str(target)])
    assert killed.returncode == -signal.SIGKILL
    (left,) = target.iterdir()
    assert (left / "archive.db").exists()
    assert (await refused(left, home, replace=True)).code is ErrorCode.STORAGE_DAMAGED
    made = await backed_up(home, target)
    assert list(target.iterdir()) == [made.path]


async def test_backups_that_are_too_many_go_and_no_others(home: Path, target: Path, tmp_path: Path) -> None:
    another = Path(shutil.copytree(home, tmp_path / "another"))
    others = (await backed_up(another, target)).path
    (target / "holiday.jpg").touch()
    made = [(await backed_up(home, target)).path for _ in range(3)]
    last = await backed_up(home, target, keep=2)
    assert set(last.removed) == set(made[:2])
    assert set(target.iterdir()) == {others, target / "holiday.jpg", made[2], last.path}


async def test_an_archive_is_replaced_only_where_it_is_asked_for(home: Path, target: Path) -> None:
    made = await backed_up(home, target)
    fault = await refused(made.path, home)
    assert fault.code is ErrorCode.CONFLICT
    assert "--replace" in fault.message
    async with open_application(Settings(home=home)) as application:
        await add(application, [Mail(subject="Later")])
    done = await restored(made.path, home, replace=True)
    async with open_application(Settings(home=home)) as application:
        assert (await application.services.archive_status(EVERYTHING)).version.messages == len(MAILS)
        assert await application.secrets.get(*SECRET[:2]) == SECRET[2]  # the key that was there is still there
    assert done.replaced is not None
    async with open_application(Settings(home=done.replaced)) as application:
        assert (await application.services.archive_status(EVERYTHING)).version.messages == len(MAILS) + 1


async def test_an_archive_in_use_is_not_replaced(home: Path, target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(restored_home, "_PATIENCE", 0.05)
    made = await backed_up(home, target)
    async with open_application(Settings(home=home)) as application:
        for name in ("archive", "control"):
            database = application.archive if name == "archive" else application.control
            await database.read(lambda connection: connection.execute("SELECT 1 FROM sqlite_master").fetchone())
            fault = await refused(made.path, home, replace=True)
            assert fault.code is ErrorCode.CONFLICT
            assert "in use" in fault.message
        await add(application, [Mail(subject="Later")])
    with closing(sqlite3.connect(home / "archive.db")) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert not list(home.glob("replaced-*"))


async def test_an_import_keeps_a_restoration_out(home: Path, target: Path) -> None:
    made = await backed_up(home, target)
    async with open_application(Settings(home=home)) as application, application.imports.writing():
        assert (await refused(made.path, home, replace=True)).code is ErrorCode.CONFLICT


async def test_a_damaged_archive_can_be_replaced(home: Path, target: Path) -> None:
    made = await backed_up(home, target)
    (home / "archive.db").write_bytes(b"no database" * 1000)
    done = await restored(made.path, home, replace=True)
    assert await ids(home) == [mail.id for mail in MAILS]
    assert done.replaced is not None
    assert (done.replaced / "archive.db").read_bytes().startswith(b"no database")


async def test_no_backup_of_a_damaged_archive_is_kept(home: Path, target: Path) -> None:
    path = home / "archive.db"
    with closing(sqlite3.connect(path)) as connection:
        (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'messages'").fetchone()
    with path.open("r+b") as file:
        file.seek((page - 1) * 8192)
        file.write(b"\xff" * 64)
    with pytest.raises(Fault) as caught:
        await backed_up(home, target)
    assert caught.value.code is ErrorCode.STORAGE_DAMAGED
    assert "verify" in caught.value.message
    assert list(target.iterdir()) == []


async def test_a_full_disk_is_seen_before(home: Path, target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(home)
    made = await backed_up(home, target)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=1 << 20))
    with pytest.raises(Fault) as caught:
        await backed_up(home, target)
    assert caught.value.code is ErrorCode.STORAGE_FULL
    assert list(target.iterdir()) == [made.path]
    assert (await refused(made.path, home, replace=True)).code is ErrorCode.STORAGE_FULL
    assert await ids(home) == [mail.id for mail in MAILS]


async def test_a_backup_is_not_put_into_the_archives_folder(home: Path) -> None:
    with pytest.raises(Fault) as caught:
        await backed_up(home, home / "backups")
    assert caught.value.code is ErrorCode.VALIDATION_ERROR


async def test_there_must_be_an_archive(tmp_path: Path, target: Path) -> None:
    with pytest.raises(Fault) as caught:
        await backed_up(tmp_path / "none", target)
    assert caught.value.code is ErrorCode.NOT_FOUND
    assert not (tmp_path / "none").exists()


async def test_a_backup_of_an_earlier_version_is_brought_up_to_date(
    home: Path, target: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "older").mkdir()
    for path in home.glob("archive.db*"):
        path.unlink()
    shutil.copy(await as_first_version(tmp_path / "older", monkeypatch), home / "archive.db")
    made = await backed_up(home, target)
    assert made.manifest.contents.archive_schema == 1
    await restored(made.path, tmp_path / "new")
    with closing(sqlite3.connect(tmp_path / "new" / "archive.db")) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS),)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    async with open_application(Settings(home=tmp_path / "new")) as application:
        assert (await application.services.archive_status(EVERYTHING)).version.messages == 3


def _newer_format(manifest: dict[str, object]) -> None:
    manifest["format"] = 99


def _newer_schema(manifest: dict[str, object]) -> None:
    contents = manifest["contents"]
    assert isinstance(contents, dict)
    contents["archive_schema"] = 99


def _escaping(manifest: dict[str, object]) -> None:
    files = manifest["files"]
    assert isinstance(files, list)
    files.append({"name": "../../escaped", "bytes": 1, "sha256": "0" * 64})


def _another_size(manifest: dict[str, object]) -> None:
    files = manifest["files"]
    assert isinstance(files, list)
    files[0]["bytes"] += 1


def _another_hash(manifest: dict[str, object]) -> None:
    files = manifest["files"]
    assert isinstance(files, list)
    files[0]["sha256"] = "0" * 64


def _without_the_archive(manifest: dict[str, object]) -> None:
    manifest["files"] = []


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (_newer_format, ErrorCode.STORAGE_TOO_NEW),
        (_newer_schema, ErrorCode.STORAGE_TOO_NEW),
        (_escaping, ErrorCode.STORAGE_DAMAGED),
        (_another_size, ErrorCode.STORAGE_DAMAGED),
        (_another_hash, ErrorCode.STORAGE_DAMAGED),
        (_without_the_archive, ErrorCode.STORAGE_DAMAGED),
    ],
)
async def test_a_manifest_that_does_not_fit_is_refused(
    home: Path, target: Path, change: Callable[[dict[str, object]], None], code: ErrorCode
) -> None:
    backup = (await backed_up(home, target)).path
    rewrite(backup, change)
    assert (await refused(backup, home, replace=True)).code is code
    assert await ids(home) == [mail.id for mail in MAILS]
    with pytest.raises(Fault):
        await check_backup()(backup) if code is ErrorCode.STORAGE_DAMAGED else await restored(backup, home)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"format": 1}', "[" * 60_000, "x" * 100_000])
async def test_a_manifest_of_anything_is_refused(home: Path, target: Path, text: str) -> None:
    backup = (await backed_up(home, target)).path
    (backup / "manifest.json").write_text(text)
    assert (await refused(backup, home, replace=True)).code is ErrorCode.STORAGE_DAMAGED


@pytest.mark.parametrize("name", ["archive.db", "control.db", "token.key", "manifest.json"])
async def test_links_and_devices_in_a_backup_are_not_followed(
    home: Path, target: Path, tmp_path: Path, name: str
) -> None:
    backup = (await backed_up(home, target)).path
    path = backup / name
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    assert (await refused(backup, home, replace=True)).code is ErrorCode.STORAGE_DAMAGED
    path.unlink()
    os.mkfifo(path)
    assert (await refused(backup, home, replace=True)).code is ErrorCode.STORAGE_DAMAGED


async def _crafted(home: Path, target: Path, script: str) -> Path:
    """A backup whose database was changed by somebody who made the manifest fit."""
    with closing(sqlite3.connect(home / "archive.db")) as connection:
        connection.executescript(script)
    return (await backed_up(home, target)).path


@pytest.mark.parametrize(
    "script",
    [
        "CREATE TRIGGER t AFTER INSERT ON messages BEGIN DELETE FROM raws; END",
        "CREATE VIEW v AS SELECT 1",
        "CREATE TABLE t (x)",
        "DROP VIEW found_placements; CREATE VIEW found_placements AS SELECT 1, 2, 3",
        "DROP INDEX messages_by_size",
    ],
)
async def test_a_database_of_other_things_does_not_become_the_archive(
    home: Path, target: Path, tmp_path: Path, script: str
) -> None:
    backup = await _crafted(home, target, script)
    assert (await refused(backup, tmp_path / "new")).code is ErrorCode.STORAGE_DAMAGED
    assert not (tmp_path / "new" / "archive.db").exists()


async def test_what_fails_while_it_is_put_in_place_is_undone(
    home: Path, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await backed_up(home, target)
    rename = Path.rename

    def failing(self: Path, target: Path) -> Path:
        if self.name == "archive.db" and self.parent.name == "restoring":
            raise OSError(5, "Input/output error")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", failing)
    await refused(made.path, home, replace=True)
    monkeypatch.undo()
    assert await ids(home) == [mail.id for mail in MAILS]
    with closing(sqlite3.connect(home / "archive.db")) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


async def test_a_sound_backup_is_told_from_a_damaged_one(home: Path, target: Path) -> None:
    backup = (await backed_up(home, target)).path
    assert (await check_backup()(backup)).contents.messages == len(MAILS)
    with (backup / "archive.db").open("r+b") as file:
        file.seek(100_000)
        file.write(b"\x00\x01\x02")
    with pytest.raises(Fault) as caught:
        await check_backup()(backup)
    assert caught.value.code is ErrorCode.STORAGE_DAMAGED
