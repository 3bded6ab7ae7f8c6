"""Where a message lies: accounts and their mailboxes. A label is a mailbox too."""

from dataclasses import dataclass
from enum import StrEnum

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


@dataclass(frozen=True, slots=True)
class Placement:
    """One message in one mailbox. `flags` is None where the source keeps none: the message then counts as read."""

    mailbox: str
    flags: Flag | None
    locator: str  # where in the source: a path, with "#byte offset" in an mbox
