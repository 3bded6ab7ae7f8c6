"""A control database and a consent manager whose clock is set by hand."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from mcpkit.security.consent.consents import Consents, Rules
from mcpkit.security.consent.store import ConsentStore
from mcpkit.security.control import open_control

SEOUL = ZoneInfo("Asia/Seoul")
START = datetime(2026, 3, 9, 20, 30, tzinfo=SEOUL).timestamp()


class Clock:
    def __init__(self, now: float = START) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@asynccontextmanager
async def consents(folder: Path, clock: Clock | None = None, **rules: object) -> AsyncIterator[Consents]:
    async with await open_control(folder / "control.db") as control:
        yield Consents(ConsentStore(control), replace(Rules(SEOUL), **rules), clock or Clock())  # type: ignore[arg-type] # of the fields
