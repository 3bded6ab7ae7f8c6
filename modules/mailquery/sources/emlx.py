"""Apple Mail's .emlx: a line with the message's size in bytes, the message, and a property list about it.

Where attachments were not downloaded or are kept apart, the file is called .partial.emlx.
"""

import plistlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from xml.parsers.expat import ExpatError

from mailquery.domain.messages import Flag, Problem, ProblemCode

_SIZE_LINE = re.compile(rb"[ \t]*(\d{1,12})[ \t]*\r?\n")
_PLIST_LIMIT = 1 << 20
# The number "flags" of the property list; documented by Jamie Zawinski (2005) and used by Thunderbird's importer.
_FLAGS = {
    1 << 0: Flag.SEEN,
    1 << 1: Flag.DELETED,
    1 << 2: Flag.ANSWERED,
    1 << 4: Flag.FLAGGED,
    1 << 6: Flag.DRAFT,
    1 << 8: Flag.FORWARDED,
}


@dataclass(frozen=True, slots=True)
class Unwrapped:
    raw: bytes
    flags: Flag | None
    received: datetime | None
    problems: tuple[Problem, ...]


def unwrap(data: bytes, *, partial: bool) -> Unwrapped | None:
    """The message inside; None where `data` does not begin with a size."""
    line = _SIZE_LINE.match(data)
    if line is None:
        return None
    end = line.end() + int(line[1])
    problems = []
    if end > len(data):
        problems.append(Problem(ProblemCode.TRUNCATED, "the file ends inside this message"))
    elif partial:
        problems.append(Problem(ProblemCode.TRUNCATED, "a partial copy: attachments were kept apart or not downloaded"))
    flags, received = _properties(data[end : end + _PLIST_LIMIT])
    return Unwrapped(data[line.end() : end], flags, received, tuple(problems))


def _properties(data: bytes) -> tuple[Flag | None, datetime | None]:
    try:
        properties = plistlib.loads(data.strip())
    except (plistlib.InvalidFileException, ExpatError, ValueError, LookupError, TypeError, AttributeError,
            OverflowError, RecursionError):  # fmt: skip
        return None, None  # all of these come out of plistlib for damaged input
    if not isinstance(properties, dict):
        return None, None
    number = properties.get("flags")
    flags = None
    if isinstance(number, int):
        flags = Flag(0)
        for bit, flag in _FLAGS.items():
            if number & bit:
                flags |= flag
    received = properties.get("date-received")
    try:
        date = datetime.fromtimestamp(received, UTC) if isinstance(received, int) and received > 86_400 else None
    except (ValueError, OverflowError, OSError):
        date = None
    return flags, date
