"""Time that passes when a test says so."""

import asyncio
import heapq
from itertools import count


class Time:
    """`clock` and `sleep` for what is tested. It stands still until `pass_`."""

    def __init__(self) -> None:
        self.now = 10_000.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = count()

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self.now + seconds, next(self._order), woken))
        await woken

    async def pass_(self, seconds: float) -> None:
        """Lets everybody who sleeps no longer wake, one after another, and do what they do."""
        end = self.now + seconds
        await settled()
        while self._sleepers and self._sleepers[0][0] <= end:
            when, _, woken = heapq.heappop(self._sleepers)
            self.now = max(self.now, when)
            if not woken.done():
                woken.set_result(None)
                await settled()
        self.now = end


async def settled() -> None:
    """Lets all tasks go on until each waits for something outside."""
    for _ in range(50):
        await asyncio.sleep(0)
