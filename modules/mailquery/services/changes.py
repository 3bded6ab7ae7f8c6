"""Noticing that there is other mail than before."""

import asyncio
from typing import Protocol

BETWEEN_LOOKS = 1.0  # seconds for which what another process changed goes unseen


class ArchiveChanges(Protocol):
    async def version(self) -> int:
        """Another number whenever anything was written, by whatever process. It says nothing of what it was."""
        ...


class ChangeFeed:
    """Mail comes in by this process and by others, such as a `mailquery sync` beside a server. What this process wrote
    is known at once where it says so; for the others a number is looked at now and then."""

    def __init__(self, changes: ArchiveChanges, *, between_looks: float = BETWEEN_LOOKS) -> None:
        self._changes = changes
        self._between_looks = between_looks
        self._noticed = asyncio.Event()

    async def version(self) -> int:
        return await self._changes.version()

    def notice(self) -> None:
        """Something was written just now."""
        self._noticed.set()

    async def wait(self) -> None:
        """Until that was said, or for as long as a change by others may go unseen."""
        try:
            async with asyncio.timeout(self._between_looks):
                await self._noticed.wait()
        except TimeoutError:
            pass
        self._noticed.clear()
