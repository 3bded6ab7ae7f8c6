"""What a server over HTTP tells of itself beside its answers: whether it is ready, and how much it is in use."""

from collections.abc import Awaitable, Callable

from mcpkit.monitoring.health import ENDING, Report


async def _always() -> Report:
    return Report()


class HttpState:
    """`ready` gives the report of the server's checks. A server that is `draining` says that it is not ready, and goes
    on to answer: whoever sends it requests is to send them elsewhere. `sessions` and `connections` give how many are
    open, and may be asked from any thread."""

    def __init__(self, ready: Callable[[], Awaitable[Report]] = _always) -> None:
        self.ready = ready
        self._draining = False
        self.sessions: Callable[[], int] = int
        self.connections: Callable[[], int] = int

    @property
    def draining(self) -> bool:
        return self._draining

    def drain(self) -> None:
        """From now on it is not ready. May be called in a signal handler."""
        self._draining = True

    async def report(self) -> Report:
        return ENDING if self._draining else await self.ready()
