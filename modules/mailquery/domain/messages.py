"""A message as it was read from its bytes, before anything is stored."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import IntFlag, StrEnum

from mailquery.domain.addresses import Address
from mailquery.domain.media import is_disguised


class Flag(IntFlag):
    """What a reader has done with a message: the IMAP system flags (RFC 9051, section 2.3.2). The values are stored."""

    SEEN = 1
    ANSWERED = 2
    FLAGGED = 4
    DRAFT = 8
    DELETED = 16
    FORWARDED = 32
    GONE = 64  # ours: on the server no more
    HIDDEN = 128  # ours: gone, and found only by those who ask for it


class DateSource(StrEnum):
    """Where a message's date was taken from, in the order in which they are tried."""

    DATE = "date"  # the Date header
    RECEIVED = "received"  # the newest Received line
    SOURCE = "source"  # the mbox From_ line, the file's time, the server's INTERNALDATE
    IMPORT = "import"  # the moment of the import: nothing else could be read


class ProblemCode(StrEnum):
    """Why a message, or a place where one was expected, could not be read in full."""

    UNREADABLE = "unreadable"  # the file or the entry could not be opened or read
    NOT_MAIL = "not_mail"  # no header at all
    TOO_LARGE = "too_large"  # over the size limit: headers and the first parts only
    TRUNCATED = "truncated"  # the source ends inside the message
    BAD_DATE = "bad_date"
    BAD_MIME = "bad_mime"  # a multipart without its boundary, nesting too deep, too many parts
    BAD_ENCODING = "bad_encoding"  # a transfer encoding that does not decode
    BAD_CHARSET = "bad_charset"  # text that no charset explains; replacement characters were used
    BAD_HEADER = "bad_header"
    PARSER_ERROR = "parser_error"  # our own fault: the raw bytes are kept and only the headers are indexed
    PARSER_TIMEOUT = "parser_timeout"
    NOT_FETCHED = "not_fetched"  # header and text only; the rest is on the mail server, and fetched on demand


@dataclass(frozen=True, slots=True)
class Problem:
    code: ProblemCode
    detail: str


class SpanKind(StrEnum):
    TEXT = "text"  # what the sender wrote
    QUOTE = "quote"  # the history quoted from earlier messages, with its attribution line or header block
    SIGNATURE = "signature"  # RFC 3676, section 4.3, and list footers


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of `Body.text`: [start, end) in characters. A body's spans follow each other without gaps."""

    kind: SpanKind
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Body:
    """The best readable text of a message, with line feeds only, and what each stretch of it is."""

    text: str
    spans: tuple[Span, ...]
    from_html: bool = False

    def only(self, kind: SpanKind) -> str:
        """The text of one kind, stretches joined by a line feed."""
        return "\n".join(self.text[s.start : s.end].strip("\n") for s in self.spans if s.kind is kind)


EMPTY_BODY = Body(text="", spans=())


@dataclass(frozen=True, slots=True)
class Link:
    """A link of an HTML body: where it goes and the words it was put on."""

    url: str
    text: str


@dataclass(frozen=True, slots=True)
class Attachment:
    """A part that is not the message's own text.

    `part` is its number as in IMAP (RFC 9051, section 6.4.5.1: "2", "2.1"); `size` is in bytes, decoded.
    """

    part: str
    filename: str
    content_type: str
    size: int
    inline: bool = False
    content_id: str = ""
    withheld: bool = False  # by the operator's policy: listed, and not given out
    found_type: str = ""  # what its content is, where that was looked at (`domain.extraction`)

    @property
    def is_disguised(self) -> bool:
        """Whether it is known to be of another kind than its name and its declared type say."""
        return bool(self.found_type) and is_disguised(self.found_type, self.content_type, self.filename)


@dataclass(frozen=True, slots=True)
class ParsedMessage:
    """What can be read of a message. Every field has a value for any bytes at all; `problems` says what was wrong.

    Message-IDs are without angle brackets. `date` is in UTC and `utc_offset` the sender's, in seconds.
    """

    message_id: str
    in_reply_to: tuple[str, ...]
    references: tuple[str, ...]
    subject: str
    date: datetime
    utc_offset: int
    date_source: DateSource
    from_: tuple[Address, ...]
    sender: tuple[Address, ...]
    reply_to: tuple[Address, ...]
    to: tuple[Address, ...]
    cc: tuple[Address, ...]
    bcc: tuple[Address, ...]
    list_id: str
    body: Body = EMPTY_BODY
    links: tuple[Link, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    problems: tuple[Problem, ...] = field(default=())
