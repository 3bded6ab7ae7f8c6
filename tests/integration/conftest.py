"""An archive in a file of its own for each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from integration.archives import Archive
from mailquery.repositories.sqlite.archive import open_archive
from support import planted
from support.commands import Commands


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def archive(tmp_path: Path) -> AsyncIterator[Archive]:
    async with await open_archive(tmp_path / "home" / "archive.db") as database:
        yield Archive(database)


@pytest.fixture
def commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Commands:
    """`mailquery`, without an archive yet."""
    commands = Commands(tmp_path / "home", monkeypatch, capsys)
    monkeypatch.chdir(tmp_path)
    for name, value in {**planted.SETTINGS, "MAILQUERY_HOME": str(commands.home)}.items():
        commands.set(name, value)
    return commands
