"""Whether what is stored can be had."""

from typing import Protocol


class Condition(Protocol):
    async def check(self) -> None:
        """That the databases are where they were opened, and answer. Raises Fault where not."""
        ...

    async def disk_seconds(self) -> float | None:
        """How long the archive's disk takes to write a page and to read it; None where nothing can be written."""
        ...

    async def check_recording(self) -> None:
        """That what is kept about callers can be written. Raises Fault where not."""
        ...

    async def schema(self) -> tuple[int, int]:
        """The version of the archive's schema, and the one that this program knows."""
        ...

    async def size(self) -> int:
        """Bytes of the archive's files."""
        ...

    async def being_written(self) -> bool:
        """Whether any process holds the archive's writing lock."""
        ...
