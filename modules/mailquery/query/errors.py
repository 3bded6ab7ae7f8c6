"""Errors of the search language: they point at the place, say what was expected, and name the nearest spelling."""

import unicodedata
from collections.abc import Sequence

from mcpkit.errors import ErrorCode, Fault

_SHOWN = 80  # columns of the query around the place that the pointer shows


def syntax_fault(
    source: str, position: int, message: str, *, expected: Sequence[str] = (), did_you_mean: str = ""
) -> Fault:
    """A `QUERY_SYNTAX` fault at `position`, counted in characters from 0.

    `details` holds `query`, `position`, `pointer` (two lines: the query around the place, and a caret below it), and,
    where they help, `expected` (what may stand there) and `did_you_mean` (a spelling that is understood).
    """
    sentence = f"{message} (character {position + 1} of the query)."
    if did_you_mean:
        sentence += f" Did you mean {did_you_mean}?"
    if expected:
        sentence += f" Expected: {', '.join(expected)}."
    details: dict[str, object] = {"query": source, "position": position, "pointer": _pointer(source, position)}
    if expected:
        details["expected"] = list(expected)
    if did_you_mean:
        details["did_you_mean"] = did_you_mean
    return Fault(ErrorCode.QUERY_SYNTAX, sentence, details=details)


def _pointer(source: str, position: int) -> str:
    start = max(0, min(position - _SHOWN // 2, len(source) - _SHOWN))
    end = min(len(source), start + _SHOWN)
    before = "…" if start else ""
    after = "…" if end < len(source) else ""
    line = before + "".join(" " if c.isspace() else c for c in source[start:end]) + after
    column = sum(_columns(c) for c in before + source[start:position])
    return f"{line}\n{' ' * column}^"


def _columns(character: str) -> int:
    """How wide a terminal draws it (UAX #11)."""
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
