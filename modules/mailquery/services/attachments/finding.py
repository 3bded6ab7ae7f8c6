"""Finding attachments and taking them out of their messages."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from mailquery.domain.media import Kind
from mailquery.domain.messages import Attachment
from mailquery.parsing.reading import is_omitted, read_part
from mailquery.repositories.interfaces import MessageRepository, SearchRepository
from mailquery.repositories.records import AttachmentRow, MessageRow, Position, StoredMessage, Total, Visibility
from mailquery.services.attachments.contents import Contents
from mailquery.services.cursors import Bookmark, Cursors
from mailquery.services.fetching import Fetch, fetch_or_refuse, is_partial
from mailquery.services.filters import Clock, FilterReader, Filters, Reading, utc_now
from mailquery.services.ids import attachment_key, not_found
from mailquery.services.limits import checked_limit
from mailquery.services.masking import masked_file, masked_row, secrets_of
from mcpkit.errors import ErrorCode, Fault
from mcpkit.security.tokens import SignedTokens
from mcpkit.security.untrusted.secrets import mask

MOST_ROWS = 100
LARGEST_CONTENT = 1_000_000  # bytes, unless the setting says otherwise


@dataclass(frozen=True, slots=True)
class FoundAttachments:
    """One page of attachments, newest message first; as `searching.Found`."""

    rows: tuple[AttachmentRow, ...]
    total: Total
    given_before: int
    more: bool
    reading: Reading
    cursor_after: Callable[[int], str]


class ListAttachments:
    def __init__(
        self,
        search: SearchRepository,
        filters: FilterReader,
        tokens: SignedTokens,
        clock: Clock = utc_now,
        contents: Contents | None = None,
    ) -> None:
        self._search = search
        self._filters = filters
        self._cursors = Cursors(tokens, "attachments")
        self._clock = clock
        self._contents = contents or Contents()

    async def __call__(
        self,
        visible: Visibility,
        filters: Filters,
        *,
        filename: str = "",
        media_type: str = "",
        limit: int = 20,
        cursor: str | None = None,
    ) -> FoundAttachments:
        """The attachments of the messages that `filters` finds, whose name has `filename` as a part and which are of
        `media_type`: a kind (`domain.media.Kind`) or a MIME type.

        Raises `QUERY_SYNTAX`, `VALIDATION_ERROR` and `INVALID_FORMAT` naming the argument.
        """
        checked_limit(limit, MOST_ROWS)
        media_type = _media_type(media_type)
        digest = filters.digest(filename, media_type, *sorted(visible.accounts or ()))
        start = self._cursors.open(visible.user, cursor, digest) if cursor else None
        now = start.now if start else self._clock()
        reading = await self._filters.read(filters, visible, now)
        rows, total, following = await self._search.attachments(
            reading.tree,
            visible,
            filename=filename.strip(),
            media_type=media_type,
            limit=limit,
            start=start.position if start else None,
        )
        rows = tuple(replace(row, attachment=self._contents.mark(row.attachment)) for row in rows)
        given_before = start.given if start else 0

        def cursor_after(count: int) -> str:
            as_of = start.position.as_of if start else following.as_of if following else reading.sequence
            position = (
                following
                if following is not None and count == len(rows)
                else _position_after(rows[:count], start.position if start else None, as_of)
            )
            return self._cursors.seal(visible.user, digest, Bookmark(position, given_before + count, now))

        shown = tuple(
            replace(row, message=masked_row(row.message), attachment=masked_file(row.attachment)) for row in rows
        )
        return FoundAttachments(shown, total, given_before, following is not None, reading, cursor_after)


def _position_after(rows: tuple[AttachmentRow, ...], start: Position | None, as_of: int) -> Position:
    if not rows:
        return start or Position(as_of)
    last = rows[-1].message.row
    given = sum(row.message.row == last for row in rows)
    if start is not None and start.row == last:
        given += start.offset
    return Position(as_of, row=last, offset=given)


def _media_type(value: str) -> str:
    wanted = value.strip().lower()
    if not wanted or "/" in wanted or wanted in {kind.value for kind in Kind}:
        return wanted
    raise Fault(
        ErrorCode.VALIDATION_ERROR,
        "`type` must be a MIME type such as `application/pdf`, or one of "
        + ", ".join(kind.value for kind in Kind)
        + ".",
        details={"argument": "type", "allowed": [kind.value for kind in Kind]},
    )


@dataclass(frozen=True, slots=True)
class AttachmentContent:
    """An attachment with its bytes, decoded, and what they are; `text` too where it is text. `readable` are the bytes
    for whoever reads text in them (`PartContent.as_file`)."""

    message: MessageRow
    attachment: Attachment
    data: bytes
    text: str | None
    readable: bytes = b""


class GetAttachment:
    """`largest` is the size limit in bytes. `fetch` brings what is on the mail server only."""

    def __init__(
        self,
        messages: MessageRepository,
        largest: int = LARGEST_CONTENT,
        contents: Contents | None = None,
        fetch: Fetch | None = None,
    ) -> None:
        self._fetch = fetch
        self._messages = messages
        self.largest = largest
        self._contents = contents or Contents()

    async def look(self, visible: Visibility, id: str) -> AttachmentRow:
        """What there is, without its content. Raises what a call raises before it looks at that."""
        message, attachment = await self._find(visible, id)
        values = secrets_of(message)
        return AttachmentRow(masked_row(message.row, values), masked_file(attachment, values))

    async def _find(self, visible: Visibility, id: str) -> tuple[StoredMessage, Attachment]:
        key, part = attachment_key(id)
        message = await self._messages.get(key, visible)
        if message is None:
            raise not_found("attachment")
        attachment = next((each for each in message.row.attachments if each.part == part), None)
        if attachment is None:
            raise not_found("attachment")
        self._contents.check(attachment, b"")
        return message, attachment

    async def __call__(
        self, visible: Visibility, id: str, *, limited: bool = True, secrets: bool = False
    ) -> AttachmentContent:
        """Unless `secrets`, one-time codes and links that open an account are masked in `text`; without `limited` any
        size is given. Raises `INVALID_FORMAT` for what is no attachment id, `NOT_FOUND`, `FORBIDDEN` where the
        operator's policy withholds it, and `TOO_LARGE` with both sizes; where its content was left on the mail server,
        `SOURCE_UNAVAILABLE` and what else the server raises."""
        message, attachment = await self._find(visible, id)
        key, part = message.row.key, attachment.part
        if limited and attachment.size > self.largest:
            raise Fault(
                ErrorCode.TOO_LARGE,
                f"The attachment has {attachment.size:,} bytes; at most {self.largest:,} are given. "
                "read_attachment reads its text; `mailquery attachments save` saves it. The limit is a setting.",
                details={"argument": "id", "size": attachment.size, "maximum": self.largest},
            )
        raw = await self._messages.raw(key, visible)
        if raw is not None and is_partial(message) and is_omitted(raw, part):
            await fetch_or_refuse(self._fetch, visible, message)
            return await self(visible, id, limited=limited, secrets=secrets)
        content = read_part(raw, part) if raw is not None else None
        if content is None:
            raise not_found("attachment")
        self._contents.check(attachment, content.data)
        attachment = replace(attachment, found_type=_detected(content.data, attachment.filename))
        if secrets:
            return AttachmentContent(message.row, attachment, content.data, content.text, content.as_file)
        values = secrets_of(message)
        text = content.text
        if text is not None:
            text = mask(text, context=message.row.subject, also=values).text
        return AttachmentContent(masked_row(message.row, values), masked_file(attachment, values), content.data, text)


def _detected(data: bytes, filename: str) -> str:
    from mailquery.extraction.detection import detect  # which imports more than most conversations need

    return detect(data, filename)
