"""A message from its bytes. Whatever they are, there is an answer, and what was wrong with them is in it."""

from datetime import datetime

from mailquery.domain.messages import Attachment, ParsedMessage, Problem, ProblemCode
from mailquery.parsing import attribution, headers
from mailquery.parsing.addresses import MAX_ADDRESSES, read_addresses
from mailquery.parsing.attachments import read_attachments
from mailquery.parsing.body import Content, read_body
from mailquery.parsing.dates import date_message
from mailquery.parsing.fields import Header, read_header
from mailquery.parsing.structure import Structure, read_structure

_MAX_PROBLEMS = 20
_SIGNS_OF_MAIL = frozenset(
    {"from", "to", "cc", "subject", "date", "message-id", "received", "return-path", "mime-version", "content-type",
     "sender", "reply-to", "delivered-to", "bcc", "x-mailer", "in-reply-to", "references"}
)  # fmt: skip


def normalised(raw: bytes) -> bytes:
    """Mail of old Macintosh programs ends its lines with a carriage return alone."""
    if b"\n" not in raw and b"\r" in raw:
        return raw.replace(b"\r", b"\n")
    return raw


def parse_message(raw: bytes, *, source_date: datetime | None, now: datetime) -> ParsedMessage:
    """What can be read of the message `raw`: any bytes give an answer, in bounded time. Raises nothing.

    `source_date` is what the source knows of its date (an mbox line, a file's time), `now` the moment of the import;
    both have a time zone.
    """
    raw = normalised(raw)
    problems: list[Problem] = []
    try:
        structure = read_structure(raw)
    except Exception as error:  # noqa: BLE001 - a fault of ours must not stop an import; it is recorded
        problems.append(_fault(error))
        header = read_header(raw, 0, len(raw))
        return _assemble(header, "", Content(), (), problems, source_date, now)
    _note_structure(structure, problems)
    header = structure.root.header
    charset = structure.root.charset
    content, attachments = _read_content(raw, structure, problems)
    return _assemble(header, charset, content, attachments, problems, source_date, now)


def _fault(error: Exception) -> Problem:
    return Problem(ProblemCode.PARSER_ERROR, f"{type(error).__name__} in the parser")


def _note_structure(structure: Structure, problems: list[Problem]) -> None:
    header = structure.root.header
    if not any(name in _SIGNS_OF_MAIL for name, _ in header.fields):
        problems.append(Problem(ProblemCode.NOT_MAIL, "there is no header"))
    if not header.complete:
        problems.append(Problem(ProblemCode.TOO_LARGE, "the header is too long: only its beginning was read"))
    if not header.wellformed:
        problems.append(Problem(ProblemCode.BAD_HEADER, "a line of the header is no field"))
    problems.extend(Problem(ProblemCode.BAD_MIME, fault) for fault in structure.faults)
    if structure.truncated:
        problems.append(Problem(ProblemCode.TRUNCATED, "the last boundary is missing"))


def _read_content(raw: bytes, structure: Structure, problems: list[Problem]) -> tuple[Content, tuple[Attachment, ...]]:
    content = Content()
    attachments: tuple[Attachment, ...] = ()
    try:
        subject = headers.text_of(structure.root.header.first("subject"))
        content = read_body(raw, structure.root, forward=attribution.is_forward_subject(subject))
        problems.extend(content.problems)
        attachments = read_attachments(raw, structure.root, problems)
    except Exception as error:  # noqa: BLE001 - see above
        problems.append(_fault(error))
    return content, attachments


def _assemble(
    header: Header,
    charset: str,
    content: Content,
    attachments: tuple[Attachment, ...],
    problems: list[Problem],
    source_date: datetime | None,
    now: datetime,
) -> ParsedMessage:
    values: dict[str, list[bytes]] = {}
    for name, value in header.fields:
        values.setdefault(name, []).append(value)

    def first(name: str) -> bytes | None:
        return values.get(name, [None])[0]

    addresses = {
        name: read_addresses(values[name], charset) if name in values else ()
        for name in ("from", "sender", "reply-to", "to", "cc", "bcc")
    }
    if any(len(found) >= MAX_ADDRESSES for found in addresses.values()):
        problems.append(Problem(ProblemCode.TOO_LARGE, f"only the first {MAX_ADDRESSES} addresses are kept"))
    dated = date_message(first("date"), values.get("received", []), source_date=source_date, now=now)
    if dated.problem is not None:
        problems.append(dated.problem)
    return ParsedMessage(
        message_id=headers.message_id(first("message-id")),
        in_reply_to=headers.message_ids(values.get("in-reply-to", [])),
        references=headers.message_ids(values.get("references", [])),
        subject=headers.text_of(first("subject"), charset)[: headers.MAX_SUBJECT_CHARACTERS],
        date=dated.written.instant,
        utc_offset=dated.written.utc_offset,
        date_source=dated.source,
        from_=addresses["from"],
        sender=addresses["sender"],
        reply_to=addresses["reply-to"],
        to=addresses["to"],
        cc=addresses["cc"],
        bcc=addresses["bcc"],
        list_id=headers.list_id(first("list-id"), charset),
        body=content.body,
        links=content.links,
        attachments=attachments,
        problems=tuple(dict.fromkeys(problems))[:_MAX_PROBLEMS],
    )
