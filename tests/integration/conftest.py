"""An archive in a file of its own for each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from integration.archives import Archive
from mailquery.repositories.sqlite.archive import open_archive


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def archive(tmp_path: Path) -> AsyncIterator[Archive]:
    async with await open_archive(tmp_path / "home" / "archive.db") as database:
        yield Archive(database)
