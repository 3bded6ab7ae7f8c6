"""Whether what is stored can be had."""

from typing import Protocol


class Condition(Protocol):
    async def check(self) -> None:
        """That the databases are where they were opened, and answer. Raises Fault where not."""
        ...

    async def schema(self) -> tuple[int, int]:
        """The version of the archive's schema, and the one that this program knows."""
        ...
