"""An extractor that is made for the first attachment: most conversations read none, and it takes time to import."""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence

from mailquery.domain.extraction import Extraction, ExtractionState
from mailquery.extraction.interfaces import Extractor


class ExtractorLater:
    """`Extractor`. `extracted` counts what came of those that it read."""

    def __init__(self, make: Callable[[], Extractor]) -> None:
        self._make = make
        self._made: Extractor | None = None
        self._making = asyncio.Lock()
        self.extracted: Counter[ExtractionState] = Counter()

    async def extract(self, data: bytes, name: str) -> Extraction:
        extraction = await (await self._extractor()).extract(data, name)
        self.extracted[extraction.state] += 1
        return extraction

    async def holding(self) -> Sequence[tuple[str, bool]]:
        return await (await self._extractor()).holding()

    async def close(self) -> None:
        if self._made is not None:
            await self._made.close()

    async def _extractor(self) -> Extractor:
        async with self._making:
            if self._made is None:
                self._made = await asyncio.to_thread(self._make)
            return self._made
