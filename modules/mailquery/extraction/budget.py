"""What is left of an attachment's limits, over everything that lies inside it."""

from dataclasses import dataclass, field
from typing import Self

from mailquery.extraction.interfaces import LimitReached, Limits

_FREE = 4 * 1024 * 1024  # bytes that may come out whatever the ratio: small files compress well


@dataclass(slots=True)
class _Spent:
    text: int = 0
    compressed: int = 0
    expanded: int = 0
    entries: int = 0
    pictures: int = 0


@dataclass(slots=True)
class Spending:
    """`Budget`. What lies deeper spends from the same."""

    limits: Limits
    depth: int = 0
    _spent: _Spent = field(default_factory=_Spent)

    @property
    def text_left(self) -> int:
        return max(0, self.limits.text - self._spent.text)

    def text(self, characters: int) -> None:
        self._spent.text += characters
        if self._spent.text > self.limits.text:
            raise LimitReached(f"the text of {self.limits.text:,} characters")

    def expand(self, compressed: int, expanded: int) -> None:
        spent = self._spent
        spent.compressed += compressed
        spent.expanded += expanded
        if spent.expanded > self.limits.expanded:
            raise LimitReached(f"{self.limits.expanded:,} bytes of compressed content")
        if spent.expanded > _FREE + self.limits.ratio * spent.compressed:
            raise LimitReached(f"{self.limits.ratio} bytes out of a compressed one")

    def entry(self) -> None:
        self._spent.entries += 1
        if self._spent.entries > self.limits.entries:
            raise LimitReached(f"{self.limits.entries:,} files inside")

    def picture(self) -> bool:
        self._spent.pictures += 1
        return self._spent.pictures <= self.limits.pictures

    @property
    def pictures_left_out(self) -> int:
        """Of which `picture` said that they are not to be given."""
        return max(0, self._spent.pictures - self.limits.pictures)

    def deeper(self) -> Self:
        if self.depth >= self.limits.depth:
            raise LimitReached(f"{self.limits.depth} files inside each other")
        return type(self)(self.limits, self.depth + 1, self._spent)
