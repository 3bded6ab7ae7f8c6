"""The line that begins a message in an mbox: "From ", the envelope sender, and a date (RFC 4155, appendix A).

There is no standard that writers keep to. Seen are asctime with and without seconds, with a zone before or after the
year, RFC 5322 dates, ISO 8601, no sender ("From - ..."), senders with spaces, and Thunderbird's bare "From ".
"""

import re
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from functools import lru_cache

MAX_FROM_LINE = 2048

_MONTHS = {m: n for n, m in enumerate(b"jan feb mar apr may jun jul aug sep oct nov dec".split(), 1)}
_DAY = rb"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)"
_MONTH = rb"(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_TIME = rb"(\d{1,2}):(\d\d)(?::(\d\d)(?:\.\d+)?)?"
_ZONE = rb"(?:[A-Z]{1,5}(?:[+-]\d{1,4})?|[+-]\d\d:?\d\d|\([^()]{1,40}\))"
_ASCTIME = re.compile(
    _DAY + rb",?[ \t]+" + _MONTH + rb"[ \t]+(\d{1,2})[ \t]+" + _TIME + rb"((?:[ \t]+" + _ZONE + rb"){0,2})[ \t]+"
    rb"(\d{4}|\d\d)((?:[ \t]+" + _ZONE + rb"){0,2})(?:[ \t]+remote from [^\n]*)?[ \t]*\Z",
    re.IGNORECASE,
)
_RFC_DATE = re.compile(
    rb"(?:" + _DAY + rb",[ \t]*)?(\d{1,2})[ \t-]+" + _MONTH + rb"[ \t-]+(\d{4}|\d\d)[ \t]+" + _TIME
    + rb"((?:[ \t]+" + _ZONE + rb"){0,2})[ \t]*\Z",
    re.IGNORECASE,
)  # fmt: skip
_ISO_DATE = re.compile(rb"(\d{4})-(\d\d)-(\d\d)[T \t]+" + _TIME + rb"[ \t]*((?:Z|[+-]\d\d:?\d\d)?)[ \t]*\Z")
# Where a date can begin: a cheap first look that also keeps hostile lines from costing more than their length.
_DATE_START = re.compile(rb"(?<=[ \t])(?:" + _DAY + rb"[, \t]|\d{1,2}[ -][A-Z][a-z][a-z][ -]|\d{4}-\d\d-)", re.I)

_SENDER = re.compile(rb'(?:"[^"]*"[^ \t]*|[^ \t]+(?:[ \t]+at[ \t]+[^ \t]+)?)?\Z', re.IGNORECASE)
_OFFSET = re.compile(rb"([+-])(\d\d):?(\d\d)")
_NAMED_ZONES = {b"EST": -5, b"EDT": -4, b"CST": -6, b"CDT": -5, b"MST": -7, b"MDT": -6, b"PST": -8, b"PDT": -7}
_FIELD = re.compile(rb"(?:>?From |[!-9;-~]{1,128}[ \t]*:)")
_NO_DATE = re.compile(rb"From (?:-|\?\?\?[^\n]*)?[ \t]*\r?\Z")


class Grade(IntEnum):
    """How surely a line that begins with "From " is a From_ line."""

    NONE = 0
    LOOSE = 1  # only if a header field follows: a sender with spaces, or no date
    STRICT = 2


@lru_cache(maxsize=16)  # a line is graded first and its date read later
def _match(line: bytes) -> tuple[int, re.Match[bytes], re.Pattern[bytes]] | None:
    for start in _DATE_START.finditer(line, 4):
        for pattern in (_ASCTIME, _RFC_DATE, _ISO_DATE):
            if (match := pattern.match(line, start.start())) is not None:
                return start.start(), match, pattern
    return None


def grade(line: bytes) -> Grade:
    """The grade of a line that begins with "From ", without its line feed."""
    line = line.rstrip(b"\r")
    found = _match(line)
    if found is None:
        return Grade.LOOSE if _NO_DATE.match(line) else Grade.NONE
    return Grade.STRICT if _SENDER.match(line[5 : found[0]].strip()) else Grade.LOOSE


def begins_header(data: bytes, at: int) -> bool:
    """Whether a header field (RFC 5322, section 2.2) begins there."""
    return _FIELD.match(data, at) is not None


def begins_mbox(head: bytes) -> bool:
    """Whether a file that begins with `head` is an mbox."""
    head = head.removeprefix(b"\xef\xbb\xbf").lstrip(b"\r\n\0")
    if not head.startswith(b"From "):
        return False
    end = head.find(b"\n", 0, MAX_FROM_LINE)
    line = head[:end] if end >= 0 else head[:MAX_FROM_LINE]
    level = grade(line)
    return level is Grade.STRICT or (level is Grade.LOOSE and end >= 0 and begins_header(head, end + 1))


def _offset(zones: bytes) -> timedelta:
    if (match := _OFFSET.search(zones)) is not None:
        minutes = int(match[2]) * 60 + int(match[3])
        if minutes > 24 * 60:
            return timedelta()  # no place on earth
        return timedelta(minutes=-minutes if match[1] == b"-" else minutes)
    for word in zones.upper().split():
        if word in _NAMED_ZONES:
            return timedelta(hours=_NAMED_ZONES[word])
    return timedelta()  # asctime has no zone; most writers mean UTC


def date_of(line: bytes) -> datetime | None:
    """The date of a From_ line in UTC. None where there is none or where it says nothing: the epoch of 1970."""
    found = _match(line.rstrip(b"\r"))
    if found is None:
        return None
    _, match, pattern = found
    if pattern is _ASCTIME:
        month, day, hour, minute, second, before, year, after = match.groups()
        zones = before + after
        month_number = _MONTHS[month.lower()]
    elif pattern is _RFC_DATE:
        day, month, year, hour, minute, second, zones = match.groups()
        month_number = _MONTHS[month.lower()]
    else:
        year, month, day, hour, minute, second, zones = match.groups()
        month_number = int(month)
    full_year = int(year) if len(year) == 4 else int(year) + (1900 if int(year) >= 70 else 2000)
    try:
        local = datetime(
            full_year, month_number, int(day), int(hour), int(minute), min(int(second or 0), 59), tzinfo=UTC
        )
        date = local - _offset(zones)
    except (ValueError, OverflowError):
        return None
    return date if date.year >= 1971 else None
