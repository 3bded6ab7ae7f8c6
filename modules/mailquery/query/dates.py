"""Dates of the search language: a piece of text names a period, in the user's time zone.

A period is [start, end) in UTC. `after:` takes its start (so the named day, month or year is included), `before:` its
start too (so it is excluded), `on:` all of it, `until:` its end. Days begin at their first instant, which is 01:00
where the clock skips midnight. Weeks begin on Monday (ISO 8601).
"""

import calendar
import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from mailquery.query.spelling import nearest

FIRST_YEAR, LAST_YEAR = 1900, 2999
FORMS = (
    "2024",
    "2024-03",
    "2024-03-15",
    "2024/03/15",
    "2024-03-15T10:30",
    "today",
    "yesterday",
    "monday",
    '"last week"',
    '"this month"',
    '"last year"',
    "7d",
    "2w",
    "3m",
    "1y",
)
AGES = ("12h", "7d", "2w", "3m", "1y")

_CALENDAR = re.compile(r"(\d{4})(?:([-/.])(\d{1,2})(?:\2(\d{1,2}))?)?")
_WEEK = re.compile(r"(\d{4})-w(\d{1,2})")
_MOMENT = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[t ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,6}))?)?\s*(?:(z)|([+-])(\d\d):?(\d\d))?"
)
_EPOCH = re.compile(r"\d{9,11}")
_AGE = re.compile(r"(?:last |past )?(\d{1,6}) ?(h|hours?|d|days?|w|weeks?|m|mo|months?|y|years?)(?: ago)?", re.ASCII)
_DAY_FIRST = re.compile(r"(\d{1,2})[-/.](\d{1,2})[-/.](\d{4})")
_COMPACT = re.compile(r"(\d{4})(\d\d)(\d\d)")
_SPAN = re.compile(r"(this|last) (week|month|year|[a-z]+day)")
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_NAMES = ("today", "yesterday", *_DAYS)


class DateError(ValueError):
    """Text that names no date. `did_you_mean` is a spelling of it that does, where one can be guessed."""

    def __init__(self, message: str, did_you_mean: str = "") -> None:
        super().__init__(message)
        self.did_you_mean = did_you_mean


@dataclass(frozen=True, slots=True)
class Period:
    start: datetime
    end: datetime


