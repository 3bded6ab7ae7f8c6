"""The parts of a message that are not its text."""

import re

from mailquery.domain.messages import Attachment, Problem
from mailquery.parsing.body import may_hold_uuencoded, part_bytes, text_parts
from mailquery.parsing.cleaning import one_line
from mailquery.parsing.fields import read_header
from mailquery.parsing.filenames import clean_filename, default_filename, message_filename
from mailquery.parsing.headers import MAX_ID_CHARACTERS, decode_raw, text_of
from mailquery.parsing.structure import Part
from mailquery.parsing.transfer import UuencodedFile, undo_transfer_encoding, uuencoded_files

MESSAGE_TYPES = frozenset({"message/rfc822", "message/global"})
_MEDIA_TYPE = re.compile(r"[\w.+*-]{1,100}/[\w.+*-]{1,100}")
_DISPLAYED = ("image/", "audio/", "video/")


def read_attachments(raw: bytes, root: Part, problems: list[Problem]) -> tuple[Attachment, ...]:
    """Every leaf but those whose text is the message's text; files uuencoded inside of it; nested messages whole."""
    text_numbers = {part.number for stretch in text_parts(root) for part in stretch}
    attachments: list[Attachment] = []
    for part in root.leaves():
        if part.number in text_numbers:
            if part.content_type == "text/plain":
                attachments.extend(_uuencoded(raw, part))
            continue
        attachment = _attachment(raw, part, problems)
        if attachment is not None:
            attachments.append(attachment)
    return tuple(attachments)


def _attachment(raw: bytes, part: Part, problems: list[Problem]) -> Attachment | None:
    data, _ = part_bytes(raw, part, problems)
    filename = part_filename(part, data)
    if part.number == "1" and not data.strip() and not (part.disposition or declared_filename(part)):
        return None  # an empty message of an unusual type holds nothing
    return Attachment(
        part=part.number,
        filename=filename,
        content_type=part.content_type if _MEDIA_TYPE.fullmatch(part.content_type) else "application/octet-stream",
        size=len(data),
        inline=_is_inline(part),
        content_id=content_id(part),
    )


def content_id(part: Part) -> str:
    value = part.header.first("content-id")
    if value is None:
        return ""
    return one_line(decode_raw(value[:2_000])).strip("<> ")[:MAX_ID_CHARACTERS]


def _is_inline(part: Part) -> bool:
    """Shown within the text: said so, or a picture that belongs to a page."""
    if part.disposition == "attachment":
        return (
            part.parent_type == "multipart/related"
            and bool(part.header.first("content-id"))
            and (part.content_type.startswith("image/"))
        )
    if part.parent_type == "multipart/related" and part.content_type.startswith(_DISPLAYED):
        return True
    return part.disposition == "inline" and part.content_type.startswith((*_DISPLAYED, "text/"))


def declared_filename(part: Part) -> str:
    return clean_filename(part.disposition_parameters.get("filename") or part.parameters.get("name") or "")


def part_filename(part: Part, data: bytes) -> str:
    """The name that its header gives, or one made from its type; a nested message is named by its subject."""
    if name := declared_filename(part):
        return name
    if part.content_type in MESSAGE_TYPES:
        subject = text_of(read_header(data, 0, min(len(data), 100_000)).first("subject"))
        return message_filename(subject, part.number)
    return default_filename(part.content_type, part.number)


def uuencoded_number(part: Part, index: int) -> str:
    """A leaf has no parts in IMAP, so the numbers below it are free for the files inside its text."""
    return f"{part.number}.{index}"


def uuencoded_of(raw: bytes, part: Part) -> list[UuencodedFile]:
    return uuencoded_files(undo_transfer_encoding(raw[part.start : part.end], part.transfer_encoding).data)


def uuencoded_filename(file: UuencodedFile, number: str) -> str:
    return clean_filename(decode_raw(file.filename)) or default_filename("application/octet-stream", number)


def _uuencoded(raw: bytes, part: Part) -> list[Attachment]:
    if not may_hold_uuencoded(raw, part):
        return []
    found: list[Attachment] = []
    for index, file in enumerate(uuencoded_of(raw, part), start=1):
        number = uuencoded_number(part, index)
        found.append(Attachment(number, uuencoded_filename(file, number), "application/octet-stream", len(file.data)))
    return found
