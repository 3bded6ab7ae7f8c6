"""Text that somebody else chose, made safe to show: nothing invisible, nothing that reorders, nothing that controls.

Removed are the control characters (Cc, except tab and line feed in blocks), format characters (Cf: zero-width ones,
the bidirectional embeddings and isolates of UAX #9, tags of U+E0000-E007F, the soft hyphen), lone surrogates (Cs), the
variation selectors other than those of emoji, and the Hangul and Khmer fillers that show as nothing. ZWJ and ZWNJ stay
between letters, where Persian, the Indic scripts and emoji need them.
"""

import re
import unicodedata
from dataclasses import dataclass

_KEPT_JOINERS = "\u200c\u200d"
_INVISIBLE = re.compile(
    "[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f"  # controls, less tab, line feed and carriage return
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb"
    "\ufe00-\ufe0d"  # variation selectors; VS15 and VS16 choose between text and emoji
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
    "\ud800-\udfff]"
)
# A joiner that joins nothing: at an edge, beside ASCII or white space, or after another joiner.
_LOOSE_JOINER = re.compile(
    f"(?<![^\\x00-\\x7f\\s{_KEPT_JOINERS}])[{_KEPT_JOINERS}]+|[{_KEPT_JOINERS}]+(?![^\\x00-\\x7f\\s{_KEPT_JOINERS}])"
)
_RUN = re.compile(f"[{_KEPT_JOINERS}]{{2,}}|[\ufe0e\ufe0f]{{2,}}")
_RUN_OF_MARKS = re.compile(r"[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]{5,}")
_BREAKS = re.compile("\r\n|[\r\u2028\u2029]")
# Whatever one of the expressions above may find something of: most text beyond ASCII has none of it.
_SPECIAL = re.compile(
    "[\r\u2028\u2029\ufe0e\ufe0f\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
    f"{_KEPT_JOINERS}{_INVISIBLE.pattern[1:]}"
)
_PLAIN_LINE = re.compile(r"[\x20-\x7e]*")
_PLAIN_BLOCK = re.compile(r"[\x20-\x7e\n\t]*")
_MOST_MARKS = 4  # combining marks on one letter; more is no language but a tower


@dataclass(frozen=True, slots=True)
class Cleaned:
    """`removed` counts the characters that were invisible or could do something; `cut` says the text was longer."""

    text: str
    removed: int = 0
    cut: bool = False


def clean(text: str, *, limit: int | None = None, line: bool = False) -> Cleaned:
    """NFC text without what cannot be seen; as one line (runs of white space are one space) where `line`."""
    if (_PLAIN_LINE if line else _PLAIN_BLOCK).fullmatch(text):
        removed, result = 0, text
    elif _SPECIAL.search(text) is None:
        removed, result = 0, unicodedata.normalize("NFC", text)
    else:
        result = _BREAKS.sub("\n", text)
        result, removed = _INVISIBLE.subn("", result)
        before = len(result)
        result = _RUN.sub(lambda run: run.group()[0], result)
        result = _LOOSE_JOINER.sub("", result)
        result = _RUN_OF_MARKS.sub(lambda marks: marks.group()[:_MOST_MARKS], result)
        removed += before - len(result)
        result = unicodedata.normalize("NFC", result)
    if line:
        result = " ".join(result.split())
    if limit is not None and len(result) > limit:
        return Cleaned(_cut(result, limit), removed, cut=True)
    return Cleaned(result, removed)


def clean_line(text: str, limit: int | None = None) -> str:
    """One line of at most `limit` characters, an ellipsis included where it was cut."""
    return clean(text, limit=limit, line=True).text


def clean_block(text: str) -> str:
    """Text of several lines, each ended by a line feed."""
    return clean(text).text


def _cut(text: str, limit: int) -> str:
    """The first characters, not in the middle of a letter with its marks, and an ellipsis."""
    end = max(limit - 1, 0)
    while 0 < end < len(text) and (unicodedata.combining(text[end]) or text[end] in _KEPT_JOINERS):
        end -= 1
    return f"{text[:end].rstrip()}…"[:limit]