def start_of_day(day: date, zone: ZoneInfo) -> datetime:
    """The first instant of `day` in `zone`, in UTC."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=zone)
    instant = midnight.astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) == midnight.replace(tzinfo=None):
        return instant
    # The clock skips midnight, or the whole day: the day begins where the clock has moved on.
    before, after = instant - timedelta(days=2), instant + timedelta(days=2)
    while after - before > timedelta(seconds=1):
        middle = before + (after - before) // 2
        if middle.astimezone(zone).date() < day:
            before = middle
        else:
            after = middle
    return after.replace(microsecond=0)


def read_period(text: str, zone: ZoneInfo, now: datetime) -> Period:
    """The period that `text` names. Raises `DateError`."""
    plain = _plain(text)
    today = now.astimezone(zone).date()
    if (match := _CALENDAR.fullmatch(plain)) is not None:
        return _calendar(match, zone)
    if (match := _MOMENT.fullmatch(plain)) is not None:
        return _moment(match, zone)
    if (match := _WEEK.fullmatch(plain)) is not None:
        return _iso_week(match, zone)
    if _EPOCH.fullmatch(plain):
        instant = datetime.fromtimestamp(int(plain), UTC)
        return Period(instant, instant + timedelta(seconds=1))
    if (days := _named_days(plain, today)) is not None:
        return _between(*days, zone)
    if (match := _AGE.fullmatch(plain)) is not None and not match[2].startswith("h"):
        day = _back(today, int(match[1]), match[2])
        return _between(day, day + timedelta(days=1), zone)
    raise _not_a_date(text, plain)


def read_age(text: str, zone: ZoneInfo, now: datetime) -> datetime | None:
    """The instant that lies `text` (12h, 7d, 2w, 3m, 1y) before `now`, in UTC, or None where it is no such span.

    Days, weeks, months and years go back on the calendar to the same time of day in `zone`; hours are 60 minutes.
    """
    match = _AGE.fullmatch(_plain(text))
    if match is None:
        return None
    now = now.replace(microsecond=0)
    if match[2].startswith("h"):
        instant = now.astimezone(UTC) - timedelta(hours=int(match[1]))
        _check_year(instant.year)
        return instant
    local = now.astimezone(zone)
    day = _back(local.date(), int(match[1]), match[2])
    return datetime.combine(day, local.time(), tzinfo=zone).astimezone(UTC)


def _plain(text: str) -> str:
    plain = unicodedata.normalize("NFKC", text).strip().lower()
    if plain[:1].isalpha():
        plain = re.sub(r"[-_\s]+", " ", plain)
    return plain


def _between(first: date, after_last: date, zone: ZoneInfo) -> Period:
    return Period(start_of_day(first, zone), start_of_day(after_last, zone))


def _check_year(year: int) -> None:
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise DateError(f"A year is from {FIRST_YEAR} to {LAST_YEAR}")


def _day(year: int, month: int, day: int) -> date:
    _check_year(year)
    if not 1 <= month <= 12:
        raise DateError(f"There is no month {month}")
    length = calendar.monthrange(year, month)[1]
    if not 1 <= day <= length:
        name = f"{calendar.month_name[month]} {year}"
        raise DateError(f"There is no day {day} in {name}, which has {length} days")
    return date(year, month, day)


def _calendar(match: re.Match[str], zone: ZoneInfo) -> Period:
    year, month, day = int(match[1]), match[3], match[4]
    if month is None:
        return _between(_day(year, 1, 1), date(year + 1, 1, 1), zone)
    first = _day(year, int(month), int(day or 1))
    if day is not None:
        return _between(first, first + timedelta(days=1), zone)
    return _between(first, (first + timedelta(days=31)).replace(day=1), zone)


def _moment(match: re.Match[str], zone: ZoneInfo) -> Period:
    """A moment is as long as its last unit: 10:30 is a minute, 10:30:15 a second (RFC 3339, section 5.6)."""
    day = _day(int(match[1]), int(match[2]), int(match[3]))
    hour, minute, second = int(match[4]), int(match[5]), int(match[6] or 0)
    if hour > 23 or minute > 59 or second > 59:
        raise DateError("A time of day is from 00:00 to 23:59")
    local = datetime(day.year, day.month, day.day, hour, minute, second, int((match[7] or "0").ljust(6, "0")))
    if match[8]:
        start = local.replace(tzinfo=UTC)
    elif match[9]:
        offset = timedelta(hours=int(match[10]), minutes=int(match[11]))
        start = (local - (offset if match[9] == "+" else -offset)).replace(tzinfo=UTC)
    else:
        start = local.replace(tzinfo=zone).astimezone(UTC)
    if match[6] is None:
        return Period(start, start + timedelta(minutes=1))
    return Period(start, start + (timedelta(microseconds=1) if match[7] else timedelta(seconds=1)))


def _iso_week(match: re.Match[str], zone: ZoneInfo) -> Period:
    _check_year(int(match[1]))
    try:
        monday = date.fromisocalendar(int(match[1]), int(match[2]), 1)
    except ValueError:
        raise DateError(f"There is no week {int(match[2])} in {match[1]}") from None
    return _between(monday, monday + timedelta(days=7), zone)


def _named_days(plain: str, today: date) -> tuple[date, date] | None:
    """The first day and the day after the last. A weekday is the latest one, today included; "last monday" is before
    today."""
    one = timedelta(days=1)
    if plain == "today":
        return today, today + one
    if plain == "yesterday":
        return today - one, today
    if plain in _DAYS:
        day = today - timedelta(days=(today.weekday() - _DAYS.index(plain)) % 7)
        return day, day + one
    match = _SPAN.fullmatch(plain)
    if match is None:
        return None
    last = match[1] == "last"
    if match[2] in _DAYS:
        day = today - timedelta(days=(today.weekday() - _DAYS.index(match[2])) % 7)
        if last and day == today:
            day -= timedelta(days=7)
        return day, day + one
    if match[2] == "week":
        monday = today - timedelta(days=today.weekday() + (7 if last else 0))
        return monday, monday + timedelta(days=7)
    if match[2] == "month":
        this = today.replace(day=1)
        return (_back(this, 1, "m"), this) if last else (this, (this + timedelta(days=31)).replace(day=1))
    if match[2] == "year":
        this = today.replace(month=1, day=1)
        return (this.replace(year=this.year - 1), this) if last else (this, this.replace(year=this.year + 1))
    return None


def _back(day: date, count: int, unit: str) -> date:
    """`count` days, weeks, months or years earlier; the 31st becomes the last day of a shorter month."""
    if unit[0] in "dw":
        ordinal = day.toordinal() - count * (7 if unit[0] == "w" else 1)
        _check_year(date.fromordinal(ordinal).year if ordinal > 0 else 0)
        return date.fromordinal(ordinal)
    months = day.year * 12 + day.month - 1 - count * (12 if unit[0] == "y" else 1)
    year, month = months // 12, months % 12 + 1
    _check_year(year)
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


def _not_a_date(text: str, plain: str) -> DateError:
    if (match := _DAY_FIRST.fullmatch(plain)) is not None:
        first, second = f"{int(match[1]):02}", f"{int(match[2]):02}"
        readings = [f"{match[3]}-{month}-{day}" for month, day in ((first, second), (second, first)) if month <= "12"]
        return DateError("A date begins with the year", " or ".join(dict.fromkeys(readings)))
    if (match := _COMPACT.fullmatch(plain)) is not None:
        return DateError("A date has separators", f"{match[1]}-{match[2]}-{match[3]}")
    if plain in ("last", "this", "past"):
        return DateError(f'"{text}" is no date; words that belong together stand in quotation marks', f'"{text} week"')
    return DateError(f'"{text}" is no date', nearest(plain, _NAMES, within=2) if len(plain) > 3 else "")
