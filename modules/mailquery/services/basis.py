"""What an answer follows from besides its arguments: while that stays the same, so does the answer."""

import re
from collections.abc import Callable, Hashable
from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from mailquery.domain.ourselves import Ourselves
from mailquery.query.dates import DateError, read_period
from mailquery.query.parser import parse
from mailquery.repositories.records import Visibility
from mailquery.services.accounts.server_accounts import ServerAccounts
from mailquery.services.background.freshness import KeepFresh
from mailquery.services.filters import Filters
from mcpkit.errors import Fault

# Apart by days, months and years, and by the time of the day.
_MOMENTS = (datetime(2023, 2, 11, 3, 17, 41, tzinfo=UTC), datetime(2031, 9, 24, 20, 52, 9, tzinfo=UTC))
_SOMEBODY = Ourselves.named(("somebody@example.com",))
_KNOWN_FILTERS = 4_096
_COLONS = ":："  # without one no field is named, and only fields have to do with time
_CALENDAR = re.compile(r"\d{4}(?:-\d{2}){0,2}", re.ASCII)


class AnswerBasis:
    """`version` is another number whenever anything was written to the archive, by whatever process, or None where that
    cannot be told; `policy` the fingerprint of the one that is in force here."""

    def __init__(
        self,
        version: Callable[[], int | None],
        policy: Callable[[], str],
        zone: ZoneInfo,
        accounts: ServerAccounts,
        fresh: KeepFresh,
    ) -> None:
        self._version = version
        self._policy = policy
        self._accounts = accounts
        self._fresh = fresh
        self._without_servers: Hashable = None  # the state in which there were no accounts on servers
        self._is_timeless = lru_cache(_KNOWN_FILTERS)(lambda filters: is_timeless(filters, zone))

    def state(self) -> Hashable | None:
        """Equal only while nothing was written and the policy is the same. None where nobody can say."""
        version = self._version()
        return None if version is None else (version, self._policy())

    def is_timeless(self, filters: Filters) -> bool:
        """Whether the conditions mean the same at any time."""
        return self._is_timeless(filters)

    async def freshness(self, visible: Visibility, state: Hashable) -> Hashable:
        """How much of what is on the servers an answer rests on, which changes without the archive: by the clock, by
        what other processes do."""
        if state == self._without_servers:
            return ()
        if not await self._accounts(Visibility()):
            self._without_servers = state
            return ()
        return await self._fresh(visible)


def is_timeless(filters: Filters, zone: ZoneInfo) -> bool:
    """As it turns out by reading them at two moments. Conditions that cannot be read are not: they are refused."""
    texts = [filters.query, *(each for each in (filters.mailbox, filters.from_, filters.to) if each)]
    periods = [each for each in (filters.after, filters.before) if each is not None]
    if not any(colon in text for text in texts for colon in _COLONS) and all(map(_CALENDAR.fullmatch, periods)):
        return True  # or it is refused when it is read, and then there is no answer
    try:
        readings = [
            (
                [parse(text, zone=zone, now=now, me=lambda: _SOMEBODY).tree for text in texts],
                [read_period(text, zone, now) for text in periods],
            )
            for now in _MOMENTS
        ]
    except (Fault, DateError):
        return False
    return readings[0] == readings[1]
