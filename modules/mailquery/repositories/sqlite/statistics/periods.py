"""The days, weeks, months and years of a time zone, as SQL over a date in unix seconds.

What a zone adds to UTC changes a few times a year. It is worked out here for the days that have messages, and becomes
one expression of nested comparisons: seven for thirty years of mail, and not a step of Python for each message.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from mailquery.repositories.groups import GroupBy
from mailquery.repositories.sqlite.encoding import moment_of

DAY = 86_400  # seconds
EARLIEST = 800_000 * DAY  # added to a date it is positive, so that SQL's division rounds down
_EPOCH = date(1970, 1, 1).toordinal()
_DAYS_BEFORE = EARLIEST // DAY
_TO_MONDAY = (3 - _DAYS_BEFORE) % 7  # the epoch is a Thursday: with these days more, weeks begin on multiples of 7

PERIODS = frozenset({GroupBy.DAY, GroupBy.WEEK, GroupBy.MONTH, GroupBy.YEAR})


class Clock:
    """A zone's clock, as SQL over a date: what it shows at the dates of the UTC `days` (since the epoch)."""

    def __init__(self, days: Iterable[int], zone: ZoneInfo) -> None:
        self._changes = list(_changes(sorted(days), zone))

    def hour(self, date: str) -> str:
        return f"({self._local(date)} + {EARLIEST}) % {DAY} / 3600"

    def day(self, date: str) -> str:
        return f"({self._local(date)} + {EARLIEST}) / {DAY}"

    def period(self, by: GroupBy, day: str) -> str:
        """The period of a day, which is an expression of what `day` gives. Its values grow with time."""
        match by:
            case GroupBy.DAY:
                return day
            case GroupBy.WEEK:
                return f"({day} + {_TO_MONDAY}) / 7"
            case GroupBy.MONTH:
                return f"strftime('%Y-%m', ({day} - {_DAYS_BEFORE}) * {DAY}, 'unixepoch')"
            case _:
                return f"strftime('%Y', ({day} - {_DAYS_BEFORE}) * {DAY}, 'unixepoch')"

    def _local(self, date: str) -> str:
        return f"({date} + {_chosen(date, self._changes)})"


def period_name(key: int | str, by: GroupBy) -> str:
    """The period or the hour in words, by its key."""
    match by:
        case GroupBy.HOUR:
            return f"{key:02}"
        case GroupBy.DAY:
            return date.fromordinal(int(key) - _DAYS_BEFORE + _EPOCH).isoformat()
        case GroupBy.WEEK:
            monday = int(key) * 7 - _TO_MONDAY - _DAYS_BEFORE
            year, week, _ = date.fromordinal(monday + _EPOCH).isocalendar()
            return f"{year:04}-W{week:02}"
        case _:
            return str(key)


def _chosen(date: str, changes: Sequence[tuple[int, int]]) -> str:
    """The offset that is in force at `date`, found by halving the changes."""
    if len(changes) == 1:
        return str(changes[0][1])
    middle = len(changes) // 2
    first = changes[middle][0]
    return (
        f"CASE WHEN {date} < {first} THEN {_chosen(date, changes[:middle])} ELSE {_chosen(date, changes[middle:])} END"
    )


def _changes(days: Iterable[int], zone: ZoneInfo) -> Iterator[tuple[int, int]]:
    """(first second, offset in seconds) wherever the offset differs from the one before."""
    current: int | None = None
    for day in days:
        for first, offset in _offsets(day * DAY, (day + 1) * DAY - 1, zone):
            if offset != current:
                current = offset
                yield first, offset
    if current is None:
        yield 0, 0


def _offsets(first: int, last: int, zone: ZoneInfo) -> Iterator[tuple[int, int]]:
    """(first second, offset) of each offset from UTC in the seconds `first` to `last`."""
    final = _offset(last, zone)
    while (offset := _offset(first, zone)) != final:
        low, high = first, last  # the offset changes in (low, high]
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if _offset(middle, zone) == offset else (low, middle)
        yield first, offset
        first = high
    yield first, final


def _offset(second: int, zone: ZoneInfo) -> int:
    try:
        offset = moment_of(second).astimezone(zone).utcoffset()
    except OverflowError:  # within a day of the years 1 or 9999, where a date in mail is invented anyway
        return 0
    return 0 if offset is None else offset // timedelta(seconds=1)
