"""What a mail server gives, whatever it speaks. One login, one command at a time; several may be open side by side.

Everything raises Fault:

- SOURCE_UNAVAILABLE: the server cannot be reached, does not answer in time, breaks off, or breaks the protocol.
  `retry_after` is set where the server asked for a pause. `details["reason"]` is a `Reason`.
- LOGIN_FAILED: the server refuses the credential. `details["reason"]` is a `Reason`.

A connection that raised is closed, and is of no further use.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from mailquery.domain.mailboxes import MailboxRole
from mailquery.domain.messages import Flag
from mailquery.domain.uids import UidSet


class Reason(StrEnum):
    """What failed, for a person and for a program to act on."""

    NAME = "name"  # the host's name is not known
    CONNECT = "connect"  # nothing listens there, or no way leads there
    TLS = "tls"  # no secure connection: another protocol version, or none offered
    CERTIFICATE = "certificate"  # not trusted, expired, for another name, or not the pinned one
    LOGIN = "login"  # wrong name or password
    APP_PASSWORD = "app_password"  # the provider wants a password made for one program  # noqa: S105 - a name
    IMAP_DISABLED = "imap_disabled"  # the account may not be used by IMAP
    TOKEN = "token"  # an OAuth token was refused  # noqa: S105 - a name
    TIMEOUT = "timeout"
    BROKEN_OFF = "broken_off"  # the connection ended
    PROTOCOL = "protocol"  # the server said what it may not
    REFUSED = "refused"  # the server said NO to a command
    BUSY = "busy"  # too many connections, or a limit of the server: later again
    CREDENTIAL = "credential"  # what the password or token is to come from gives none now; the server was not asked


@dataclass(frozen=True, slots=True)
class RemoteMailbox:
    """`key` is what the server calls it, for the other methods; `name` is the same with "/" between the elements of its
    path and INBOX in capitals. `role` is what the server says (RFC 6154), or what the name says where it says nothing.
    """

    key: str
    name: str
    role: MailboxRole
    selectable: bool = True
    contains_others: bool = False  # shows what lies in other mailboxes too, as Gmail's All Mail does


@dataclass(frozen=True, slots=True)
class MailboxState:
    """What tells whether anything changed (RFC 9051, section 2.3.1.1; RFC 7162). `highest_modseq` is 0 where the server
    counts no changes."""

    uid_validity: int
    uid_next: int
    messages: int
    highest_modseq: int = 0


@dataclass(frozen=True, slots=True)
class RemoteMessage:
    """What a server knows of a message without giving it. `size` is in bytes, `received` UTC. `content_id` is equal for
    equal contents, in whatever mailbox (RFC 8474 EMAILID, X-GM-MSGID), and empty where the server has none. `labels`
    are names of mailboxes that it lies in too (X-GM-LABELS)."""

    uid: int
    flags: Flag
    size: int
    received: datetime | None
    content_id: str = ""
    gmail_thread_id: str = ""
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FlagChange:
    uid: int
    flags: Flag
    labels: tuple[str, ...] = ()


class MailConnection(Protocol):
    """A logged-in connection. Nothing that it does changes anything on the server: mailboxes are opened read-only, and
    reading marks nothing as read."""

    @property
    def counts_changes(self) -> bool:
        """Whether the server says what changed since a `highest_modseq`."""
        ...

    @property
    def has_labels(self) -> bool:
        """Whether one mailbox holds everything, and the others are labels on it (Gmail)."""
        ...

    async def mailboxes(self) -> Sequence[RemoteMailbox]: ...

    async def states(self, keys: Sequence[str]) -> Mapping[str, MailboxState]:
        """Of several mailboxes, in as few round trips as the server allows. One that is not there is left out."""
        ...

    async def open(self, key: str) -> MailboxState:
        """Opens a mailbox for the methods below. NOT_FOUND where there is none."""
        ...

    async def uids(self) -> UidSet:
        """Of all messages of the open mailbox."""
        ...

    async def describe(self, uids: UidSet) -> Sequence[RemoteMessage]:
        """Those of `uids` that there are, in any order."""
        ...

    async def fetch(self, uids: UidSet) -> Mapping[int, bytes]:
        """The messages as they are, by UID; those that there are. The caller keeps `uids` within what fits into
        memory."""
        ...

    async def fetch_text(self, uid: int) -> bytes | None:
        """The message with its header and its text parts; of every other part, the part's header and no content. None
        where it is gone."""
        ...

    async def flags(self, uids: UidSet) -> Sequence[FlagChange]: ...

    async def changed_since(self, modseq: int) -> Sequence[FlagChange]:
        """What is new or has other flags since `highest_modseq` was that. Only where `counts_changes`."""
        ...

    async def wait(self, seconds: float) -> bool:
        """Waits until the open mailbox changes: True, or False after `seconds`, or at once where the server cannot
        tell (IDLE, RFC 2177)."""
        ...

    async def close(self) -> None:
        """Logs out, without waiting long. Never raises."""
        ...


class MailServer(Protocol):
    """Where connections come from. Which account it is of, and how it logs in, is settled."""

    async def connect(self) -> MailConnection: ...

    @property
    def bytes_received(self) -> int:
        """Of all connections, since this was made."""
        ...
