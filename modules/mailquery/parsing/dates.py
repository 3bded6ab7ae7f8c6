"""When a message was written (RFC 5322, sections 3.3 and 4.3), from headers that keep to the standard or do not."""

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import NamedTuple

from mailquery.domain.messages import DateSource, Problem, ProblemCode
from mailquery.parsing.fields import unfold
from mailquery.parsing.headers import decode_raw

EARLIEST = datetime(1971, 1, 1, tzinfo=UTC)
LATEST_AHEAD = timedelta(days=2)
_MAX_VALUE_BYTES = 1_000
_MAX_RECEIVED = 100

_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "jan january januar janvier enero gennaio januari ene gen janv",
            "feb february februar février fevrier febrero febbraio februari fév fev févr",
            "mar march märz maerz mars marzo maart mär mrz mrt",
            "apr april avril abril aprile avr abr",
            "may mai mayo maggio mei mag maj",
            "jun june juni juin junio giugno giu",
            "jul july juli juillet julio luglio lug juil",
            "aug august août aout agosto augustus ago aoû",
            "sep sept september septembre septiembre settembre set",
            "oct october oktober octobre octubre ottobre okt ott",
            "nov november novembre noviembre",
            "dec december dezember décembre decembre diciembre dicembre dez déc dic",
        ),
        start=1,
    )
    for name in names.split()
}
_ZONES = {
    "UT": 0, "UTC": 0, "GMT": 0, "Z": 0, "WET": 0,
    "EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7,
    "CET": 1, "MET": 1, "MEZ": 1, "BST": 1, "IST": 1, "WEST": 1, "CEST": 2, "MEST": 2, "MESZ": 2, "EET": 2, "SAST": 2,
    "EEST": 3, "MSK": 3, "HKT": 8, "SGT": 8, "JST": 9, "KST": 9, "AEST": 10, "AEDT": 11, "NZST": 12, "NZDT": 13,
}  # fmt: skip

# The form of the standard, which nearly all messages have.
_STANDARD = re.compile(
    r"\s*(?:[A-Za-z]{3},?)?\s*(\d{1,2}) ([A-Za-z]{3}) (\d{4}) (\d{2}):(\d{2})(?::(\d{2}))? ([+-])(\d{2})(\d{2})\b"
)
_DAY_MONTH_YEAR = re.compile(r"\b(\d{1,2})[\s.-]{1,5}([^\W\d_]{3,10})[\s.,-]{1,5}(\d{2,4})\b")
_MONTH_DAY_YEAR = re.compile(r"\b([^\W\d_]{3,10})\.?[\s-]{1,5}(\d{1,2}),?\s{1,5}(?:.{0,40}?\s)?(\d{4})\b")
_YEAR_MONTH_DAY = re.compile(r"\b(\d{4})\s?[-/.年년]\s?(\d{1,2})\s?[-/.月월]\s?(\d{1,2})")
_TIME = re.compile(r"(\d{1,2})[:.](\d{2})(?:[:.](\d{2}))?(?:[.,]\d{1,9})?\s{0,3}([AaPp][Mm]\b)?(.{0,40})")
_ZONE_NUMBER = re.compile(r"\s{0,5}\(?(?:GMT|UTC?)?\s?([+-])(\d{1,2}):?(\d{2})?(?!\d|:)", re.IGNORECASE)
_ZONE_NAME = re.compile(r"\s{0,5}\(?([A-Za-z]{1,5})\b")
_ZONE_LATER = re.compile(r"(?:^|\s)(?:GMT|UTC)?([+-])(\d{2}):?(\d{2})\b")


class Written(NamedTuple):
    """An instant in UTC and the writer's offset from UTC in seconds."""

    instant: datetime
    utc_offset: int


class Dated(NamedTuple):
    written: Written
    source: DateSource
    problem: Problem | None


def read_date(text: str) -> Written | None:
    """The date in `text`, or None where it holds none. A zone that is missing or unknown counts as UTC."""
    match = _STANDARD.match(text)
    if match is not None and (month := _MONTHS.get(match[2].lower())) is not None:
        day, _, year, hour, minute, second, sign, hours, minutes = match.groups()
        return _written(int(year), month, int(day), (int(hour), int(minute), int(second or 0)), (sign, hours, minutes))
    calendar_day = _calendar_day(text)
    if calendar_day is None:
        return None
    year_number, month_number, day_number, rest = calendar_day
    time = _TIME.search(rest)
    if time is None:
        return _written(year_number, month_number, day_number, (0, 0, 0), None)
    hour_number = int(time[1])
    if time[4]:
        hour_number = hour_number % 12 + (12 if time[4].lower() == "pm" else 0)
    clock = (hour_number, int(time[2]), int(time[3] or 0))
    return _written(year_number, month_number, day_number, clock, _zone(time[5], rest))


