"""What the services need of a store. One implementation per engine, each in a folder of its own.

Reads take a `Visibility`: what it does not cover does not exist for the caller, in rows, counts and names alike.
All errors are `mcpkit.errors.Fault`s: `SERVICE_UNAVAILABLE` where the store cannot be reached or is damaged, `TIMEOUT`
where a read ran into its time limit.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import TYPE_CHECKING, Protocol
from zoneinfo import ZoneInfo

from mailquery.domain.mailboxes import MailboxRole
from mailquery.domain.ourselves import Ourselves
from mailquery.domain.policy import Policy
from mailquery.domain.queries import Query
from mailquery.repositories.explanations import Explanation
from mailquery.repositories.groups import GroupBy, Statistics
from mailquery.repositories.prepared import NewPlacement, PreparedMessage, SourceProblem
from mailquery.repositories.records import (
    AccountSummary,
    AttachmentRow,
    EmbeddingProgress,
    LastWord,
    MailboxSummary,
    MessageRow,
    OpenedMessage,
    OpenedThread,
    Person,
    PolicyStanding,
    Position,
    QueryVector,
    RebuildProgress,
    RecordedProblem,
    SearchPage,
    Sender,
    Side,
    SimilarMessage,
    Sort,
    StoredMessage,
    StoredRaw,
    Total,
    Turns,
    Unembedded,
    Version,
    Visibility,
)
from mailquery.repositories.steps import Steps

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]  # of shape (chunks, dimensions)


SenderOf = Callable[[MessageRow], Sender]
"""Who sent a message, and what their domain may have been made to look like."""


class SearchRepository(Protocol):
    """Finds messages by a query tree."""

    async def search(
        self,
        query: Query,
        visible: Visibility,
        *,
        sort: Sort,
        limit: int,
        start: Position | None = None,
        vector: QueryVector | None = None,
        texts: bool = False,
        steps: Steps | None = None,
    ) -> SearchPage:
        """One page of at most `limit` messages, with their `texts` for snippets. The total is exact up to 10,000 and
        "at least" beyond. `steps` is told how long the parts of the work took.

        By relevance, where there are words to rank by, it holds messages too that lack some of the free words
        (`domain.relevance.Demand`), and with the `vector` of those words, messages that are near in meaning."""
        ...

    async def explain(self, query: Query, visible: Visibility) -> Explanation:
        """How `search` answers the query, without answering it."""
        ...

    async def attachments(
        self,
        query: Query,
        visible: Visibility,
        *,
        filename: str,
        media_type: str,
        limit: int,
        start: Position | None = None,
    ) -> tuple[tuple[AttachmentRow, ...], Total, Position | None]:
        """Attachments, newest message first: of the messages that match, those whose name has `filename` as a part and
        whose kind or MIME type is `media_type` (`domain.media`); an empty string is no condition. `start.offset` is the
        number of attachments of the message at `start.row` that were already given."""
        ...

    async def body_texts(self, rows: Sequence[int]) -> dict[int, str]:
        """The body texts of messages by `MessageRow.row`, for snippets."""
        ...

    async def statistics(
        self,
        query: Query,
        visible: Visibility,
        *,
        group_by: GroupBy,
        zone: ZoneInfo,
        limit: int,
        then_by: GroupBy | None = None,
        then_limit: int = 12,
    ) -> Statistics:
        """Exact counts of the first `limit` groups, and with `then_by` of the first `then_limit` parts of each of them.

        A message with two recipients counts once for each, one without in the group of the empty key; periods begin at
        midnight in `zone`, and hours are those of its clock."""
        ...


class MessageRepository(Protocol):
    """Reads messages by their ids."""

    async def get(self, key: int, visible: Visibility) -> StoredMessage | None: ...

    async def raw(self, key: int, visible: Visibility) -> bytes | None:
        """The message byte for byte as it was imported."""
        ...

    async def open(self, key: int, visible: Visibility, sender: SenderOf) -> OpenedMessage | None:
        """A message and what is read beside it, in one read. Mail older than the message says whether its `sender` is
        known, by what the caller may see."""
        ...

    async def open_thread(
        self, key: int, visible: Visibility, sender: SenderOf, *, bodies: int, opened: int
    ) -> OpenedThread:
        """The same for a thread: its newest `opened` messages, and the newest `bodies` with their texts."""
        ...

    async def thread(self, key: int, visible: Visibility) -> tuple[StoredMessage, ...]:
        """A thread's messages, oldest first, by the thread's key; empty where there is none. A thread that was joined
        to another is found by its old key too."""
        ...

    async def thread_rows(self, key: int, visible: Visibility) -> tuple[MessageRow, ...]:
        """The same without bodies."""
        ...


class ConversationRepository(Protocol):
    """Who said what to whom, and when. `ours` is whose mail it is; drafts and junk are no part of a conversation."""

    async def senders_of_sent(self, visible: Visibility) -> tuple[tuple[str, str, int], ...]:
        """(account, address, messages) of the senders in mailboxes for sent mail. Addresses are folded."""
        ...

    async def turns(self, query: Query, visible: Visibility, ours: Ourselves, *, lists: bool, limit: int) -> Turns:
        """The threads that have a message of ours and a message that `query` finds: of those messages the newest
        `limit` count as matching.
        A turn is `silent` where a program wrote it, as far as its sender and subject tell (`domain.automatic`), and
        unless `lists` where it came by a mailing list."""
        ...

    async def last_words(
        self,
        query: Query,
        visible: Visibility,
        ours: Ourselves,
        *,
        sides: Mapping[Side, datetime | None],
        limit: int,
        behind: int | None = None,
    ) -> tuple[LastWord, ...]:
        """Last messages of their threads that `query` finds, newest first, from behind the row `behind` on: those to us
        (in To) and not from us wait for `Side.US`, those from us to others for `Side.THEM`. `sides` are
        those to look for, with the moment before which the message must be dated. Mail of lists is left out; automatic
        answers (`domain.automatic`) count as not written; threads whose last message lies in the trash wait for nobody.
        """
        ...


class DirectoryRepository(Protocol):
    """Accounts, mailboxes and the people in the mail; and what could not be read of it."""

    async def accounts(self, visible: Visibility) -> tuple[AccountSummary, ...]: ...

    async def mailboxes(self, visible: Visibility, account: str | None = None) -> tuple[MailboxSummary, ...]: ...

    async def people(self, text: str, visible: Visibility, limit: int) -> tuple[tuple[Person, ...], Total]:
        """Addresses of which `text` is a part, in name or address, those with most messages first."""
        ...

    async def version(self, visible: Visibility) -> Version: ...

    async def index_is_current(self) -> bool:
        """Whether every message is indexed as new mail is; False where an earlier version began the index."""
        ...

    async def problems(self, limit: int, offset: int = 0) -> tuple[tuple[RecordedProblem, ...], int]:
        """Recorded problems, newest first, and how many there are. They belong to places and not to accounts: only for
        those who may see everything."""
        ...


class ImportRepository(Protocol):
    """Adds messages. There is one writer at a time, across processes."""

    def writing(self) -> AbstractAsyncContextManager[None]:
        """Holds the writer's lock and sets the store up for many additions. `CONFLICT` if another process holds it."""
        ...

    async def known(self, fingerprints: Sequence[bytes]) -> set[bytes]:
        """Those of `fingerprints` that are stored already."""
        ...

    async def add(
        self, messages: Sequence[PreparedMessage], placements: Sequence[NewPlacement], problems: Sequence[SourceProblem]
    ) -> int:
        """Stores all of it in one transaction and returns how many messages are new. A message that is stored already
        (or stands twice in `messages`) is left as it is; a placement that is known has its flags brought up to date."""
        ...

    async def set_role(self, account: str, mailbox: str, role: MailboxRole) -> None: ...

    async def finished(self, account: str, mailboxes: Sequence[str]) -> None:
        """Records that the mailboxes were read to their end just now, and puts the index in order."""
        ...


