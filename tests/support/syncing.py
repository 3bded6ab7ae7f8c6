"""Synchronisations that go as a test says."""

import asyncio
from dataclasses import dataclass

from mailquery.services.background.sync_runs import ProgressListener, SyncResult


@dataclass(frozen=True)
class Far:
    stored: int
    wanted: int


@dataclass(frozen=True)
class Added:
    added: int


class ScriptedRun:
    """Lasts until it is told how it ends."""

    def __init__(self, progress: ProgressListener) -> None:
        self.report = progress
        self.end: asyncio.Future[Added] = asyncio.get_running_loop().create_future()
        self.was_cancelled = False

    def succeed(self, added: int = 0) -> None:
        self.end.set_result(Added(added))

    def fail(self, error: Exception) -> None:
        self.end.set_exception(error)


class Script:
    """In the place of what synchronises an account. Runs end by themselves as `outcomes` of the account say, one after
    another; where none is left they wait for the test."""

    def __init__(self, **outcomes: list[Exception | int]) -> None:
        self.calls: list[str] = []
        self.outcomes = outcomes
        self.under_way: set[str] = set()
        self._begun: dict[str, asyncio.Queue[ScriptedRun]] = {}

    async def begun(self, name: str) -> ScriptedRun:
        """The next run of the account, once it has begun."""
        return await asyncio.wait_for(self._begun.setdefault(name, asyncio.Queue()).get(), 10)

    async def __call__(self, name: str, progress: ProgressListener) -> SyncResult:
        assert name not in self.under_way, "never two at once"
        self.calls.append(name)
        self.under_way.add(name)
        run = ScriptedRun(progress)
        if outcomes := self.outcomes.get(name):
            outcome = outcomes.pop(0)
            run.succeed(outcome) if isinstance(outcome, int) else run.fail(outcome)
        self._begun.setdefault(name, asyncio.Queue()).put_nowait(run)
        try:
            return await run.end
        except asyncio.CancelledError:
            run.was_cancelled = True
            raise
        finally:
            self.under_way.discard(name)
