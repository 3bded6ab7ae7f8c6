"""Which mailboxes of a server are wanted: patterns of their names."""

from collections.abc import Sequence
from fnmatch import fnmatchcase


def is_wanted(name: str, include: Sequence[str], exclude: Sequence[str]) -> bool:
    """Whether any of `include` matches, or there are none, and none of `exclude`. `name` is with "/" between the
    elements of its path. Patterns have `*` and `?`, match without regard to case, and match what lies below: `Work`
    is `Work/2024`, too."""
    folded = name.casefold()
    return (not include or _matches(folded, include)) and not _matches(folded, exclude)


def _matches(name: str, patterns: Sequence[str]) -> bool:
    return any(
        fnmatchcase(name, pattern) or fnmatchcase(name, f"{pattern.rstrip('/')}/*")
        for pattern in (each.strip().casefold() for each in patterns)
        if pattern
    )