class PolicyRepository(Protocol):
    """The operator's policy as it is in force in the store (`domain.policy`). Reads of every other repository raise
    `SERVICE_UNAVAILABLE` while it is not that of this process."""

    @property
    def policy(self) -> Policy:
        """That of this process."""
        ...

    def replace(self, policy: Policy) -> None:
        """Makes another policy that of this process. It is in force once `adopt` has put it there."""
        ...

    async def adopt(self) -> bool:
        """Puts the process's policy in force: what it might cover is withheld until it was judged. False where it is in
        force already."""
        ...

    async def judge_next(self, limit: int) -> int:
        """Judges the next messages that wait for it, in one transaction; how many, 0 where none do or where another
        policy came into force."""
        ...

    async def standing(self) -> PolicyStanding: ...


class RebuildRepository(Protocol):
    """Makes the text index anew out of the stored messages, while the old one is searched, and what else is derived of
    them."""

    def rebuilding(self) -> AbstractAsyncContextManager[None]:
        """Holds the writer's lock, and goes on where an earlier run was stopped. `CONFLICT` if another process holds
        it."""
        ...

    async def pending(self, limit: int) -> tuple[StoredRaw, ...]:
        """The next messages, at most `limit`, in the order in which they must be added."""
        ...

    async def add(self, batch: Sequence[tuple[int, PreparedMessage]], kept: Sequence[int] = ()) -> None:
        """Writes messages by `StoredRaw.sequence` into the new index, in one transaction; those that are `kept` as they
        were made of their bytes before."""
        ...

    async def progress(self) -> RebuildProgress: ...

    async def finish(self) -> None:
        """Puts the new index in the old one's place, in one transaction."""
        ...


class VectorRepository(Protocol):
    """The vectors of messages (`mailquery.embedding`). `model` is an `Embedder`'s name: vectors of another one are
    left alone by reads, and replaced by the first addition."""

    def embedding(self) -> AbstractAsyncContextManager[None]:
        """Keeps every other process from embedding. `CONFLICT` if one does. An import may go on at the same time."""
        ...

    async def pending(self, model: str, limit: int) -> tuple[Unembedded, ...]:
        """The next messages without vectors of `model`, at most `limit`, in the order in which they must be added."""
        ...

    async def add(self, model: str, batch: Sequence[tuple[int, "Vectors"]]) -> bool:
        """Stores the vectors of the messages that `pending` gave, by `Unembedded.sequence`, in one transaction; none
        for a message without text. False, and nothing is stored, where another process was quicker.

        `CONFIGURATION` where the vectors have other dimensions than those of the same model that are stored."""
        ...

    async def progress(self) -> EmbeddingProgress:
        """Of all messages, for the work itself: it is told to nobody."""
        ...

    async def shown_progress(self, visible: Visibility) -> EmbeddingProgress:
        """Of the messages that the caller may see; `chunks` are 0 where any are hidden."""
        ...

    async def similar(
        self, key: int, model: str, query: Query, visible: Visibility, *, limit: int
    ) -> tuple[SimilarMessage, ...] | None:
        """Of the messages that match `query`, those nearest in meaning to the message with this key, the nearest
        first, without itself. None where the message has no vectors of `model`."""
        ...
