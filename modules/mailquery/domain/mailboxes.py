"""Where a message lies: accounts and their mailboxes. A label is a mailbox too."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache, reduce
from operator import and_, or_

from mailquery.domain.messages import Flag


class MailboxRole(StrEnum):
    """What a mailbox is for (RFC 6154, and INBOX of RFC 9051)."""

    INBOX = "inbox"
    SENT = "sent"
    DRAFTS = "drafts"
    ARCHIVE = "archive"
    JUNK = "junk"
    TRASH = "trash"
    ALL = "all"
    FLAGGED = "flagged"
    IMPORTANT = "important"
    NONE = ""


@lru_cache(maxsize=1024)
def folded_name(name: str) -> str:
    """A mailbox's or account's name without its case."""
    return name.casefold()


def is_called(mailbox: str, role: MailboxRole, name: str) -> bool:
    """Whether `name`, folded, means this mailbox: its name, the last element of its path, or its role."""
    own = folded_name(mailbox)
    return name in (own, own.rpartition("/")[2]) or (name == role.value and name != "")


@dataclass(frozen=True, slots=True)
class Placement:
    """One message in one mailbox. `flags` is None where the source keeps none: the message then counts as read."""

    mailbox: str
    flags: Flag | None
    locator: str  # where in the source: a path, with "#byte offset" in an mbox


def over_all(placements: Iterable[int]) -> int:
    """The flags of a message by those of its placements: of those on the server, where there are any. It is gone, or
    hidden, where it is so everywhere."""
    every = list(placements)
    live = [flags for flags in every if not flags & Flag.GONE.value]
    union = reduce(or_, live or every, 0)
    if live or not every:
        return union
    return union & ~Flag.HIDDEN.value | reduce(and_, every) & Flag.HIDDEN.value


class DistinctNames:
    """Tells apart what has the same name: `Work`, `Work (2)`, `Work (3)`. In time that grows with their number alone,
    as a server may list any number of one name."""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._taken = set(taken)
        self._counts: dict[str, int] = {}

    def of(self, name: str) -> str:
        """This name, or with a number where it is taken; it is taken from then on."""
        distinct, count = name, self._counts.get(name, 1)
        while distinct in self._taken:
            count += 1
            distinct = f"{name} ({count})"
        self._counts[name] = count
        self._taken.add(distinct)
        return distinct
