"""The tools that find attachments and take them out."""

from collections.abc import Callable, Sequence

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr
from pydantic_core import to_json

from mailquery.domain.counts import plural
from mailquery.domain.handles import attachment_handle, message_handle
from mailquery.mcp import shown
from mailquery.mcp.arguments import (
    ATTACHMENTS,
    MOST_CHARS,
    READ,
    Cursor,
    FilterArguments,
    MaxChars,
    SizedArguments,
    visibility,
)
from mailquery.mcp.coverage import Coverage
from mailquery.mcp.pages import continuation, rest_as_text
from mailquery.repositories.records import AttachmentRow
from mailquery.services.attachments.finding import (
    MOST_ROWS,
    AttachmentContent,
    FoundAttachments,
    GetAttachment,
    ListAttachments,
)
from mailquery.services.signals import SignalKind, signals_of_file
from mcpkit.errors import ErrorCode, Fault
from mcpkit.protocol.calls import Call
from mcpkit.protocol.declarations import Embedded, Tool, Truncated, UntrustedResult
from mcpkit.protocol.pipeline import DEFAULT_MAX_CHARS
from mcpkit.security.untrusted import Fence, safe_block, safe_line, untrusted

_SUBJECT_CHARS = 120
_SENDER_CHARS = 120
_TYPE_CHARS = 100


class ListAttachmentsArguments(FilterArguments):
    filename: str = Field(default="", max_length=300, description="Part of the file name.")
    type: str = Field(
        default="", max_length=100, description="Kind (pdf, image, document, spreadsheet, calendar, ...) or MIME type."
    )
    limit: int = Field(default=20, ge=1, le=MOST_ROWS, description="Most rows.")
    cursor: Cursor = None
    max_chars: MaxChars = None


class AttachmentRowShown(BaseModel):
    model_config = ConfigDict(frozen=True, populate_by_name=True)

    id: str = Field(description="For read_attachment.")
    name: str | None = None
    type: str | None = None
    size: int = Field(description="Bytes.")
    message: str | None = Field(default=None, description="Id of its message.")
    date: str
    from_: str | None = Field(default=None, serialization_alias="from")
    subject: str | None = None
    withheld: bool | None = Field(default=None, description=shown.WITHHELD)
    is_really: str | None = Field(default=None, description=shown.IS_REALLY)

    @classmethod
    def of(cls, found: AttachmentRow) -> "AttachmentRowShown":
        row, attachment = found.message, found.attachment
        return cls.bare(found).model_copy(
            update={
                "name": shown.filename(attachment.filename),
                "type": safe_line(attachment.content_type, _TYPE_CHARS),
                "message": message_handle(row.key),
                "from_": shown.sender(row.from_, _SENDER_CHARS),
                "subject": shown.subject(row.subject, _SUBJECT_CHARS),
            }
        )

    @classmethod
    def bare(cls, found: AttachmentRow) -> "AttachmentRowShown":
        """Without a sender's text, so that one row fits into any answer."""
        row = found.message
        return cls(
            id=attachment_handle(row.key, found.attachment.part),
            size=found.attachment.size,
            date=shown.when(row.date, row.utc_offset),
            withheld=found.attachment.withheld or None,
            is_really=shown.is_really(found.attachment),
        )

    def as_text(self) -> str:
        first = " ".join(part for part in (self.id, self.name) if part)
        withheld = "withheld by policy" if self.withheld else None
        really = f"warning: really {self.is_really}" if self.is_really else None
        facts = (first, self.type, really, f"{self.size:,} bytes", withheld, self.date, self.from_, self.subject)
        return " | ".join(fact for fact in facts if fact)


