"""Which mailboxes of an account are wanted: patterns of their names, much as IMAP's LIST has them (RFC 9051, section
6.3.9).

`*` stands for any text, `%` for any text without "/"; everything else for itself, in any case. What matches has what
lies below it, too: `Work` is `Work/2026` as well, and `%/2026` is not `Old/Work/2026`. A pattern that begins with a
backslash is a role: `\\Junk` is the mailbox for junk, whatever it is called there. Roles are \\Inbox, \\Sent, \\Drafts,
\\Archive, \\Junk, \\Trash, \\All, \\Flagged and \\Important.
"""

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

from mailquery.domain.mailboxes import MailboxRole
from mcpkit.errors import ErrorCode, Fault

_LONGEST = 1000  # characters
_ROLES = {f"\\{role.value}": role for role in MailboxRole if role}


def check(pattern: str) -> None:
    """
    Raises:
        Fault: VALIDATION_ERROR where it is no pattern.
    """
    if not pattern.strip() or len(pattern) > _LONGEST:
        raise Fault(ErrorCode.VALIDATION_ERROR, f"A pattern of mailbox names has 1 to {_LONGEST} characters.")
    if pattern.startswith("\\") and _folded(pattern) not in _ROLES:
        known = ", ".join(f"\\{role.value.capitalize()}" for role in _ROLES.values())
        raise Fault(ErrorCode.VALIDATION_ERROR, f"{pattern!r} is no role of a mailbox. Roles are {known}.")


def is_wanted(name: str, include: Sequence[str], exclude: Sequence[str], role: MailboxRole = MailboxRole.NONE) -> bool:
    """Whether any of `include` matches, or there are none, and none of `exclude`. `name` is with "/" between the
    elements of its path."""
    folded = _folded(name)
    return (not include or _any_matches(folded, role, include)) and not _any_matches(folded, role, exclude)


def _any_matches(name: str, role: MailboxRole, patterns: Sequence[str]) -> bool:
    return any(_matches(name, role, _folded(pattern)) for pattern in patterns)


def _matches(name: str, role: MailboxRole, pattern: str) -> bool:
    if pattern.startswith("\\"):
        return role is not MailboxRole.NONE and _ROLES.get(pattern) is role
    return bool(pattern) and _fits(name, pattern)


def _fits(name: str, pattern: str) -> bool:
    """In time that grows with the product of both lengths, whatever the pattern: nothing goes back."""
    reached = {0}
    for part in _parts(pattern):
        if part == "*":
            reached = set(range(min(reached), len(name) + 1))
        elif part == "%":
            reached = _within_elements(name, reached)
        else:
            reached = {start + len(part) for start in reached if name.startswith(part, start)}
        if not reached:
            return False
    return any(end == len(name) or (name[end] == "/" and end > 0) for end in reached)


def _within_elements(name: str, starts: set[int]) -> set[int]:
    """Where one can be without passing a "/"."""
    reached: set[int] = set()
    covered = -1
    for start in sorted(starts):
        if start > covered:
            end = name.find("/", start)
            covered = len(name) if end < 0 else end
            reached.update(range(start, covered + 1))
    return reached


@lru_cache(maxsize=256)
def _parts(pattern: str) -> tuple[str, ...]:
    return tuple(part for part in re.split(r"([*%])", pattern) if part)


@lru_cache(maxsize=4096)
def _folded(name: str) -> str:
    """Without differences of case and composition, and without a "/" at its end: that only says that it is a folder."""
    return unicodedata.normalize("NFC", name.strip()).casefold().rstrip("/")
