"""A cache that is bounded by entries and by bytes, and that knows how much it helps."""

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class CacheFigures:
    """`hits` and `misses` since the process began, and how often a value was `shared` that another was making then.
    `entries` and `bytes` are those held now."""

    name: str
    hits: int
    misses: int
    entries: int
    bytes: int
    shared: int = 0


class Cache(Generic[K, V]):
    """Holds at most `entries` values of at most `size` bytes together; those used longest ago go first. What nobody may
    hold for long is cleared by whoever knows. To be used from one thread."""

    def __init__(self, name: str, *, entries: int, size: int) -> None:
        self._name = name
        self._most_entries = entries
        self._most_bytes = size
        self._held: OrderedDict[K, tuple[V, int]] = OrderedDict()
        self._bytes = self._hits = self._misses = self._shared = 0

    def get(self, key: K) -> V | None:
        found = self._held.get(key)
        if found is None:
            self._misses += 1
            return None
        self._hits += 1
        self._held.move_to_end(key)
        return found[0]

    def put(self, key: K, value: V, size: int) -> None:
        """`size` in bytes, key and all. A value larger than a tenth of the whole is not kept: it would push out many
        others."""
        self._drop(key)
        if size > self._most_bytes // 10 or not self._most_entries:
            return
        self._held[key] = value, size
        self._bytes += size
        while len(self._held) > self._most_entries or self._bytes > self._most_bytes:
            _, (_, freed) = self._held.popitem(last=False)
            self._bytes -= freed

    def note_shared(self) -> None:
        """That somebody needed no look, since another one was making just this value."""
        self._shared += 1

    def clear(self) -> None:
        self._held.clear()
        self._bytes = 0

    def figures(self) -> CacheFigures:
        return CacheFigures(self._name, self._hits, self._misses, len(self._held), self._bytes, self._shared)

    def _drop(self, key: K) -> None:
        found = self._held.pop(key, None)
        if found is not None:
            self._bytes -= found[1]
