"""What FETCH responses say of messages (RFC 9051, section 7.5.2; Gmail's IMAP extensions; RFC 8474)."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache

from mailquery.domain.messages import Flag
from mailquery.sources.imap.responses import Parts, Value, number, pairs, text, values
from mailquery.sources.remote import FlagChange, RemoteMessage

_FLAGS = {
    b"\\SEEN": Flag.SEEN,
    b"\\ANSWERED": Flag.ANSWERED,
    b"\\FLAGGED": Flag.FLAGGED,
    b"\\DRAFT": Flag.DRAFT,
    b"\\DELETED": Flag.DELETED,
    b"$FORWARDED": Flag.FORWARDED,
    b"FORWARDED": Flag.FORWARDED,
    b"\\FORWARDED": Flag.FORWARDED,
}
# The shapes that servers answer in, which a million messages have; any other is read value by value.
_DESCRIBED = re.compile(
    rb"\d+ FETCH \(UID (\d{1,10}) FLAGS \(([^()\"]*)\) INTERNALDATE \"([^\"]{20,30})\" RFC822\.SIZE (\d{1,15})\)\Z"
)
_FLAGGED = re.compile(rb"\d+ FETCH \(UID (\d{1,10})(?: MODSEQ \(\d+\))? FLAGS \(([^()\"]*)\)(?: MODSEQ \(\d+\))?\)\Z")
_WHOLE = re.compile(rb"\d+ FETCH \(UID (\d{1,10}) BODY\[\] \{\d+\}\Z")
_DATE = re.compile(rb" ?(\d{1,2})-([A-Za-z]{3})-(\d{4}) (\d\d):(\d\d):(\d\d)(?: ([+-])(\d\d)(\d\d))?\Z")
_MONTHS = {
    name: number
    for number, name in enumerate(
        (b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov", b"dec"), start=1
    )
}

Labels = Callable[[Value], tuple[str, ...]]
"""Names of mailboxes, of the value of X-GM-LABELS."""


def attributes(parts: Parts) -> dict[bytes, Value]:
    """Of one FETCH response, by name in capitals; empty for any other."""
    found = values(parts)
    if len(found) != 3 or not isinstance(found[1], bytes) or found[1].upper() != b"FETCH":
        return {}
    return dict(pairs(found[2]))


def is_fetch(parts: Parts) -> bool:
    return parts[0].partition(b" ")[2][:6].upper() == b"FETCH "


def described(parts: Parts, labels: Labels) -> RemoteMessage | None:
    """None where something is missing: a change of flags that nobody asked for."""
    if len(parts) == 1 and (match := _DESCRIBED.match(parts[0])):
        uid, flags, received, size = match.groups()
        return RemoteMessage(int(uid), flags_of(flags), int(size), date_of(received))
    known = attributes(parts)
    found_uid, found_size = uid_of(known), number(known.get(b"RFC822.SIZE"))
    if found_uid is None or found_size is None:
        return None
    received = known.get(b"INTERNALDATE")
    return RemoteMessage(
        uid=found_uid,
        flags=_listed_flags(known.get(b"FLAGS")),
        size=found_size,
        received=date_of(received) if isinstance(received, bytes) else None,
        content_id=_content_id(known),
        gmail_thread_id=text(known.get(b"X-GM-THRID"))[:64],
        labels=labels(known.get(b"X-GM-LABELS")),
    )


def flagged(parts: Parts, labels: Labels) -> FlagChange | None:
    if len(parts) == 1 and (match := _FLAGGED.match(parts[0])):
        return FlagChange(int(match[1]), flags_of(match[2]))
    known = attributes(parts)
    uid = uid_of(known)
    if uid is None or b"FLAGS" not in known:
        return None
    return FlagChange(uid, _listed_flags(known[b"FLAGS"]), labels(known.get(b"X-GM-LABELS")))


def whole(parts: Parts) -> tuple[int | None, bytes]:
    """The UID of a message and all of it; None where the response gives no message."""
    if len(parts) == 3 and parts[2] == b")" and (match := _WHOLE.match(parts[0])):
        return int(match[1]), parts[1]
    known = attributes(parts)
    content = known.get(b"BODY[]")
    return (uid_of(known), content) if isinstance(content, bytes) else (None, b"")


def uid_of(known: dict[bytes, Value]) -> int | None:
    return number(known.get(b"UID"), 0xFFFFFFFF) or None


@lru_cache(maxsize=4096)
def flags_of(raw: bytes) -> Flag:
    """Of what is between the parentheses. Keywords that mean nothing here are left out."""
    flags = Flag(0)
    for flag in raw.upper().split():
        flags |= _FLAGS.get(flag, Flag(0))
    return flags


@lru_cache(maxsize=1024)
def date_of(raw: bytes) -> datetime | None:
    """`01-Nov-2026 10:00:00 +0100` as UTC; None where it is no date."""
    match = _DATE.match(raw)
    month = _MONTHS.get(match[2].lower()) if match else None
    if match is None or month is None:
        return None
    day, _, year, hour, minute, second, sign, hours, minutes = match.groups()
    offset = timedelta(hours=int(hours), minutes=int(minutes)) if sign else timedelta(0)
    try:
        zone = timezone(-offset if sign == b"-" else offset)
        # A second of 60 is a leap second.
        return datetime(
            int(year), month, int(day), int(hour), int(minute), min(int(second), 59), tzinfo=zone
        ).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _listed_flags(value: Value) -> Flag:
    if not isinstance(value, list):
        return Flag(0)
    return flags_of(b" ".join(flag for flag in value if isinstance(flag, bytes)))


def _content_id(known: dict[bytes, Value]) -> str:
    """X-GM-MSGID, or EMAILID (RFC 8474, section 5.1), which is in parentheses."""
    gmail = known.get(b"X-GM-MSGID")
    if isinstance(gmail, bytes):
        return text(gmail)[:64]
    email_id = known.get(b"EMAILID")
    if isinstance(email_id, list) and email_id:
        return text(email_id[0])[:255]
    return ""
