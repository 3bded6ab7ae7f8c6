"""Building the messages of these tests."""

from datetime import UTC, datetime

from mailquery.domain.messages import ParsedMessage, ProblemCode, SpanKind
from mailquery.parsing.message import parse_message

NOW = datetime(2024, 6, 1, 12, 0, tzinfo=UTC)
HEAD = b"From: a@x.kr\nTo: b@x.kr\nSubject: s\nDate: Mon, 15 Jan 2024 09:30:00 +0900\nMessage-ID: <1@x.kr>\n"


def parse(raw: bytes) -> ParsedMessage:
    return parse_message(raw, source_date=None, now=NOW)


def with_body(body: bytes, *fields: bytes) -> bytes:
    return HEAD + b"".join(field + b"\n" for field in fields) + b"\n" + body


def plain(text: str, *, subject: str = "s") -> ParsedMessage:
    head = HEAD.replace(b"Subject: s", b"Subject: " + subject.encode())
    return parse(head + b"Content-Type: text/plain; charset=utf-8\n\n" + text.encode())


def page(source: str) -> ParsedMessage:
    return parse(with_body(source.encode(), b"Content-Type: text/html; charset=utf-8"))


def multipart(subtype: str, *parts: bytes, boundary: bytes = b"BB") -> bytes:
    """The body, with its Content-Type before it: a part of another multipart, or a message when put behind HEAD."""
    head = b'Content-Type: multipart/%s; boundary="%s"\n\n' % (subtype.encode(), boundary)
    return head + b"".join(b"--%s\n%s\n" % (boundary, part) for part in parts) + b"--%s--\n" % boundary


def only(message: ParsedMessage, kind: SpanKind) -> str:
    return message.body.only(kind)


def codes(message: ParsedMessage) -> list[ProblemCode]:
    return [problem.code for problem in message.problems]
