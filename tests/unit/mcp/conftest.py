from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from mcpkit.database.sqlite import Database
from mcpkit.protocol.parameters import ParameterResolver, StoredParameters
from mcpkit.security.control import open_control
from support.archives import Archive, temporary_archive
from support.calling import Caller


@pytest.fixture
async def archive(tmp_path: Path) -> AsyncIterator[Archive]:
    async with temporary_archive(tmp_path) as opened:
        yield opened


@pytest.fixture
async def control(tmp_path: Path) -> AsyncIterator[Database]:
    async with await open_control(tmp_path / "control.db") as opened:
        yield opened


@pytest.fixture
def caller(archive: Archive, control: Database) -> Caller:
    return Caller(archive.services, parameters=ParameterResolver(StoredParameters(control), {}, "MAILQUERY_"))
