from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from support.archives import Archive, temporary_archive


@pytest.fixture
async def archive(tmp_path: Path) -> AsyncIterator[Archive]:
    async with temporary_archive(tmp_path) as opened:
        yield opened
