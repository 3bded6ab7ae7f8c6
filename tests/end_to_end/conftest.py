"""The product as a user starts it: real processes, an archive home of their own, mail written for the test."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from support import planted

# For tests that are not about consent.
CONSENTED = {
    "MAILQUERY_CONSENT__HTTP": "granted",
    "MAILQUERY_CONSENT__TAINT_HTTP": "false",
    "MAILQUERY_CONSENT__GRANTED_BY": "the test",
    "MAILQUERY_CONSENT__REASON": "it is about something else",
}


@dataclass(frozen=True)
class Ended:
    code: int
    out: bytes
    err: str

    @property
    def text(self) -> str:
        return self.out.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class CommandLine:
    """`mailquery` with an empty home folder and an archive in `home`."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "archive"
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("MAILQUERY_")},
            **planted.SETTINGS,
            "MAILQUERY_HOME": str(self.home),
            "HOME": str(folder),
            "TERM": "dumb",
            "COLUMNS": "200",
        }
        self._folder = folder

    def command(self, *arguments: str | Path) -> list[str]:
        return [sys.executable, "-m", "mailquery", *map(str, arguments)]

    def __call__(self, *arguments: str | Path, stdin: bytes = b"", **environment: str) -> Ended:
        done = subprocess.run(
            self.command(*arguments),
            input=stdin,
            capture_output=True,
            env=self.environment | environment,
            cwd=self._folder,
            timeout=90,
        )
        return Ended(done.returncode, done.stdout, done.stderr.decode())

    def start(self, *arguments: str | Path, **options: Any) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(self.command(*arguments), env=self.environment, cwd=self._folder, **options)

    def count(self) -> int:
        total: int = self("stats", "--json").json["messages"]
        return total


def letter(number: int, *, subject: str = "", body: str = "", size: int = 0) -> bytes:
    """A message; `size` bytes of text are added where it is to be long."""
    filler = "".join(f"line {line} of message {number}\n" for line in range(size // 24))
    return (
        f"From: Ada Example <ada@example.org>\n"
        f"To: Ben Sample <ben@example.com>\n"
        f"Subject: {subject or f'Letter number {number}'}\n"
        f"Date: Mon, 02 Mar 2026 10:{number // 60 % 60:02}:{number % 60:02} +0900\n"
        f"Message-ID: <letter-{number}@example.org>\n"
        f"MIME-Version: 1.0\n"
        f"Content-Type: text/plain; charset=utf-8\n"
        f"\n"
        f"{body or f'This is letter {number} about badgers.'}\n{filler}\n{planted.MAIL_TEXT}\n"
    ).encode()


def write_mbox(path: Path, messages: list[bytes]) -> Path:
    path.write_bytes(b"".join(b"From ada@example.org Mon Mar  2 01:00:00 2026\n" + raw + b"\n" for raw in messages))
    return path


class Archives:
    """Archives that several tests begin with: each is imported once, and copied for every further test."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def give(self, mailquery: CommandLine, name: str, fill: Callable[[CommandLine], None]) -> None:
        """`fill` makes the archive of this name."""
        made = self._folder / name
        if not made.exists():
            filling = self._folder / f"{name}-filling"
            filling.mkdir()
            fill(CommandLine(filling))
            filling.rename(made)
        shutil.copytree(made / "archive", mailquery.home)


@pytest.fixture(scope="session")
def archives(tmp_path_factory: pytest.TempPathFactory) -> Archives:
    return Archives(tmp_path_factory.mktemp("archives"))


@pytest.fixture
def mailquery(tmp_path: Path) -> CommandLine:
    return CommandLine(tmp_path)


@pytest.fixture
def mbox(tmp_path: Path) -> Path:
    return write_mbox(tmp_path / "inbox.mbox", [letter(number) for number in range(20)])


@pytest.fixture
def filled(mailquery: CommandLine, mbox: Path, archives: Archives) -> CommandLine:
    def fill(mailquery: CommandLine) -> None:
        done = mailquery("import", mbox)
        assert done.code == 0, done.err

    archives.give(mailquery, "inbox", fill)
    return mailquery


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, list[bytes]], Path]:
    return lambda name, messages: write_mbox(tmp_path / name, messages)
