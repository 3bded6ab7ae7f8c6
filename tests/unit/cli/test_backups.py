"""The commands `backup`, `restore`, `verify` and `import --mend`: what they print, and with what they end."""

import asyncio
import json
import os
import re
import shutil
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from mailquery.cli import main
from mailquery.services.upkeep.long_work import Told
from support.homes import MAILS, fill


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("template") / "home"
    asyncio.run(fill(home))
    return home


@pytest.fixture
def home(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = Path(shutil.copytree(template, tmp_path / "home"))
    monkeypatch.setenv("MAILQUERY_HOME", str(home))
    return home


class Ran:
    def __init__(self, capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> None:
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        self.code = ended.value.code or 0
        self.out, self.err = capsys.readouterr()

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def test_a_backup_is_made_verified_and_restored(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Ran(capsys, "backup", tmp_path / "backups")
    assert made.code == 0, made.err
    backup, told = made.out.splitlines()
    assert re.fullmatch(r"4 messages, [\d.]+ kB in [\d.]+ s\.", told)
    assert "master key" in made.err
    assert Ran(capsys, "verify", backup).out.startswith("Sound: 4 messages")
    refused = Ran(capsys, "restore", backup)
    assert (refused.code, "--replace" in refused.err) == (4, True)
    monkeypatch.setenv("MAILQUERY_HOME", str(tmp_path / "new"))
    restored = Ran(capsys, "restore", backup, "--json")
    assert restored.code == 0, restored.err
    assert restored.json["messages"] == len(MAILS)
    assert restored.json["credentials_open"] is False
    verified = Ran(capsys, "verify", "--json")
    damaged = {check["check"] for check in verified.json["checks"] if check["damaged"]}
    assert (verified.code, damaged) == (4, {"credentials"})
    shutil.copy(home / "master.key", tmp_path / "new" / "master.key")
    assert Ran(capsys, "verify").out.endswith(" s).\n")


def test_damage_ends_with_4_and_names_the_message_and_the_remedy(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with closing(sqlite3.connect(home / "archive.db", isolation_level=None)) as connection:
        connection.execute("DELETE FROM raws WHERE sequence = 2")
    found = Ran(capsys, "verify")
    assert found.code == 4
    assert MAILS[1].id in found.out
    assert "mailquery import --mend PATH" in found.out
    (tmp_path / "one.eml").write_bytes(MAILS[1].as_bytes())
    mended = Ran(capsys, "import", "--mend", tmp_path / "one.eml", "--no-embed", "--json")
    assert (mended.json["imported"], mended.json["mended"]) == (0, 1)
    assert Ran(capsys, "verify").code == 0


def test_options_that_do_not_go_together_are_refused(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert Ran(capsys, "verify", home, "--full").code == 2
    assert Ran(capsys, "verify", "--sample", "3", "--after", "1").code == 2
    assert Ran(capsys, "backup").code == 2
    assert Ran(capsys, "backup", home / "backups").code == 2
    assert Ran(capsys, "restore", home / "nothing", "--replace").code == 3


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    """As a terminal has it: where tests run in several processes, it is ignored in each."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("ctrl_c")
def test_ctrl_c_leaves_nothing_of_a_backup(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    told = Told.by

    def interrupted(self: Told, bytes: int) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        while not self._stop.is_set():  # the loop takes it up
            pass
        told(self, bytes)

    monkeypatch.setattr(Told, "by", interrupted)
    done = Ran(capsys, "backup", tmp_path / "backups")
    assert done.code == 130
    assert "No backup was made" in done.err
    assert list((tmp_path / "backups").iterdir()) == []
