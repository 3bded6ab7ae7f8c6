"""From a message's bytes to what the archive stores of it: everything that costs time and needs no database.

It runs in the import's worker processes. Whatever the bytes are, there is a result: a message that its parser cannot
manage keeps its raw bytes, and what its headers say.
"""

import hashlib
import re
from dataclasses import replace
from datetime import datetime

from mailquery.domain.messages import ParsedMessage, Problem, ProblemCode, SpanKind
from mailquery.parsing.message import parse_message
from mailquery.parsing.reading import omitted_sizes
from mailquery.repositories.compression import compress, pack_body
from mailquery.repositories.index_text import index_text
from mailquery.repositories.prepared import PreparedMessage
from mailquery.sources.interfaces import SourceMessage

_PREVIEW_CHARS = 200
_HEAD_LIMIT = 256 * 1024  # bytes of a message whose headers alone are read


def prepare(message: SourceMessage, fingerprint: bytes, now: datetime) -> PreparedMessage:
    """Parses a message and makes its stored form. `now` is the moment of the import, in UTC."""
    parsed = parse_message(message.raw, source_date=message.source_date, now=now)
    return _prepared(message, fingerprint, parsed)


def prepare_headers_only(message: SourceMessage, fingerprint: bytes, now: datetime, why: Problem) -> PreparedMessage:
    """For a message whose body cannot be parsed: its headers, an empty body, and the reason."""
    head = re.split(rb"\r?\n\r?\n", message.raw[:_HEAD_LIMIT], maxsplit=1)[0]
    parsed = parse_message(head + b"\n\n", source_date=message.source_date, now=now)
    return _prepared(message, fingerprint, replace(parsed, problems=(*parsed.problems, why)))


def _prepared(message: SourceMessage, fingerprint: bytes, parsed: ParsedMessage) -> PreparedMessage:
    if message.problems:
        parsed = replace(parsed, problems=(*message.problems, *parsed.problems))
    raw = message.raw
    if any(problem.code is ProblemCode.NOT_FETCHED for problem in message.problems):
        # Only there: in a message that is whole, the sender wrote it.
        sizes = omitted_sizes(raw)
        attachments = tuple(replace(each, size=sizes.get(each.part, each.size)) for each in parsed.attachments)
        parsed = replace(parsed, attachments=attachments)
    return PreparedMessage(
        fingerprint=fingerprint,
        raw_sha256=hashlib.sha256(raw).digest(),
        raw_size=len(raw),
        raw=compress(raw),
        parsed=parsed,
        body=pack_body(parsed.body, parsed.links),
        index=index_text(parsed),
        preview=_preview(parsed),
        gmail_thread_id=message.gmail_thread_id,
        locator=message.placements[0].locator if message.placements else "",
    )


def _preview(parsed: ParsedMessage) -> str:
    start: list[str] = []
    length = 0
    for span in parsed.body.spans:
        if span.kind is SpanKind.TEXT:
            # Four times the preview is enough to fill it after white space is folded, in all but odd layouts.
            piece = parsed.body.text[span.start : min(span.end, span.start + 4 * _PREVIEW_CHARS)]
            start.append(piece)
            length += len(piece)
            if length >= 4 * _PREVIEW_CHARS:
                break
    return " ".join(" ".join(start).split())[:_PREVIEW_CHARS]


def unparsable(error: BaseException) -> Problem:
    """The problem to record for an error of the parser itself: its kind, and no text of the message."""
    return Problem(ProblemCode.PARSER_ERROR, f"the parser failed with {type(error).__name__}; only headers are indexed")
