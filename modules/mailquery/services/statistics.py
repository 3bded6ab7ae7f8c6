"""Counting messages."""

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from mailquery.repositories.groups import Group, GroupBy, Statistics
from mailquery.repositories.interfaces import SearchRepository
from mailquery.repositories.records import Visibility
from mailquery.services.filters import Clock, FilterReader, Filters, Reading, utc_now
from mailquery.services.limits import checked_limit
from mcpkit.errors import ErrorCode, Fault

MOST_GROUPS = 500
MOST_PARTS = 100
_HOURS = 24
_USUAL = 20


@dataclass(frozen=True, slots=True)
class Counted:
    """The largest groups (or the newest periods), and all that match. Periods begin at midnight in `zone`."""

    group_by: GroupBy
    then_by: GroupBy | None
    found: Statistics
    zone: ZoneInfo
    reading: Reading

    @property
    def groups(self) -> tuple[Group, ...]:
        return self.found.groups

    def left_over(self, shown: int) -> int | None:
        """How many messages are in no one of the first `shown` groups; None where some stand in several, so that
        subtraction would not tell."""
        return _left_over(self.groups[:shown], self.found.messages, self.found.placed)


def parts_left_over(group: Group, shown: int) -> int | None:
    """The same for the parts of one group."""
    return _left_over(group.parts[:shown], group.messages, group.placed)


def _left_over(shown: tuple[Group, ...], messages: int, placed: int) -> int | None:
    return messages - sum(group.messages for group in shown) if placed == messages else None


class MailStatistics:
    def __init__(self, search: SearchRepository, filters: FilterReader, clock: Clock = utc_now) -> None:
        self._search = search
        self._filters = filters
        self._clock = clock

    async def __call__(
        self,
        visible: Visibility,
        filters: Filters,
        *,
        group_by: GroupBy,
        limit: int | None = None,
        then_by: GroupBy | None = None,
        then_limit: int = 12,
    ) -> Counted:
        """Exact counts over the messages that `filters` finds, of at most `limit` groups (None: 20, or every hour of
        the day) and of each at most `then_limit` parts by `then_by`. Raises as a search does, and `VALIDATION_ERROR`.
        """
        if limit is None:
            limit = _HOURS if group_by is GroupBy.HOUR else _USUAL
        checked_limit(limit, MOST_GROUPS)
        checked_limit(then_limit, MOST_PARTS, "then_limit")
        if then_by is group_by:
            raise Fault(
                ErrorCode.VALIDATION_ERROR,
                "`then_by` must be another grouping than `group_by`, or left out.",
                details={"argument": "then_by"},
            )
        reading = await self._filters.read(filters, visible, self._clock())
        zone = self._filters.zone
        found = await self._search.statistics(
            reading.tree, visible, group_by=group_by, zone=zone, limit=limit, then_by=then_by, then_limit=then_limit
        )
        return Counted(group_by, then_by, found, zone, reading)
