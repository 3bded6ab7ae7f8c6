"""How much mail may be on its way from where it is read to where it is stored."""

import asyncio


class Ahead:
    """So many batches, and so many bytes, which a few large messages come to sooner. One batch may exceed them."""

    def __init__(self, batches: int, size: int) -> None:
        self._free_batches = batches
        self._free_bytes = size
        self._freed = asyncio.Event()

    async def room(self) -> None:
        """Waits until another batch may be read."""
        while self._free_batches <= 0 or self._free_bytes <= 0:
            self._freed.clear()
            await self._freed.wait()

    def read(self, size: int) -> None:
        self._free_batches -= 1
        self._free_bytes -= size

    def taken(self, size: int) -> None:
        self._free_batches += 1
        self._free_bytes += size
        self._freed.set()
