"""Lengths of time in a person's units."""

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
