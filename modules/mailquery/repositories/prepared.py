"""What an import and a synchronisation store. Everything that costs time to make was made outside the writer."""

from dataclasses import dataclass

from mailquery.domain.mailboxes import Placement
from mailquery.domain.messages import ParsedMessage, Problem


@dataclass(frozen=True, slots=True)
class IndexText:
    """A message's words in index form (`domain.words.segment`), one string per searchable field. `attached` is the text
    in its attachments, which is found later than the others."""

    subject: str
    people: str
    body: str
    quoted: str
    filenames: str
    attached: str = ""


@dataclass(frozen=True, slots=True)
class PreparedMessage:
    """A message ready to be stored: everything that costs time to make was made outside the writer.

    `raw` is the message's bytes compressed by `repositories.compression`; `raw_sha256` and `raw_size` are of the bytes
    themselves. `body` is the compressed form of `parsed.body` and `parsed.links`.
    """

    fingerprint: bytes
    raw_sha256: bytes
    raw_size: int
    raw: bytes
    parsed: ParsedMessage
    body: bytes
    index: IndexText
    preview: str  # the first 200 characters of the sender's own text, on one line
    gmail_thread_id: str
    locator: str


@dataclass(frozen=True, slots=True)
class NewPlacement:
    """A message, by its fingerprint, lies in these mailboxes of `account`."""

    fingerprint: bytes
    account: str
    placements: tuple[Placement, ...]


@dataclass(frozen=True, slots=True)
class SourceProblem:
    """A place in a source where no message could be read, or a message that was read in part."""

    locator: str
    problem: Problem
    fingerprint: bytes | None = None  # of the message, where there is one
