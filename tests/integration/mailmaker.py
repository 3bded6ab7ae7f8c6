"""Builds prepared messages from facts, without MIME: what these tests store is exactly what they say."""

import hashlib
from datetime import UTC, datetime

from mailquery.domain.addresses import Address
from mailquery.domain.identity import FINGERPRINT_BYTES
from mailquery.domain.mailboxes import Placement
from mailquery.domain.messages import (
    Attachment,
    Body,
    DateSource,
    Flag,
    Link,
    ParsedMessage,
    Problem,
    Span,
    SpanKind,
)
from mailquery.domain.words import segment
from mailquery.repositories.compression import compress, pack_body
from mailquery.repositories.prepared import IndexText, NewPlacement, PreparedMessage

NOON = datetime(2026, 3, 9, 12, tzinfo=UTC)


def address(text: str) -> Address:
    """`Name <a@b>`, `a@b` or a name alone."""
    if text.endswith(">"):
        name, _, spec = text[:-1].partition("<")
        return Address(name.strip(), spec)
    return Address("", text) if "@" in text else Address(text, "")


def mail(
    subject: str = "Hello",
    body: str = "",
    *,
    quoted: str = "",
    message_id: str = "",
    in_reply_to: tuple[str, ...] = (),
    references: tuple[str, ...] = (),
    date: datetime = NOON,
    from_: tuple[str, ...] = ("Ann Lee <ann@acme.io>",),
    sender: tuple[str, ...] = (),
    reply_to: tuple[str, ...] = (),
    to: tuple[str, ...] = ("Bob <bob@example.org>",),
    cc: tuple[str, ...] = (),
    bcc: tuple[str, ...] = (),
    list_id: str = "",
    attachments: tuple[Attachment, ...] = (),
    links: tuple[Link, ...] = (),
    problems: tuple[Problem, ...] = (),
    gmail: str = "",
    size: int | None = None,
    utc_offset: int = 0,
    locator: str = "/mail/box",
    raw: bytes | None = None,
) -> PreparedMessage:
    """A message; two with the same facts are the same message."""
    text = f"{body}\n{quoted}" if quoted else body
    spans = [Span(SpanKind.TEXT, 0, len(body))]
    if quoted:
        spans = [Span(SpanKind.TEXT, 0, len(body) + 1), Span(SpanKind.QUOTE, len(body) + 1, len(text))]
    parsed = ParsedMessage(
        message_id=message_id,
        in_reply_to=in_reply_to,
        references=references,
        subject=subject,
        date=date,
        utc_offset=utc_offset,
        date_source=DateSource.DATE,
        from_=tuple(map(address, from_)),
        sender=tuple(map(address, sender)),
        reply_to=tuple(map(address, reply_to)),
        to=tuple(map(address, to)),
        cc=tuple(map(address, cc)),
        bcc=tuple(map(address, bcc)),
        list_id=list_id,
        body=Body(text, tuple(spans)),
        links=links,
        attachments=attachments,
        problems=problems,
    )
    if raw is None:
        raw = repr((parsed, gmail)).encode("utf-8", "surrogatepass")
    people = (*parsed.from_, *parsed.sender, *parsed.reply_to, *parsed.to, *parsed.cc, *parsed.bcc)
    return PreparedMessage(
        fingerprint=hashlib.sha256(raw).digest()[:FINGERPRINT_BYTES],
        raw_sha256=hashlib.sha256(raw).digest(),
        raw_size=len(raw) if size is None else size,
        raw=compress(raw),
        parsed=parsed,
        body=pack_body(parsed.body, links),
        index=IndexText(
            subject=segment(subject),
            people=segment(" ".join(f"{person.name} {person.address}" for person in people)),
            body=segment(body),
            quoted=segment(quoted),
            filenames=segment(" ".join(part.filename for part in attachments)),
        ),
        preview=" ".join(body.split())[:200],
        gmail_thread_id=gmail,
        locator=locator,
    )


def placed(message: PreparedMessage, *mailboxes: str, account: str = "home", flags: Flag | None = None) -> NewPlacement:
    return NewPlacement(
        message.fingerprint, account, tuple(Placement(name, flags, message.locator) for name in mailboxes or ("INBOX",))
    )
