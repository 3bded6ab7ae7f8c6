"""What is kept of the texts of attachments: each content once, by its hash, in however many messages it lies."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from mailquery.domain.extraction import Extraction, ExtractionState
from mailquery.domain.messages import Attachment
from mailquery.repositories.records import MessageRow, Visibility


@dataclass(frozen=True, slots=True)
class UnreadAttachments:
    """A message some of whose attachments were not looked at yet. `sequence` is its place among all messages, `raw` its
    own bytes, `parts` are the attachments' numbers with their names."""

    sequence: int
    raw: bytes
    parts: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class ReadPart:
    """What was found of one attachment: the SHA-256 of its content, and the extraction where the content is new."""

    part: str
    sha256: bytes
    size: int
    extraction: Extraction | None = None


@dataclass(frozen=True, slots=True)
class StoredText:
    """An attachment of a message, with what was extracted of it; None where nothing was yet."""

    message: MessageRow
    attachment: Attachment
    extraction: Extraction | None


@dataclass(frozen=True, slots=True)
class ExtractionProgress:
    """`done` of `total` attachments were looked at; `contents` are the different ones among those, by what came of
    them."""

    done: int
    total: int
    contents: Mapping[ExtractionState, int]


class ExtractionRepository(Protocol):
    """Extraction goes on from where it was stopped, in whatever way; each message is one transaction or a part of
    one."""

    def extracting(self) -> AbstractAsyncContextManager[None]:
        """Keeps every other process from extracting. `CONFLICT` if one does. Imports go on at the same time."""
        ...

    async def pending(self, limit: int, size: int) -> tuple[UnreadAttachments, ...]:
        """The next messages, newest first: at most `limit`, and of `size` bytes together or one."""
        ...

    async def known(self, hashes: Sequence[bytes]) -> set[bytes]:
        """Those contents of which the text is there, as the present program would extract it."""
        ...

    async def add(self, found: Mapping[int, Sequence[ReadPart]]) -> None:
        """Stores what was found, by `UnreadAttachments.sequence`, in one transaction, and puts the texts into the
        index. A message that has gone is passed over."""
        ...

    async def retry(self, states: Sequence[ExtractionState]) -> int:
        """Makes contents that ended so pending again; in how many attachments they lie."""
        ...

    async def text(self, key: int, part: str, visible: Visibility) -> StoredText | None:
        """None where there is no such attachment, or the caller may not see its message."""
        ...

    async def texts(self, rows: Sequence[int]) -> Mapping[int, Sequence[tuple[Attachment, str]]]:
        """The attachments with text of messages by `MessageRow.row`, with their text: for snippets."""
        ...

    async def progress(self) -> ExtractionProgress: ...
