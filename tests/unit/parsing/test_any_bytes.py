"""Whatever the bytes are, there is a message that keeps its promises."""

import random
import re
from datetime import UTC, datetime, timedelta, timezone

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mailquery.domain.handles import attachment_handle, parse_attachment_handle
from mailquery.domain.messages import DateSource, ParsedMessage, ProblemCode
from mailquery.parsing.message import parse_message
from mailquery.parsing.reading import header_lines, html_source, read_part
from unit.parsing.messages import HEAD, NOW, multipart

_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


def strings_of(message: ParsedMessage) -> list[str]:
    addresses = (*message.from_, *message.sender, *message.reply_to, *message.to, *message.cc, *message.bcc)
    return [
        message.message_id, message.subject, message.list_id, *message.in_reply_to, *message.references,
        *(address.name for address in addresses), *(address.address for address in addresses),
        *(link.url for link in message.links), *(link.text for link in message.links),
        *(problem.detail for problem in message.problems),
        *(a.filename for a in message.attachments), *(a.content_type for a in message.attachments),
        *(a.content_id for a in message.attachments),
    ]  # fmt: skip


def check(raw: bytes, *, source_date: datetime | None = None) -> ParsedMessage:
    message = parse_message(raw, source_date=source_date, now=NOW)
    for text in strings_of(message):
        text.encode("utf-8")
        assert not _CONTROLS.search(text)
        assert "\n" not in text
    body = message.body
    body.text.encode("utf-8")
    assert not _CONTROLS.search(body.text)
    position = 0
    for span in body.spans:
        assert span.start == position < span.end
        position = span.end
    assert position == len(body.text)
    assert message.date.tzinfo is UTC
    assert datetime(1971, 1, 1, tzinfo=UTC) <= message.date <= NOW + timedelta(days=2)
    assert abs(message.utc_offset) <= 14 * 3600 or message.date_source is DateSource.SOURCE
    parts = [attachment.part for attachment in message.attachments]
    assert len(set(parts)) == len(parts)
    for attachment in message.attachments:
        assert attachment.size >= 0
        assert attachment.filename
        assert "/" not in attachment.filename
        assert parse_attachment_handle(attachment_handle(1, attachment.part)) == (1, attachment.part)
        content = read_part(raw, attachment.part)
        assert content is not None
        assert len(content.data) == attachment.size
        assert content.filename == attachment.filename
    assert ProblemCode.PARSER_ERROR not in [problem.code for problem in message.problems]
    html = html_source(raw)
    assert html is None or html.encode("utf-8") is not None
    for name, value in header_lines(raw):
        assert "\n" not in (name + value).encode("utf-8").decode()
    return message


@given(st.binary(max_size=2_000))
@settings(max_examples=300, deadline=None)
def test_any_bytes(raw: bytes) -> None:
    check(raw)


_FRAGMENTS = st.sampled_from(
    [
        b"\n", b"\r\n", b"\r", b"\n\n", b" ", b"\t", b":", b";", b"=", b"?", b'"', b"<", b">", b"(", b"--", b"--BB",
        b"--BB--", b"From: ", b"To: ", b"Subject: ", b"Date: ", b"Received: by x; ", b"Message-ID: <a@b>",
        b"References: ", b"MIME-Version: 1.0", b"Content-Type: ", b"multipart/mixed", b"multipart/alternative",
        b"multipart/digest", b"; boundary=BB", b"; charset=", b"text/plain", b"text/html", b"message/rfc822",
        b"image/png", b"; name=", b"; name*0*=utf-8''%ed%9a", b"; name*1*=%8c", b"; format=flowed; delsp=yes",
        b"text/calendar", b"Content-Transfer-Encoding: ", b"base64", b"quoted-printable", b"x-uuencode",
        b"Content-Disposition: attachment", b"; filename=", b"../../x", b"=?utf-8?B?7ZqM?=", b"=?euc-kr?Q?=C8=B8?=",
        b"=?", b"?=", b"utf-8", b"euc-kr", b"iso-2022-jp", b"utf-7", b"utf-16", b"gb2312", b"\x1b$B", b"\x1b(B",
        b"\x1b$)C\x0e", b"+2AA-", b"\xed\xa0\x80", b"\xc8\xb8\xc0\xc7", b"\xff\xfe", b"\xa4\xd4", b"\x00",
        b"\xe2\x80\xae", "회의".encode(), b"7ZqM7J2Y", b"=C8=B8", b"=\n", b"begin 644 a.txt\n", b"#0V%T\n",
        b"`\nend\n", b"Mon, 15 Jan 2024 09:30:00 +0900", b"+9959", b"1 Jan 0001", b"<blockquote>", b"</div>",
        b"<div class=gmail_quote>", b"<p style='display:none'>", b"<pre>", b"<a href=http://x>", b"&#1;", b"&#xD800;",
        b"&#55296;", b"\x01\x02\x03", b"> quoted", b"-- ", b"On 1 Jan 2024 x wrote:", b"-----Original Message-----",
        b"From: a\nSent: b\nTo: c\n", b"____________", b"unsubscribe", b"a" * 300,
    ]
)  # fmt: skip


@given(st.lists(_FRAGMENTS, max_size=60).map(b"".join))
@settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_sequence_of_what_mail_is_made_of(raw: bytes) -> None:
    check(raw)


REALISTIC = HEAD + multipart(
    "mixed",
    multipart(
        "alternative",
        b"Content-Type: text/plain; charset=euc-kr; format=flowed\nContent-Transfer-Encoding: base64\n\nyLjAxw==\n",
        b'Content-Type: text/html; charset="utf-8"\nContent-Transfer-Encoding: quoted-printable\n\n'
        b'<p>=ED=9A=8C=EC=9D=98 <a href=3D"https://x.kr">link</a></p><blockquote>On Monday</blockquote>',
        boundary=b"in",
    ),
    b"Content-Type: image/png; name*=utf-8''%ED%9A%8C.png\nContent-Disposition: inline\nContent-ID: <1@x>\n\nabc",
    b"Content-Type: message/rfc822\n\nSubject: =?utf-8?B?7ZqM7J2Y?=\nDate: Mon, 15 Jan 2024 09:30:00 +0900\n\ninner",
    b"Content-Type: text/calendar; method=REQUEST\n\nBEGIN:VCALENDAR",
)


@given(st.integers(0, 2**32), st.integers(1, 40))
@settings(max_examples=400, deadline=None)
def test_damaged_messages(seed: int, changes: int) -> None:
    rng = random.Random(seed)
    raw = bytearray(REALISTIC)
    for _ in range(changes):
        position = rng.randrange(len(raw))
        match rng.randrange(4):
            case 0:
                raw[position] = rng.randrange(256)
            case 1:
                del raw[position : position + rng.randrange(1, 30)]
            case 2:
                raw[position:position] = raw[rng.randrange(len(raw)) :][: rng.randrange(1, 80)]
            case _:
                raw[position:position] = bytes(rng.randrange(256) for _ in range(rng.randrange(1, 6)))
    check(bytes(raw))


@given(st.integers(0, len(REALISTIC)))
@settings(max_examples=100, deadline=None)
def test_messages_that_end_anywhere(length: int) -> None:
    check(REALISTIC[:length])


@given(st.datetimes(), st.integers(-840, 840))
@settings(max_examples=50, deadline=None)
def test_any_date_of_the_source(moment: datetime, offset: int) -> None:
    check(b"\n", source_date=moment.replace(tzinfo=timezone(timedelta(minutes=offset))))