class AttachmentList(UntrustedResult):
    total: int = Field(description="How many attachments match.")
    at_least: bool | None = Field(default=None, description="True where there are more than `total`.")
    rows: list[AttachmentRowShown]
    coverage: Coverage | None = None
    truncated: Truncated | None = None
    cursor: str | None = Field(default=None, description="Continues after the last row.")

    _found: FoundAttachments = PrivateAttr()
    _whole: "AttachmentList" = PrivateAttr()

    @classmethod
    def of(cls, found: FoundAttachments) -> "AttachmentList":
        whole = cls(
            total=found.total.value,
            at_least=None if found.total.exact else True,
            rows=[AttachmentRowShown.of(row) for row in found.rows],
            coverage=Coverage.of(found.reading),
            **continuation(found, len(found.rows), len(found.rows), "attachments"),
        )
        whole._found = found
        whole._whole = whole
        return whole

    def units(self) -> int:
        """The first row's ids; the rows, one by one; the coverage in full."""
        return len(self._found.rows) + 2

    def keep(self, units: int) -> "AttachmentList":
        found, whole = self._found, self._whole
        if units >= whole.units():
            return whole
        count = max(0, min(units - 1, len(found.rows)))
        rows = whole.rows[:count]
        if units == 1 and found.rows:
            count, rows = 1, [AttachmentRowShown.bare(found.rows[0])]
        coverage = whole.coverage.short() if whole.coverage and units > 1 else None
        rest = continuation(found, count, len(found.rows), "attachments")
        return whole.model_copy(update={"rows": rows, "coverage": coverage, **rest})

    def disclosed(self) -> list[str]:
        return [row.id for row in self.rows]

    def as_text(self) -> str:
        count = f"{'at least ' if self.at_least else ''}{plural(self.total, 'attachment')}"
        lines = [f"{len(self.rows)} of {count}, newest first" if self.rows else f"{count} found"]
        theirs = [row.as_text() for row in self.rows]
        if self.coverage:
            theirs.append(self.coverage.as_text())
        lines.append(untrusted("\n".join(theirs)))
        lines += rest_as_text(self.truncated, self.cursor, at_least=self.at_least)
        return "\n".join(line for line in lines if line)


def list_attachments(listing: ListAttachments) -> Tool[ListAttachmentsArguments, AttachmentList]:
    async def handler(call: Call, arguments: ListAttachmentsArguments) -> AttachmentList:
        found = await listing(
            visibility(call),
            arguments.filters(),
            filename=arguments.filename,
            media_type=arguments.type,
            limit=arguments.limit,
            cursor=arguments.cursor,
        )
        return AttachmentList.of(found)

    return Tool(
        name="list_attachments",
        title="List attachments",
        description=(
            "Find attached files, newest first, with ids for read_attachment. `filename` and `type` choose files; the "
            "other conditions choose messages, of which all files are listed. Those of one thread: query=thread:ID."
        ),
        arguments=ListAttachmentsArguments,
        result=AttachmentList,
        permission=READ,
        preset=("account", "limit", "max_chars"),
        handler=handler,
        untrusted=True,
    )


class GetAttachmentArguments(SizedArguments):
    id: str = Field(max_length=400, description="Attachment id.")


