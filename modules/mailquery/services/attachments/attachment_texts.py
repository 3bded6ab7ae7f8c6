"""Reading the text of an attachment: what was extracted before, else what is extracted now, in its jail."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import anyio.to_thread

from mailquery.domain.extraction import Extraction, ExtractionState, Section
from mailquery.domain.messages import Attachment
from mailquery.extraction.interfaces import Extractor
from mailquery.repositories.extracting import ExtractionRepository
from mailquery.repositories.interfaces import MessageRepository
from mailquery.repositories.records import MessageRow, Visibility
from mailquery.services.attachments.contents import Contents
from mailquery.services.attachments.extracting_on_demand import ExtractOnDemand
from mailquery.services.attachments.finding import GetAttachment
from mailquery.services.ids import attachment_key, not_found
from mailquery.services.masking import Values, masked_file, masked_name, masked_row, secrets_of
from mailquery.services.rendering import choose, sensible_end, text_of
from mailquery.services.signals import SignalKind, signals_of_file
from mcpkit.errors import ErrorCode, Fault
from mcpkit.security.untrusted.secrets import mask

_PIECE = 100_000  # characters that are looked through for codes at once
_MOST_VALUES = 50  # that are hidden wherever else they stand, beside where they were found
_LARGE = 200_000  # characters: looking through more would hold up other calls

_GET = "get_attachment or `mailquery attachments save` gives the file itself"
_OCR = (
    "Letters in its pictures were not looked for: the setting `extraction.ocr.enabled` has the program tesseract "
    "recognise them."
)
_SAID = {
    ExtractionState.EMPTY: f"It has no text. {_GET}.",
    ExtractionState.PARTIAL: "Only a part of it could be read: {detail}.",
    ExtractionState.ENCRYPTED: f"It is protected by a password, which only its sender can give. {_GET}.",
    ExtractionState.UNSUPPORTED: f"Nothing here reads files of this type. {_GET}.",
    ExtractionState.DAMAGED: f"It is damaged: {{detail}}. Ask its sender for another copy; {_GET}.",
    ExtractionState.LIMITED: f"It goes over a limit: {{detail}}. {_GET}.",
    ExtractionState.CRASHED: f"It could not be read: {{detail}}. {_GET}.",
}


@dataclass(frozen=True, slots=True)
class AttachmentText:
    """An attachment and a window on its text. `offset` and `length` (of all that was asked for) are in characters;
    `sections` are those that were asked for, with masked texts. `note` says, in words of ours, what stands in the way
    of the text. `masked` counts the codes and links that were hidden."""

    message: MessageRow
    attachment: Attachment
    extraction: Extraction
    sections: tuple[Section, ...]
    text: str
    offset: int
    length: int
    note: str = ""
    signals: tuple[SignalKind, ...] = ()
    masked: int = 0


class ReadAttachment:
    """What is extracted is stored in `texts`, so that it is read once; without them every attachment is extracted anew.
    `complete` is whether the extractor looks into pictures too: then a text of before it did is not given."""

    def __init__(
        self,
        messages: MessageRepository,
        get: GetAttachment,
        extractor: Extractor,
        texts: ExtractionRepository | None = None,
        contents: Contents | None = None,
        *,
        complete: bool = False,
    ) -> None:
        self._messages = messages
        self._complete = complete
        self._get = get
        self._extract = ExtractOnDemand(extractor, texts)
        self._texts = texts
        self._contents = contents or Contents()

    async def close(self) -> None:
        """Ends what nobody waits for any more."""
        await self._extract.close()

    async def __call__(
        self,
        visible: Visibility,
        id: str,
        *,
        pages: str = "",
        offset: int = 0,
        window: int | None = None,
        secrets: bool = False,
    ) -> AttachmentText:
        """At most `window` characters from `offset` on (None: all), of the sections that `pages` names (`choose`).
        Unless `secrets`, one-time codes and links that open an account are masked.

        Raises `INVALID_FORMAT` for what is no attachment id, `NOT_FOUND`, `FORBIDDEN` where the operator's policy
        withholds it or what lies inside it, `SOURCE_UNAVAILABLE` where it is on its mail server and cannot be fetched,
        `VALIDATION_ERROR` for `pages` that there are not and an `offset` behind the end.
        """
        key, part = attachment_key(id)
        message = await self._messages.get(key, visible)
        if message is None:
            raise not_found("attachment")
        attachment, extraction = await self._extraction(visible, id, key, part)
        self._contents.check_text(attachment, extraction)
        attachment = replace(attachment, found_type=extraction.type)
        values = () if secrets else secrets_of(message)
        row = message.row if secrets else masked_row(message.row, values)
        sections: Sequence[Section] = extraction.sections
        masked = 0
        if not secrets:
            work = partial(_masked, extraction.sections, row.subject, values)
            large = sum(len(each.text) for each in extraction.sections) > _LARGE
            sections, masked = await anyio.to_thread.run_sync(work) if large else work()
            attachment = masked_file(attachment, values)
        chosen = choose(sections, pages)
        text = text_of(chosen)
        if not 0 <= offset <= len(text):
            raise Fault(
                ErrorCode.VALIDATION_ERROR,
                f"`offset` must be from 0 to {len(text)}, the length of this text.",
                details={"argument": "offset", "minimum": 0, "maximum": len(text)},
            )
        rest = text[offset:]
        shown = rest if window is None else rest[: sensible_end(rest, window)]
        return AttachmentText(
            row,
            attachment,
            extraction,
            tuple(chosen),
            shown,
            offset,
            len(text),
            said_of(extraction),
            tuple(dict.fromkeys([*signals_of_file(text_of(extraction.sections), attachment), *signals_of_file(shown)])),
            masked,
        )

    async def _extraction(self, visible: Visibility, id: str, key: int, part: str) -> tuple[Attachment, Extraction]:
        stored = await self._texts.text(key, part, visible) if self._texts is not None else None
        if (
            stored is not None
            and stored.extraction is not None
            and not (self._complete and stored.extraction.unread_pictures)
        ):
            self._contents.check(stored.attachment, b"")
            return stored.attachment, stored.extraction
        # Codes in its name are masked later; the reader is to know it as it is.
        content = await self._get(visible, id, limited=False, secrets=True)
        return content.attachment, await self._extract(key, part, content)


def said_of(extraction: Extraction) -> str:
    """What stands in the way of the text, and what can be done; nothing where it is all there."""
    said = _SAID.get(extraction.state, "")
    detail = extraction.detail.strip().rstrip(".") or "no more is known"
    silent = dict(extraction.facts).get("pages without text")
    if extraction.state is ExtractionState.DONE and silent is not None:
        said = f"Some pages have no text, since they are pictures: {silent} of them. {_GET}."
    if extraction.unread_pictures:
        said = f"{said} {_OCR}".strip()
    return said.format(detail=detail)


def _masked(sections: Sequence[Section], subject: str, values: Values) -> tuple[tuple[Section, ...], int]:
    """The sections without codes, and how many were hidden. What is said on one page is said of that one; what was
    found on one is hidden on all. A text that is too long to be looked through at once is looked through in pieces."""
    found: dict[str, None] = {}
    for section in sections:
        for piece in _pieces(section.text):
            if len(found) < _MOST_VALUES:
                found.update(dict.fromkeys(mask(piece, context=subject).values))
    hidden = (*values, *list(found)[:_MOST_VALUES])

    def without(text: str, context: str) -> str:
        return "".join(mask(piece, context=context, also=hidden).text for piece in _pieces(text))

    masked = tuple(
        replace(each, text=without(each.text, subject), label=masked_name(each.label, hidden)) for each in sections
    )
    return masked, max(len(found), 1) if masked != tuple(sections) else 0


def _pieces(text: str) -> Iterator[str]:
    """Each ends behind a line or a word where it can."""
    while len(text) > _PIECE:
        end = sensible_end(text, _PIECE)
        yield text[:end]
        text = text[end:]
    yield text
