"""The numbers of rate limits, in the memory of one process."""

from typing import Any

from throttled.store import MemoryStore, MemoryStoreBackend


class _Numbers(MemoryStoreBackend):
    """Without times at which they expire, which take longer than the metering: a number of the generic cell rate
    algorithm that is in the past means what none means. Whoever was seen longest ago is forgotten first."""

    def __init__(self, server: str | None = None, options: dict[str, Any] | None = None) -> None:
        super().__init__(server, options)
        self.lock = _NoLock()

    def get(self, key: str) -> Any:
        return self._client.get(key)

    def set(self, key: str, value: Any, timeout: int) -> None:
        del timeout
        self._client[key] = value
        self._client.move_to_end(key)
        if len(self._client) > self.max_size:
            self._client.popitem(last=False)


class Meters(MemoryStore):
    """A store of `throttled` that keeps the numbers of at most `most` keys."""

    _BACKEND_CLASS = _Numbers

    def __init__(self, most: int) -> None:
        super().__init__(options={"MAX_SIZE": most})


class _NoLock:
    """An action on memory is over before anything else of this thread runs."""

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        del blocking, timeout
        return True

    def release(self) -> None:
        """Nothing was taken."""

    def __enter__(self) -> bool:
        return True

    def __exit__(self, *_: object) -> None:
        """As above."""
