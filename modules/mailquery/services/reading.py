"""Reading one message, in windows."""

from dataclasses import dataclass, replace
from enum import StrEnum

from mailquery.domain.messages import Body, Span, SpanKind
from mailquery.parsing.html import read_html
from mailquery.parsing.reading import header_lines, html_source
from mailquery.repositories.interfaces import MessageRepository
from mailquery.repositories.records import StoredMessage, Visibility
from mailquery.services.attachments.contents import Contents
from mailquery.services.fetching import Fetch, fetch_or_refuse, is_partial
from mailquery.services.ids import message_key, not_found
from mailquery.services.masking import Values, masked_message, secrets_of
from mailquery.services.signals import ReadSignals, Signal, sender_of
from mcpkit.errors import ErrorCode, Fault
from mcpkit.security.untrusted.secrets import mask

# A short quotation with an answer below it is half of a conversation; without it the answer cannot be understood.
_KEPT_QUOTE_CHARS = 400


class Part(StrEnum):
    TEXT = "text"  # the best readable text
    HTML = "html"  # the source of the HTML body
    HEADERS = "headers"  # all header fields, decoded
    RAW = "raw"  # the message as it was sent; bytes that are not UTF-8 as \xNN


@dataclass(frozen=True, slots=True)
class MessageView:
    """A message and a window on one part of it. `offset` and `length` (of the whole part) are in characters.

    `quoted_left_out` is how many characters of quoted history the part lacks. `masked` counts the codes and links that
    were hidden.
    """

    message: StoredMessage
    part: Part
    text: str
    offset: int
    length: int
    quoted_left_out: int
    signals: tuple[Signal, ...] = ()
    masked: int = 0


def without_quotations(body: Body) -> tuple[str, int]:
    """The text without its quoted history, and how many characters were left out.

    Where each quotation was, a line says so. A short one that is answered below stays, and so does everything where
    the sender wrote nothing: then the quotation is the message (a forwarded one).
    """
    own = "".join(body.text[span.start : span.end] for span in body.spans if span.kind is SpanKind.TEXT)
    if not own.strip():
        return body.text, 0
    pieces = []
    left_out = 0
    for index, span in enumerate(body.spans):
        text = body.text[span.start : span.end]
        if span.kind is SpanKind.QUOTE and not _needed(body, index, span):
            left_out += len(text)
            pieces.append(f"[{len(text):,} characters of quoted history]\n")
        else:
            pieces.append(text)
    return "".join(pieces).strip("\n"), left_out


def _needed(body: Body, index: int, span: Span) -> bool:
    return span.end - span.start <= _KEPT_QUOTE_CHARS and any(
        later.kind is SpanKind.TEXT and body.text[later.start : later.end].strip() for later in body.spans[index + 1 :]
    )


class ReadMessage:
    def __init__(self, messages: MessageRepository, signals: ReadSignals, contents: Contents | None = None) -> None:
        self._messages = messages
        self._signals = signals
        self._contents = contents or Contents()

    async def __call__(
        self,
        visible: Visibility,
        id: str,
        *,
        part: Part = Part.TEXT,
        include_quoted: bool = False,
        offset: int = 0,
        window: int | None = None,
        secrets: bool = False,
    ) -> MessageView:
        """At most `window` characters of `part` from `offset` on (None: all of it). Unless `secrets`, one-time codes
        and links that open an account are masked.

        Raises `INVALID_FORMAT` for what is no message id, `NOT_FOUND` for an unknown one and for a message without an
        HTML body, `VALIDATION_ERROR` for an `offset` behind the end, `FORBIDDEN` for the message as it was sent where
        it carries what the operator's policy withholds.
        """
        key = message_key(id)
        opened = await self._messages.open(key, visible, sender_of)
        if opened is None:
            raise not_found("message")
        signals = await self._signals(opened)
        message = replace(opened.message, row=self._contents.marked(opened.message.row))
        values = () if secrets else secrets_of(message)
        if not secrets:
            message = masked_message(message, values)
        left_out = 0
        if part is not Part.TEXT:
            text = self._source(message, opened.raw, part)
            if not secrets:
                text, values = _masked_source(text, part, values)
        elif include_quoted:
            text = message.body.text
        else:
            text, left_out = without_quotations(message.body)
        if not 0 <= offset <= len(text):
            raise Fault(
                ErrorCode.VALIDATION_ERROR,
                f"`offset` must be from 0 to {len(text)}, the length of this part.",
                details={"argument": "offset", "minimum": 0, "maximum": len(text)},
            )
        end = len(text) if window is None else offset + window
        return MessageView(message, part, text[offset:end], offset, len(text), left_out, signals, len(values))

    def _source(self, message: StoredMessage, raw: bytes | None, part: Part) -> str:
        if raw is None:
            raise not_found("message")
        if part is Part.RAW:
            self._contents.check_raw(message.row, raw)
            return raw.decode("utf-8", "backslashreplace")
        if part is Part.HEADERS:
            return "\n".join(f"{name}: {value}" for name, value in header_lines(raw))
        html = html_source(raw)
        if not html:
            raise Fault(
                ErrorCode.NOT_FOUND,
                "This message has no HTML body. Read its text.",
                details={"argument": "part", "allowed": [Part.TEXT.value, Part.HEADERS.value, Part.RAW.value]},
            )
        return html


def _masked_source(text: str, part: Part, values: Values) -> tuple[str, Values]:
    """A part as it was sent without the message's secrets. Where they are encoded, or divided by markup, and so cannot
    be found in it, the part is left out."""
    found = tuple(dict.fromkeys((*values, *mask(text.replace("\r\n", "\n")).values)))
    if not found:
        return text, ()
    if part is Part.RAW:
        head, gap, _ = text.replace("\r\n", "\n").partition("\n\n")
        return f"{mask(head, also=found).text}{gap}{_LEFT_OUT}\n", found
    masked = mask(text, also=found).text
    if part is Part.HTML:
        shown = read_html(masked).text
        if mask(shown, also=found).text != shown:
            return f"{_LEFT_OUT}\n", found
    return masked, found


_LEFT_OUT = "[left out, since it holds a one-time code or a link that opens an account: part=text has it masked]"


class ExportMessage:
    """Gives a message back byte for byte as it was imported."""

    def __init__(
        self, messages: MessageRepository, contents: Contents | None = None, fetch: Fetch | None = None
    ) -> None:
        self._messages = messages
        self._contents = contents or Contents()
        self._fetch = fetch

    async def __call__(self, visible: Visibility, id: str) -> bytes:
        """Raises `INVALID_FORMAT`, `NOT_FOUND`, and `FORBIDDEN` where it carries an attachment that the operator's
        policy withholds; where some of it was left on the mail server, `SOURCE_UNAVAILABLE` and what else the server
        raises."""
        key = message_key(id)
        message = await self._messages.get(key, visible)
        if message is not None and is_partial(message):
            await fetch_or_refuse(self._fetch, visible, message)
            message = await self._messages.get(key, visible)
        raw = await self._messages.raw(key, visible)
        if message is None or raw is None:
            raise not_found("message")
        self._contents.check_raw(message.row, raw)
        return raw
