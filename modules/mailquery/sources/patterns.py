"""Which mailboxes of an account are synchronised: patterns of their names, as IMAP's LIST has them (RFC 9051, section
6.3.9).

`*` stands for any text, `%` for any text without "/"; everything else for itself, in any case. `Lists/*` is all that
lies in Lists, at any depth, `Lists/%` what lies directly in it; `Lists` is that mailbox alone. A pattern that begins
with a backslash is a role: `\\Junk` is the mailbox for junk, whatever it is called there. The roles are \\Inbox, \\Sent,
\\Drafts, \\Archive, \\Junk, \\Trash, \\All, \\Flagged and \\Important.
"""

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

from mailquery.domain.mailboxes import MailboxRole
from mailquery.sources.remote import RemoteMailbox
from mcpkit.errors import ErrorCode, Fault

_LONGEST = 1000  # characters
_ROLES = {f"\\{role.value}": role for role in MailboxRole if role}


def check(pattern: str) -> None:
    """
    Raises:
        Fault: VALIDATION_ERROR where it is no pattern.
    """
    if not pattern or len(pattern) > _LONGEST:
        raise Fault(ErrorCode.VALIDATION_ERROR, f"A pattern of mailbox names has 1 to {_LONGEST} characters.")
    if pattern.startswith("\\") and pattern.lower() not in _ROLES:
        known = ", ".join(f"\\{role.value.capitalize()}" for role in _ROLES.values())
        raise Fault(ErrorCode.VALIDATION_ERROR, f"{pattern!r} is no role of a mailbox. Roles are {known}.")


def is_chosen(mailbox: RemoteMailbox, include: Sequence[str], exclude: Sequence[str]) -> bool:
    """Whether it can be opened, is included, as all are where `include` is empty, and is not excluded."""
    if not mailbox.selectable or any(matches(mailbox, pattern) for pattern in exclude):
        return False
    return not include or any(matches(mailbox, pattern) for pattern in include)


def matches(mailbox: RemoteMailbox, pattern: str) -> bool:
    if pattern.startswith("\\"):
        return mailbox.role is not MailboxRole.NONE and _ROLES.get(pattern.lower()) is mailbox.role
    return _fits(_folded(mailbox.name), _folded(pattern))


def _fits(name: str, pattern: str) -> bool:
    """In time that grows with the product of both lengths, whatever the pattern: no expression that goes back."""
    parts = _parts(pattern)
    reached = {0}
    for part in parts:
        if part == "*":
            reached = set(range(min(reached), len(name) + 1))
        elif part == "%":
            reached = _within_elements(name, reached)
        else:
            reached = {start + len(part) for start in reached if name.startswith(part, start)}
        if not reached:
            return False
    return len(name) in reached


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
    return unicodedata.normalize("NFC", name).casefold()
