"""What messages are counted by, and the counts."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class GroupBy(StrEnum):
    SENDER = "sender"
    DOMAIN = "domain"
    RECIPIENT = "recipient"
    MAILBOX = "mailbox"
    LIST = "list"
    ATTACHMENT_TYPE = "attachment_type"
    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"


@dataclass(frozen=True, slots=True)
class Group:
    """`key` is an address, a domain, a mailbox's or a list's name, a kind of attachment (`domain.media`), an hour of
    the day (00 to 23), or a period: 2026-03-09, 2026-W11, 2026-03, 2026. It is empty for messages that have none, such
    as those without a sender.

    Where there is a second grouping, `parts` are the group's largest (or newest) groups by it, of `part_count`, and
    `placed` is the sum of the messages of all of those.
    """

    key: str
    messages: int
    bytes: int
    unread: int
    first: datetime
    last: datetime
    account: str = ""  # of a mailbox
    parts: tuple["Group", ...] = ()
    part_count: int = 0
    placed: int = 0


@dataclass(frozen=True, slots=True)
class Statistics:
    """`groups` are the largest (or, for periods, the newest) ones; `messages`, `bytes`, `unread`, `first` and `last`
    are of all that match. `placed` is the sum of the messages of all groups: more than `messages` where some stand in
    several groups."""

    groups: tuple[Group, ...]
    group_count: int
    messages: int
    bytes: int
    placed: int
    unread: int = 0
    first: datetime | None = None
    last: datetime | None = None
