from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from support.consent_world import Terms, World
from support.consenting import Clock, consents


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def world(tmp_path: Path, clock: Clock) -> AsyncIterator[World]:
    async with consents(tmp_path, clock, tainted={"memory": True}) as manager:
        yield World(manager, clock, Terms("home", "work"))


@pytest.fixture(params=["legacy", "auto"])
def era(request: pytest.FixtureRequest) -> str:
    return str(request.param)
