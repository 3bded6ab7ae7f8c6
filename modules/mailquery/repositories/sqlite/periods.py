"""The days, weeks, months and years of a time zone, as stretches of unix seconds that SQL can look a date up in.

A stretch lies in one UTC day, so that a date finds its own by equality of the day and at most three comparisons. One
list of stretches serves a statement, however many messages it counts.
"""

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from mailquery.repositories.records import GroupBy
from mailquery.repositories.sqlite.encoding import moment_of

DAY = 86_400  # seconds
EARLIEST = 800_000 * DAY  # added to a date it is positive, so that SQL's division rounds down
_EPOCH = date(1970, 1, 1).toordinal()
_FIRST_MONDAY = 3  # days from the Monday before the epoch to the epoch

PERIODS = frozenset({GroupBy.DAY, GroupBy.WEEK, GroupBy.MONTH, GroupBy.YEAR})

Stretch = tuple[int, int, int, int]  # the UTC day's number, the first second, the second behind the last, a value


def stretches(days: Iterable[int], zone: ZoneInfo, group_by: GroupBy) -> list[Stretch]:
    """For each UTC day (days since the epoch) what its seconds belong to in `zone`.

    The value of a stretch is its period's number, which `period_name` reads and which grows with time; for the hour of
    the day it is the offset from UTC in seconds.
    """
    found: list[Stretch] = []
    for day in days:
        for first, limit, offset in _offsets(day * DAY, (day + 1) * DAY, zone):
            if group_by is GroupBy.HOUR:
                found.append((day, first, limit, offset))
                continue
            for local in range((first + offset) // DAY, (limit - 1 + offset) // DAY + 1):
                begin, end = max(first, local * DAY - offset), min(limit, (local + 1) * DAY - offset)
                found.append((day, begin, end, _period(local, group_by)))
    return found


def period_name(number: int, group_by: GroupBy) -> str:
    match group_by:
        case GroupBy.DAY:
            return date.fromordinal(number + _EPOCH).isoformat()
        case GroupBy.WEEK:
            return "{:04}-W{:02}".format(*date.fromordinal(number * 7 - _FIRST_MONDAY + _EPOCH).isocalendar()[:2])
        case GroupBy.MONTH:
            return f"{number // 12:04}-{number % 12 + 1:02}"
        case _:
            return f"{number:04}"


def _period(local_day: int, group_by: GroupBy) -> int:
    if group_by is GroupBy.DAY:
        return local_day
    if group_by is GroupBy.WEEK:
        return (local_day + _FIRST_MONDAY) // 7
    day = date.fromordinal(local_day + _EPOCH)
    return day.year * 12 + day.month - 1 if group_by is GroupBy.MONTH else day.year


def _offsets(first: int, limit: int, zone: ZoneInfo) -> Iterator[tuple[int, int, int]]:
    """Stretches of one offset from UTC: (first second, second behind the last, offset)."""
    last = _offset(limit - 1, zone)
    while (offset := _offset(first, zone)) != last:
        low, high = first, limit - 1  # the offset changes in (low, high]
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if _offset(middle, zone) == offset else (low, middle)
        yield first, high, offset
        first = high
    yield first, limit, offset


def _offset(second: int, zone: ZoneInfo) -> int:
    try:
        offset = moment_of(second).astimezone(zone).utcoffset()
    except OverflowError:  # within a day of the years 1 or 9999, where a date in mail is invented anyway
        return 0
    return 0 if offset is None else offset // timedelta(seconds=1)
