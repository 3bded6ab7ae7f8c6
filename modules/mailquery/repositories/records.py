"""The shapes that repositories take and give. Plain data; nothing here knows an engine."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from mailquery.domain.accounts import AccountState
from mailquery.domain.addresses import Address
from mailquery.domain.answers import Turn
from mailquery.domain.mailboxes import MailboxRole
from mailquery.domain.messages import Attachment, Body, DateSource, Flag, Link, Problem

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Sort(StrEnum):
    RELEVANCE = "relevance"
    NEWEST = "newest"
    OLDEST = "oldest"


@dataclass(frozen=True, slots=True)
class Visibility:
    """The accounts that the caller may see, by name; None is all of them. Every read takes one. `user` is for whom it
    is: what one user is given to hand back, no other's call takes."""

    accounts: frozenset[str] | None = None
    user: str = ""


@dataclass(frozen=True, slots=True)
class Total:
    """How many there are: exactly, or at least."""

    value: int
    exact: bool


@dataclass(frozen=True, slots=True)
class Position:
    """Where a page of search results ended. `as_of` is the archive's version that the first page saw (`Version`);
    messages added later do not move what follows. `offset` serves relevance, `row` the orders by date."""

    as_of: int
    row: int = 0
    offset: int = 0


@dataclass(frozen=True, slots=True)
class MessageRow:
    """A message as a search result shows it. `row` is the engine's time-ordered key, for positions only."""

    row: int
    key: int  # of the message's id (`domain.handles`)
    thread_key: int
    message_id: str
    date: datetime
    utc_offset: int
    subject: str
    from_: tuple[Address, ...]
    to: tuple[Address, ...]  # To, then Cc
    mailboxes: tuple[str, ...]
    flags: Flag
    size: int
    preview: str
    attachments: tuple[Attachment, ...]


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sent the message in `row`, and the domains that theirs may have been made to look like."""

    row: int
    address: str
    resembles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Acquaintance:
    """Whether the sender wrote before, and which of the domains that theirs resembles other mail has."""

    wrote_before: bool
    resembled: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class QueryVector:
    """What a query means, as a vector of length 1 of the model that is named."""

    model: str
    vector: "NDArray[np.float32]"


@dataclass(frozen=True, slots=True)
class Standing:
    """Why a message is in a ranked answer. `missing` are the free words that it lacks, as written: none where it
    matches. `similarity` is the cosine between the query and the nearest part of the message, None where it has none.
    """

    missing: tuple[str, ...] = ()
    has_none: bool = False  # of the free words
    similarity: float | None = None


MATCHES = Standing()


@dataclass(frozen=True, slots=True)
class SearchPage:
    """One page. `total` counts what matches. A ranked page can hold messages that lack some of the words too, which its
    `standings` say, one for each row; there are `near` of them in all pages together."""

    rows: tuple[MessageRow, ...]
    total: Total
    next: Position | None
    ranked: bool = False  # the rows are in order of relevance and not of date
    ranked_newest: int | None = None  # relevance looked at the newest N matches only
    standings: tuple[Standing, ...] = ()
    near: int = 0
    all_embedded: bool = True  # False where meaning was asked for, and some messages of the archive have no vectors
    did_you_mean: tuple[tuple[str, str], ...] = ()  # a word that no message has, and one that it may be meant for
    texts: Mapping[int, str] = field(default_factory=dict)  # the bodies by `MessageRow.row`, where they were asked for


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """All that is kept of one message but its raw bytes."""

    row: MessageRow
    accounts: tuple[str, ...]
    date_source: DateSource
    sender: tuple[Address, ...]
    reply_to: tuple[Address, ...]
    to: tuple[Address, ...]
    cc: tuple[Address, ...]
    bcc: tuple[Address, ...]
    in_reply_to: tuple[str, ...]
    references: tuple[str, ...]
    list_id: str
    body: Body
    links: tuple[Link, ...]
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class OpenedMessage:
    """A message, its bytes as they were imported (None where they are lost), and whether its sender is known."""

    message: StoredMessage
    raw: bytes | None
    known: Acquaintance


@dataclass(frozen=True, slots=True)
class OpenedThread:
    """A thread's messages, the oldest first, in three parts: the `early` ones without bodies, the `unopened` without
    their bytes, and the newest. Its present key is that of its rows."""

    early: tuple[MessageRow, ...]
    unopened: tuple[StoredMessage, ...]
    opened: tuple[OpenedMessage, ...]


@dataclass(frozen=True, slots=True)
class AttachmentRow:
    message: MessageRow
    attachment: Attachment


@dataclass(frozen=True, slots=True)
class MailboxSummary:
    account: str
    name: str
    role: MailboxRole
    messages: int
    unread: int
    newest: datetime | None
    refreshed: datetime | None  # when an import or a synchronisation last finished reading it


@dataclass(frozen=True, slots=True)
class AccountSummary:
    """`state` is None where the account is on no mail server; `state_reason` is a sentence, where it is not ACTIVE."""

    name: str
    mailboxes: int
    messages: int  # a message in two mailboxes counts once
    unread: int
    oldest: datetime | None
    newest: datetime | None
    refreshed: datetime | None
    state: AccountState | None = None
    state_reason: str = ""


@dataclass(frozen=True, slots=True)
class Person:
    address: str
    names: tuple[str, ...]  # most used first
    sent: int  # messages from this address
    received: int  # messages to, cc or bcc this address
    first: datetime
    last: datetime


@dataclass(frozen=True, slots=True)
class Version:
    """The archive's state: `sequence` grows with every message added; `messages` is how many there are, without those
    that are `hidden` because they are gone."""

    sequence: int
    messages: int
    newest: datetime | None
    refreshed: datetime | None
    policy_generation: int = 0  # grows with every change to what is withheld, and to where stored messages lie
    unjudged: bool = False  # messages are withheld because the operator's policy was not applied to them yet
    hidden: int = 0


@dataclass(frozen=True, slots=True)
class PolicyStanding:
    """How far the policy was applied: `in_force` is whether it is that of this process, `waiting` messages wait to be
    judged, and `withheld` are withheld, those included. `unknown` are the denied accounts and mailboxes that the
    archive does not have."""

    in_force: bool
    waiting: int
    withheld: int
    messages: int
    unknown: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RecordedProblem:
    key: int | None  # of the message, where there is one
    locator: str
    problem: Problem
    recorded: datetime


@dataclass(frozen=True, slots=True)
class Unembedded:
    """A message without vectors yet, and what of it is embedded. `sequence` is its place among all messages."""

    sequence: int
    subject: str
    body: Body


@dataclass(frozen=True, slots=True)
class StoredRaw:
    """A stored message's own bytes, None where those are damaged, and what was known of it beside them. `date` is
    UTC."""

    sequence: int
    fingerprint: bytes
    raw: bytes | None
    date: datetime
    locator: str
    not_fetched: str = ""  # of a message that was fetched in part: the detail of its problem


@dataclass(frozen=True, slots=True)
class RebuildProgress:
    """How far the rebuilding of an index is, in messages."""

    messages: int
    total: int


@dataclass(frozen=True, slots=True)
class EmbeddingProgress:
    """How far embedding has come: `messages` of `total` have vectors of `model`, which is empty before the first."""

    model: str
    messages: int
    total: int
    chunks: int


@dataclass(frozen=True, slots=True)
class SimilarMessage:
    """`similarity` is the cosine between the texts' vectors: 1 is the same text, around 0 nothing in common."""

    row: MessageRow
    similarity: float


@dataclass(frozen=True, slots=True)
class Turns:
    """Threads as conversations, each oldest message first. Where not all that matches was looked at, `back_to` is the
    date of the oldest message that was."""

    threads: tuple[tuple[Turn, ...], ...]
    back_to: datetime | None


class Side(StrEnum):
    """Whose turn it is in a thread."""

    US = "us"  # the last word is theirs
    THEM = "them"  # the last word is ours


@dataclass(frozen=True, slots=True)
class LastWord:
    """The last message of a thread that waits for `side`. `text` is what its sender wrote, without quotations and
    signatures; `to` is without Cc."""

    row: MessageRow
    side: Side
    to: tuple[Address, ...]
    text: str
