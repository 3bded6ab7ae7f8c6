"""What a server over HTTP tells of itself beside its answers: whether it is ready, and how much it is in use."""

from collections.abc import Awaitable, Callable

from mcpkit.monitoring.health import ENDING, Outcome, Report, Result, Status

SUPERVISOR_HANGS = {"status": "the supervisor hangs"}
"""What `/health` answers then."""

_SUPERVISOR = Result(
    "supervisor", Outcome(Status.DEGRADED, "it hangs: no worker is replaced until the server is started anew"), 0.0
)


async def _always() -> Report:
    return Report()


class HttpState:
    """`ready` gives the report of the server's checks. A server that is `draining` says that it is not ready, and goes
    on to answer: whoever sends it requests is to send them elsewhere. `supervisor_hangs` is asked of one of several
    workers: where it does, they go on to answer, and nothing but a new start of the whole helps. `sessions` and
    `connections` give how many are open, and may be asked from any thread."""

    def __init__(self, ready: Callable[[], Awaitable[Report]] = _always) -> None:
        self._ready = ready
        self._draining = False
        self.supervisor_hangs: Callable[[], bool] = bool
        self.sessions: Callable[[], int] = int
        self.connections: Callable[[], int] = int

    @property
    def draining(self) -> bool:
        return self._draining

    def drain(self) -> None:
        """From now on it is not ready. May be called in a signal handler."""
        self._draining = True

    async def ready(self) -> Report:
        found = await self._ready()
        return Report((*found.results, _SUPERVISOR)) if self.supervisor_hangs() else found

    async def report(self) -> Report:
        return ENDING if self._draining else await self.ready()
