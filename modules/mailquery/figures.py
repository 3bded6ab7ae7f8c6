"""Figures of synchronising for Prometheus. Nothing in them names an account; hosts are those of the accounts."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from mailquery.domain.accounts import AccountState
from mailquery.services.sync_runs import SyncRuns
from mailquery.services.sync_status import SyncFigures
from mcpkit.errors import Fault
from mcpkit.resilience.breakers import BreakerStanding, State

logger = logging.getLogger(__name__)

_SECONDS = 5.0  # that the archive may take to answer


class SyncCollector(Collector):
    """Reads the figures when they are asked for: from a thread, while the loop goes on."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        figures: Callable[[], Awaitable[SyncFigures]],
        runs: SyncRuns,
        breakers: Callable[[], Sequence[BreakerStanding]],
    ) -> None:
        self._loop = loop
        self._figures = figures
        self._runs = runs
        self._breakers = breakers

    def describe(self) -> Iterable[Metric]:
        """Nothing: it would be asked for in the loop's own thread."""
        return ()

    def collect(self) -> Iterable[Metric]:
        yield from self._of_this_process()
        try:
            found = asyncio.run_coroutine_threadsafe(self._read(), self._loop).result(_SECONDS)
        except (Fault, TimeoutError) as error:
            logger.warning("the figures of synchronising are missing: %s", error or "the archive does not answer")
            return
        yield from _of_the_archive(found)

    async def _read(self) -> SyncFigures:
        return await self._figures()

    def _of_this_process(self) -> Iterable[Metric]:
        runs = CounterMetricFamily("mailquery_sync_runs", "Synchronisations that ended.", labels=("outcome",))
        for outcome, count in self._runs.ended.items():
            runs.add_metric((outcome,), count)
        yield runs
        yield CounterMetricFamily(
            "mailquery_sync_messages", "Messages that synchronisations added.", value=self._runs.messages_added
        )
        yield GaugeMetricFamily("mailquery_sync_running", "Synchronisations under way.", value=len(self._runs.running))
        breakers = GaugeMetricFamily(
            "mailquery_host_breaker", "Whether the circuit breaker of a host is in a state.", labels=("host", "state")
        )
        for standing in self._breakers():
            for state in State:
                breakers.add_metric((standing.name, state.value), float(standing.state is state))
        yield breakers


def _of_the_archive(found: SyncFigures) -> Iterable[Metric]:
    accounts = GaugeMetricFamily("mailquery_sync_accounts", "Accounts on mail servers.", labels=("state",))
    for state in AccountState:
        accounts.add_metric((state.value,), found.states.get(state, 0))
    yield accounts
    yield GaugeMetricFamily(
        "mailquery_sync_failing_accounts", "Active accounts whose last synchronisation failed.", value=found.failing
    )
    yield GaugeMetricFamily(
        "mailquery_sync_pending_messages", "Messages on the servers that are not in the archive.", value=found.pending
    )
    lag = GaugeMetricFamily(
        "mailquery_sync_lag_seconds", "The longest time since an active account was in step with its server."
    )
    if found.oldest is not None:
        lag.add_metric((), found.oldest)
    yield lag
