from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from support.archives import Archive, temporary_archive
from support.calling import Caller


@pytest.fixture
async def archive(tmp_path: Path) -> AsyncIterator[Archive]:
    async with temporary_archive(tmp_path) as opened:
        yield opened


@pytest.fixture
def caller(archive: Archive) -> Caller:
    return Caller(archive.services)
