"""Sets of UIDs in commands: of a length, and of so many messages, that servers take (RFC 9051, section 9; RFC 9738)."""

import re
from bisect import bisect_right

from mailquery.domain.uids import UidSet

_SET = 4000  # characters of a set of UIDs in one command; servers take lines of 8,000 (RFC 7162, section 4)
_LIMIT = re.compile(rb"MESSAGELIMIT=(\d{1,10})\Z")


class Members:
    """Whether a UID is one of a set, quickly: by bisection of its ranges."""

    def __init__(self, uids: UidSet) -> None:
        self._firsts = [first for first, _ in uids.ranges]
        self._lasts = [last for _, last in uids.ranges]

    def __contains__(self, uid: int) -> bool:
        at = bisect_right(self._firsts, uid)
        return at > 0 and uid <= self._lasts[at - 1]


def most_at_once(capabilities: frozenset[bytes], default: int) -> int:
    """Messages that one command may ask for (RFC 9738); `default` where the server names no limit."""
    limits = (_LIMIT.match(capability) for capability in capabilities)
    return max(1, min((int(found[1]) for found in limits if found), default=default))


def sets_of(uids: UidSet, at_once: int) -> list[bytes]:
    """Of a length, and of so many messages, that servers take in a command."""
    return [text for part in uids.split(at_once) for text in _texts(part)]


def _texts(uids: UidSet) -> list[bytes]:
    sets: list[bytes] = []
    taken: list[bytes] = []
    length = 0
    for first, last in uids.ranges:
        text = b"%d" % first if first == last else b"%d:%d" % (first, last)
        if length + len(text) > _SET and taken:
            sets.append(b",".join(taken))
            length, taken = 0, []
        taken.append(text)
        length += len(text) + 1
    if taken:
        sets.append(b",".join(taken))
    return sets
