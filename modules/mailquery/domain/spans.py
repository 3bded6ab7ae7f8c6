"""Lengths of time in a person's units."""

from mailquery.domain.counts import plural

_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400  # seconds


def readable(seconds: int) -> str:
    """Two units at most: 45 s, 12 min, 3 h 20 min, 2 d 4 h."""
    if seconds < _MINUTE:
        return f"{seconds} s"
    if seconds < _HOUR:
        return f"{seconds // _MINUTE} min"
    large, small, units = (_HOUR, _MINUTE, ("h", "min")) if seconds < _DAY else (_DAY, _HOUR, ("d", "h"))
    whole, rest = seconds // large, seconds % large // small
    return f"{whole:,} {units[0]}" + (f" {rest} {units[1]}" if rest else "")


def ago(seconds: float) -> str:
    """One unit: 2 days ago, 1 hour ago, less than a minute ago."""
    for unit, name in ((_DAY, "day"), (_HOUR, "hour"), (_MINUTE, "minute")):
        if (count := int(seconds // unit)) >= 1:
            return f"{plural(count, name)} ago"
    return "less than a minute ago"
