"""Counting messages."""

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from mailquery.repositories.interfaces import SearchRepository
from mailquery.repositories.records import Group, GroupBy, Visibility
from mailquery.services.filters import Clock, FilterReader, Filters, Reading, utc_now
from mailquery.services.limits import checked_limit

MOST_GROUPS = 500


@dataclass(frozen=True, slots=True)
class Counted:
    """The largest groups (or the newest periods), and all that match: `messages`, `bytes`, and `group_count` groups.

    `placed` is the sum of the messages of all groups. Periods begin at midnight in `zone`.
    """

    group_by: GroupBy
    groups: tuple[Group, ...]
    group_count: int
    messages: int
    bytes: int
    placed: int
    zone: ZoneInfo
    reading: Reading

    def left_over(self, shown: int) -> int | None:
        """How many messages are in no one of the first `shown` groups; None where some stand in several, so that
        subtraction would not tell."""
        if self.placed != self.messages:
            return None
        return self.messages - sum(group.messages for group in self.groups[:shown])


class MailStatistics:
    def __init__(self, search: SearchRepository, filters: FilterReader, clock: Clock = utc_now) -> None:
        self._search = search
        self._filters = filters
        self._clock = clock

    async def __call__(self, visible: Visibility, filters: Filters, *, group_by: GroupBy, limit: int = 20) -> Counted:
        """Exact counts over the messages that `filters` finds. Raises as a search does."""
        checked_limit(limit, MOST_GROUPS)
        reading = await self._filters.read(filters, visible, self._clock())
        zone = self._filters.zone
        found = await self._search.statistics(reading.tree, visible, group_by=group_by, zone=zone, limit=limit)
        return Counted(
            group_by, found.groups, found.group_count, found.messages, found.bytes, found.placed, zone, reading
        )
