"""The header fields in which mail programs keep their own state of a message inside an mbox."""

import re
from dataclasses import dataclass

from mailquery.domain.messages import Flag

# Programs put these above everything that came over the wire; the same names further down were set by the sender.
_ON_TOP = re.compile(
    rb"(?:(?:X-Account-Key|X-UIDL|X-Mozilla-[A-Za-z0-9-]+|X-GM-THRID|X-Gmail-Labels)[ \t]*:.*\n(?:[ \t].*\n)*)+",
    re.IGNORECASE,
)
_TOP_FIELD = re.compile(rb"^([A-Za-z0-9-]+)[ \t]*:((?:.*\n)(?:[ \t].*\n)*)", re.MULTILINE)
_STATUS = re.compile(rb"^(x-)?status:[ \t]*([a-z]*)[ \t]*\r?$", re.MULTILINE)

# Mozilla's nsMsgMessageFlags.
_MOZILLA_READ, _MOZILLA_REPLIED, _MOZILLA_MARKED = 0x0001, 0x0002, 0x0004
_MOZILLA_EXPUNGED, _MOZILLA_FORWARDED = 0x0008, 0x1000
_MOZILLA2_IMAP_DELETED = 0x00200000

_HEADER_LIMIT = 256 * 1024  # bytes; what is longer was made to cost time

_STATUS_FLAGS = {b"r": Flag.SEEN}
_X_STATUS_FLAGS = {b"a": Flag.ANSWERED, b"f": Flag.FLAGGED, b"t": Flag.DRAFT, b"d": Flag.DELETED}


@dataclass(frozen=True, slots=True)
class StoredState:
    """`flags` is None where nothing is said; `expunged` is a message that its program has removed already."""

    flags: Flag | None = None
    expunged: bool = False
    gmail_labels: bytes | None = None  # the field's value, still encoded
    gmail_thread_id: str = ""


NO_STATE = StoredState()


def read_state(header: bytes) -> StoredState:
    """What `header`, a message's header with its line feeds, says about the message's state."""
    header = header[:_HEADER_LIMIT]
    on_top = _ON_TOP.match(header) if header[:1] in b"Xx" and header else None
    flags = _status_flags(header)
    if on_top is None:
        return NO_STATE if flags is None else StoredState(flags)
    fields = {match[1].lower(): match[2] for match in _TOP_FIELD.finditer(on_top[0])}
    mozilla = _hexadecimal(fields.get(b"x-mozilla-status"))
    if mozilla is not None:
        flags = (flags or Flag(0)) | _mozilla_flags(mozilla, _hexadecimal(fields.get(b"x-mozilla-status2")) or 0)
    thread = fields.get(b"x-gm-thrid", b"").strip()
    return StoredState(
        flags=flags,
        expunged=bool(mozilla and mozilla & _MOZILLA_EXPUNGED),
        gmail_labels=fields.get(b"x-gmail-labels"),
        gmail_thread_id=thread.decode("ascii") if thread.isdigit() and len(thread) <= 20 else "",
    )


def _status_flags(header: bytes) -> Flag | None:
    lower = header.lower()
    # Two plain searches: the expression costs more than all else here, and most messages have neither field.
    if b"\nstatus:" not in lower and b"\nx-status:" not in lower and not lower.startswith((b"status:", b"x-status:")):
        return None
    flags = None
    for match in _STATUS.finditer(lower):
        known = _X_STATUS_FLAGS if match[1] else _STATUS_FLAGS
        flags = flags or Flag(0)
        for letter, flag in known.items():
            if letter in match[2]:
                flags |= flag
    return flags


def _hexadecimal(value: bytes | None) -> int | None:
    try:
        return None if value is None else int(value, 16)
    except ValueError:
        return None


def _mozilla_flags(status: int, status2: int) -> Flag:
    flags = Flag(0)
    for bit, flag in (
        (_MOZILLA_READ, Flag.SEEN),
        (_MOZILLA_REPLIED, Flag.ANSWERED),
        (_MOZILLA_MARKED, Flag.FLAGGED),
        (_MOZILLA_FORWARDED, Flag.FORWARDED),
    ):
        if status & bit:
            flags |= flag
    return flags | Flag.DELETED if status2 & _MOZILLA2_IMAP_DELETED else flags
