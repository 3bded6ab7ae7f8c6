"""Sets of UIDs, as ranges: a mailbox of a million messages is a few hundred of them."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

_LAST = 0xFFFFFFFF  # a UID has 32 bits


@dataclass(frozen=True, slots=True)
class UidSet:
    """UIDs of one mailbox as inclusive ranges, ascending, which neither overlap nor touch (RFC 9051, section 9,
    sequence-set)."""

    ranges: tuple[tuple[int, int], ...] = ()

    @classmethod
    def of(cls, uids: Iterable[int]) -> "UidSet":
        return cls.of_ranges((uid, uid) for uid in uids)

    @classmethod
    def of_ranges(cls, ranges: Iterable[tuple[int, int]]) -> "UidSet":
        """Of ranges in any order, which may overlap and be written backwards."""
        merged: list[tuple[int, int]] = []
        for first, last in sorted((min(pair), max(pair)) for pair in ranges):
            if merged and first <= merged[-1][1] + 1:
                merged[-1] = merged[-1][0], max(merged[-1][1], last)
            else:
                merged.append((first, last))
        return cls(tuple(merged))

    @classmethod
    def parse(cls, text: str) -> "UidSet":
        """Of `1:5,9`; empty is none. Raises ValueError for anything else, and for 0, `*` and what has over 32 bits."""
        if not text:
            return cls()
        return cls.of_ranges(_range(part) for part in text.split(","))

    def __str__(self) -> str:
        return ",".join(str(first) if first == last else f"{first}:{last}" for first, last in self.ranges)

    def __len__(self) -> int:
        return sum(last - first + 1 for first, last in self.ranges)

    def __iter__(self) -> Iterator[int]:
        for first, last in self.ranges:
            yield from range(first, last + 1)

    def __contains__(self, uid: int) -> bool:
        place = bisect_right(self.ranges, (uid, _LAST)) - 1
        return place >= 0 and uid <= self.ranges[place][1]

    def __sub__(self, other: "UidSet") -> "UidSet":
        left: list[tuple[int, int]] = []
        others = iter(other.ranges)
        taken = next(others, None)
        for first, last in self.ranges:
            start = first
            while taken is not None and taken[1] < start:
                taken = next(others, None)
            while taken is not None and taken[0] <= last:
                if taken[0] > start:
                    left.append((start, taken[0] - 1))
                start = taken[1] + 1
                if taken[1] > last:
                    break
                taken = next(others, None)
            if start <= last:
                left.append((start, last))
        return UidSet(tuple(left))

    def __and__(self, other: "UidSet") -> "UidSet":
        return self - (self - other)

    def __or__(self, other: "UidSet") -> "UidSet":
        return UidSet.of_ranges((*self.ranges, *other.ranges))

    def newest(self, count: int) -> "UidSet":
        """The `count` highest."""
        taken: list[tuple[int, int]] = []
        for first, last in reversed(self.ranges):
            if count <= 0:
                break
            start = max(first, last - count + 1)
            taken.append((start, last))
            count -= last - start + 1
        return UidSet(tuple(reversed(taken)))

    def split(self, count: int) -> Iterator["UidSet"]:
        """Into sets of `count`, and of less at the end: the highest first."""
        taken: list[tuple[int, int]] = []
        room = count
        for first, last in reversed(self.ranges):
            while last >= first:
                start = max(first, last - room + 1)
                taken.append((start, last))
                room -= last - start + 1
                last = start - 1
                if not room:
                    yield UidSet(tuple(reversed(taken)))
                    taken, room = [], count
        if taken:
            yield UidSet(tuple(reversed(taken)))


def _range(text: str) -> tuple[int, int]:
    first, colon, last = text.partition(":")
    return _uid(first), _uid(last if colon else first)


def _uid(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or not 1 <= (uid := int(text[:11])) <= _LAST:
        raise ValueError(f"{text[:20]!r} is no UID")
    return uid