def _calendar_day(text: str) -> tuple[int, int, int, str] | None:
    """(year, month, day, the text around it in which the time of day is)."""
    if (match := _DAY_MONTH_YEAR.search(text)) is not None and (month := _month(match[2])):
        return _full_year(match[3]), month, int(match[1]), text[match.end() :]
    for match in _MONTH_DAY_YEAR.finditer(text):
        if month := _month(match[1]):
            return int(match[3]), month, int(match[2]), text[match.end(2) :]
    if (match := _YEAR_MONTH_DAY.search(text)) is not None:
        return int(match[1]), int(match[2]), int(match[3]), text[match.end() :]
    return None


def _month(name: str) -> int:
    name = name.lower()
    return _MONTHS.get(name) or _MONTHS.get(name[:3], 0)


def _full_year(digits: str) -> int:
    """RFC 5322, section 4.3: two digits are 1950 to 2049, three digits count from 1900."""
    year = int(digits)
    if len(digits) == 2:
        return year + (2000 if year < 50 else 1900)
    return year + 1900 if len(digits) == 3 else year


def _zone(after_time: str, rest: str) -> tuple[str, str, str] | None:
    """(sign, hours, minutes), or None for UTC."""
    if (match := _ZONE_NUMBER.match(after_time)) is not None:
        return match[1], match[2], match[3] or "00"
    if (match := _ZONE_NAME.match(after_time)) is not None and (hours := _ZONES.get(match[1].upper())) is not None:
        return "-" if hours < 0 else "+", str(abs(hours)), "00"
    if (match := _ZONE_LATER.search(rest)) is not None:
        return match[1], match[2], match[3]
    return None


def _written(
    year: int, month: int, day: int, clock: tuple[int, int, int], zone: tuple[str, str, str] | None
) -> Written | None:
    offset = 0
    if zone is not None:
        sign, hours, minutes = zone
        seconds = int(hours) * 3600 + int(minutes) * 60
        # No clock on Earth is more than 14 hours from UTC.
        offset = (-seconds if sign == "-" else seconds) if seconds <= 14 * 3600 else 0
    hour, minute, second = clock
    try:
        local = datetime(year, month, day, hour, minute, min(second, 59), tzinfo=timezone(timedelta(seconds=offset)))
        return Written(local.astimezone(UTC), offset)
    except (ValueError, OverflowError):
        return None


def _plausible(written: Written | None, now: datetime) -> bool:
    return written is not None and EARLIEST <= written.instant <= now + LATEST_AHEAD


def _read(value: bytes) -> Written | None:
    return read_date(decode_raw(unfold(value[-_MAX_VALUE_BYTES:])))


def date_message(date: bytes | None, received: list[bytes], *, source_date: datetime | None, now: datetime) -> Dated:
    """The best date there is: the Date header, the newest Received line, the source's date, `now`.

    Each has to be plausible: from 1971 on and at most two days ahead of `now`. The newest Received line is the first
    one: each server puts its own on top. A Date header that cannot be used is a problem; one that is missing is a
    problem only where no Received line can stand in for it, as the date is then a guess.
    """
    now = now.astimezone(UTC)
    written = _read(date) if date is not None else None
    if written is not None and _plausible(written, now):
        return Dated(written, DateSource.DATE, None)
    problem = None
    if date is not None and date.strip():
        reason = "cannot be read" if written is None else "is before 1971 or in the future"
        problem = Problem(ProblemCode.BAD_DATE, f"the Date header {reason}")
    for value in received[:_MAX_RECEIVED]:
        stamp = _read(value.rpartition(b";")[2])
        if stamp is not None and _plausible(stamp, now):
            return Dated(stamp, DateSource.RECEIVED, problem)
    problem = problem or Problem(ProblemCode.BAD_DATE, "there is no Date header and no Received line with a date")
    if source_date is not None:
        aware = source_date if source_date.tzinfo is not None else source_date.replace(tzinfo=UTC)
        offset = aware.utcoffset() or timedelta()
        try:
            from_source = Written(aware.astimezone(UTC), int(offset.total_seconds()))
        except OverflowError:
            from_source = None
        if from_source is not None and _plausible(from_source, now):
            return Dated(from_source, DateSource.SOURCE, problem)
    return Dated(Written(now, 0), DateSource.IMPORT, problem)
