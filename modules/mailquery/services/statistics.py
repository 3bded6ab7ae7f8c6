"""Counting messages."""

from dataclasses import dataclass

from mailquery.repositories.interfaces import SearchRepository
from mailquery.repositories.records import Group, GroupBy, Visibility
from mailquery.services.filters import Clock, FilterReader, Filters, Reading, utc_now
from mailquery.services.limits import checked_limit

MOST_GROUPS = 500

# In these a message can stand in several groups, so what is left over cannot be had by subtraction.
SEVERAL_GROUPS = frozenset({GroupBy.RECIPIENT, GroupBy.MAILBOX})


@dataclass(frozen=True, slots=True)
class Counted:
    """The largest groups (or the newest periods), and all that match: `messages`, `bytes`, and `group_count` groups."""

    group_by: GroupBy
    groups: tuple[Group, ...]
    group_count: int
    messages: int
    bytes: int
    reading: Reading

    def left_over(self, shown: int) -> int | None:
        """How many messages are in no one of the first `shown` groups; None where a message stands in several."""
        if self.group_by in SEVERAL_GROUPS:
            return None
        return max(0, self.messages - sum(group.messages for group in self.groups[:shown]))


class MailStatistics:
    def __init__(self, search: SearchRepository, filters: FilterReader, clock: Clock = utc_now) -> None:
        self._search = search
        self._filters = filters
        self._clock = clock

    async def __call__(self, visible: Visibility, filters: Filters, *, group_by: GroupBy, limit: int = 20) -> Counted:
        """Exact counts over the messages that `filters` finds. Raises as a search does."""
        checked_limit(limit, MOST_GROUPS)
        reading = await self._filters.read(filters, visible, self._clock())
        found = await self._search.statistics(
            reading.tree, visible, group_by=group_by, zone=self._filters.zone, limit=limit
        )
        return Counted(group_by, found.groups, found.group_count, found.messages, found.bytes, reading)