class AttachmentResult(UntrustedResult):
    id: str
    name: str | None = None
    type: str
    size: int = Field(description="Bytes.")
    message: str = Field(description="Id of its message.")
    length: int | None = Field(default=None, description="Characters, where the attachment is text.")
    signals: list[SignalKind] | None = Field(default=None, description="What in its text calls for care.")
    is_really: str | None = Field(default=None, description=shown.IS_REALLY)
    download: str | None = Field(
        default=None, description="Where it can be fetched once, within 5 minutes, with the credential of this call."
    )
    truncated: Truncated | None = None

    _content: AttachmentContent | None = PrivateAttr(default=None)
    _text: str | None = PrivateAttr(default=None)

    @classmethod
    def linked(cls, found: AttachmentRow, link: str) -> "AttachmentResult":
        """For what is too large for an answer."""
        row, attachment = found.message, found.attachment
        return cls(
            id=attachment_handle(row.key, attachment.part),
            name=shown.filename(attachment.filename),
            type=safe_line(attachment.content_type, _TYPE_CHARS),
            size=attachment.size,
            message=message_handle(row.key),
            signals=list(signals_of_file("", attachment)) or None,
            is_really=shown.is_really(attachment),
            download=link,
        )

    @classmethod
    def of(cls, content: AttachmentContent, most: int | None) -> "AttachmentResult":
        """`most` is the caller's limit in characters, to which text is cut. Without it, text is cut to the limit of
        every answer, and bytes, which cannot be cut, have the limit of `GetAttachment` alone.

        Raises `TOO_LARGE` for bytes that are larger than `most` in base64.
        """
        row, attachment = content.message, content.attachment
        text = safe_block(content.text) if content.text is not None else None
        result = cls(
            id=attachment_handle(row.key, attachment.part),
            name=shown.filename(attachment.filename),
            type=safe_line(attachment.content_type, _TYPE_CHARS),
            size=len(content.data),
            message=message_handle(row.key),
            length=None if text is None else len(text),
            signals=list(signals_of_file(content.text or "", attachment)) or None,
            is_really=shown.is_really(attachment),
        )
        around = _AROUND_CHARS + result._described()
        characters = 0 if text is None else _fitting(text, (most or DEFAULT_MAX_CHARS) - around)
        if text is None and most is not None:
            _check_encoded(len(content.data), most - around, around)
        if text is not None and characters < len(text):
            truncated = Truncated(
                unit="characters",
                returned=characters,
                omitted=len(text) - characters,
                next=f"a larger max_chars (at most {MOST_CHARS})",
            )
            result = result.model_copy(update={"truncated": truncated})
        result._content = content
        result._text = text[:characters] if text is not None else None
        return result

    def _described(self) -> int:
        """Characters of the answer without the attachment itself."""
        return len(to_json(self.as_text()).decode()) + len(self.model_dump_json(exclude_none=True))

    def units(self) -> int:
        """Without and with its name."""
        return 2

    def keep(self, units: int) -> "AttachmentResult":
        return self if units >= self.units() else self.model_copy(update={"name": None})

    def disclosed(self) -> list[str]:
        return [self.id]

    def embedded(self) -> Sequence[Embedded]:
        uri = f"mail://attachment/{self.id}"
        content = self._content
        if content is None:
            return ()
        if self._text is not None:
            return (Embedded(uri=uri, mime_type="text/plain", text=untrusted(self._text)),)
        return (Embedded(uri=uri, mime_type=shown.mime_type(content.attachment.content_type), blob=content.data),)

    def as_text(self) -> str:
        size = f"{self.size:,} bytes" + (f", {plural(self.length, 'character')}" if self.length is not None else "")
        text = f"{self.id} of {self.message}, {size}; content {shown.UNTRUSTED}."
        if self.download:
            text += (
                " It is too large for an answer. It can be fetched once, within 5 minutes, with the credential of "
                f"this call: {self.download} (read_attachment gives its text.)"
            )
        if self.signals:
            text += f" Warnings: {', '.join(self.signals)}."
        if self.is_really:
            text += f" It is really {self.is_really}."
        if self.truncated:
            text += f" {plural(self.truncated.omitted, 'character')} left out: {self.truncated.next}."
        return f"{text}\n" + untrusted(f"{self.name or ''} ({self.type})")


# Of the envelope, the embedded resource's own fields, and what is said where text is cut.
_AROUND_CHARS = 650 + 2 * Fence.overhead


def _check_encoded(size: int, room: int, around: int) -> None:
    encoded = (size + 2) // 3 * 4
    if encoded > room:
        needed = encoded + around
        larger = f", or set it to {needed} or more" if needed <= MOST_CHARS else ""
        raise Fault(
            ErrorCode.TOO_LARGE,
            f"The attachment takes {encoded:,} characters as base64. Leave max_chars out{larger}.",
            details={"argument": "max_chars", "size": encoded, "needed": needed},
        )


def _fitting(text: str, room: int) -> int:
    """How many characters of `text` take at most `room` characters of JSON."""
    taken, room = 0, max(0, room)
    for position, character in enumerate(text[:room]):
        taken += 2 if character in '"\\\n\t' else 1
        if taken > room:
            return position
    return min(len(text), room)


Link = Callable[[Call, str], str | None]
"""Gives the link by which the caller can fetch an attachment; None where there is none for them."""


def get_attachment(get: GetAttachment, link: Link | None = None) -> Tool[GetAttachmentArguments, AttachmentResult]:
    async def handler(call: Call, arguments: GetAttachmentArguments) -> AttachmentResult:
        if link is not None:
            found = await get.look(visibility(call), arguments.id)
            url = link(call, arguments.id) if found.attachment.size > get.largest else None
            if url is not None:
                return AttachmentResult.linked(found, url)
        return AttachmentResult.of(await get(visibility(call), arguments.id), arguments.max_chars)

    return Tool(
        name="get_attachment",
        title="Get an attachment",
        description=(
            "Get an attached file itself as an embedded resource: text as text, anything else as bytes, at most "
            f"{get.largest:,}; over HTTP a link to a larger one. To read what is in it, read_attachment."
        ),
        arguments=GetAttachmentArguments,
        result=AttachmentResult,
        permission=ATTACHMENTS,
        handler=handler,
        untrusted=True,
        sensitive=True,
        embedded=AttachmentResult.embedded,
    )
