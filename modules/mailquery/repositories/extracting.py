"""What is kept of the texts of attachments: each content once, by its hash, in however many messages it lies."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from mailquery.domain.extraction import Extraction, ExtractionState, Section
from mailquery.domain.messages import Attachment
from mailquery.repositories.records import MessageRow, Visibility


@dataclass(frozen=True, slots=True)
class UnreadPart:
    """An attachment that was not looked at yet; `withheld` is one that the operator's policy does not let out, and that
    is not to be read."""

    part: str
    filename: str
    withheld: bool = False


@dataclass(frozen=True, slots=True)
class UnreadAttachments:
    """A message some of whose attachments were not looked at yet. `sequence` is its place among all messages, `raw` its
    own bytes, which are empty where they are damaged."""

    sequence: int
    raw: bytes
    parts: tuple[UnreadPart, ...]


@dataclass(frozen=True, slots=True)
class ReadPart:
    """What was found of one attachment: the SHA-256 of its content, which is empty where the attachment is withheld and
    was not read, and the extraction where the content is new."""

    part: str
    sha256: bytes = b""
    size: int = 0
    extraction: Extraction | None = None


@dataclass(frozen=True, slots=True)
class StoredText:
    """An attachment of a message, with what was extracted of it, as far as the operator's policy lets it out; None
    where nothing was yet."""

    message: MessageRow
    attachment: Attachment
    extraction: Extraction | None


@dataclass(frozen=True, slots=True)
class ExtractionProgress:
    """`done` of `total` attachments were looked at; `contents` are the different ones among those, by what came of
    them. Beside these, `waiting` are on the mail server still, and `withheld` are not read, for the operator's policy.
    The texts of `cut` attachments are in the index in part only, since their messages have so much text. `searched` is
    whether the texts are found: not in an index of an earlier form, nor while a changed policy is not applied.
    `unread_pictures` attachments have pictures in which nobody looked for letters."""

    done: int
    total: int
    contents: Mapping[ExtractionState, int]
    waiting: int = 0
    withheld: int = 0
    cut: int = 0
    searched: bool = True
    unread_pictures: int = 0


class ExtractionRepository(Protocol):
    """Extraction goes on from where it was stopped, in whatever way; each message is one transaction or a part of
    one."""

    def extracting(self) -> AbstractAsyncContextManager[None]:
        """Keeps every other process from extracting. `CONFLICT` if one does. Imports go on at the same time."""
        ...

    async def apply_policy(self) -> bool:
        """Makes the index agree with the process's policy on attachments, inside `extracting`: no text is found until
        that is done. False where nothing was to do."""
        ...

    async def pending(self, limit: int, size: int) -> tuple[UnreadAttachments, ...]:
        """The next messages, newest first: at most `limit`, and of `size` bytes together or one."""
        ...

    async def known(self, hashes: Sequence[bytes]) -> set[bytes]:
        """Those contents of which the text is there, as the present program would extract it."""
        ...

    async def add(self, found: Mapping[int, Sequence[ReadPart]]) -> None:
        """Stores what was found, by `UnreadAttachments.sequence`, in one transaction, and puts the texts into the
        index. A message that has gone is passed over. `CONFLICT` where another policy on attachments came into force
        than the process's."""
        ...

    async def keep(self, key: int, part: ReadPart) -> None:
        """Stores what was found of one attachment of the message with this key, outside of `extracting` too. Raises as
        `add` does."""
        ...

    async def retry(self, states: Sequence[ExtractionState]) -> int:
        """Makes contents that ended so pending again; in how many attachments they lie."""
        ...

    async def text(self, key: int, part: str, visible: Visibility) -> StoredText | None:
        """None where there is no such attachment, or the caller may not see its message."""
        ...

    async def put_in_order(self) -> None:
        """Merges the index after texts came."""
        ...

    async def texts(self, rows: Sequence[int]) -> Mapping[int, Sequence[tuple[Attachment, Sequence[Section]]]]:
        """The attachments with text of messages by `MessageRow.row`, with what can be found of it: for snippets."""
        ...

    async def progress(self) -> ExtractionProgress: ...

    async def shown_progress(self) -> ExtractionProgress:
        """Of the messages that the operator's policy does not withhold, for who may see all accounts."""
        ...
