"""A whole message, its problems and its attachments."""

import time
from datetime import UTC, datetime

import pytest

from mailquery.domain.addresses import Address
from mailquery.domain.messages import Attachment, DateSource, ProblemCode
from mailquery.parsing.message import parse_message
from unit.parsing.messages import HEAD, NOW, codes, multipart, parse, with_body

PLAIN = b"Content-Type: text/plain; charset=utf-8\n\nsee attached"


def test_everything_of_an_ordinary_message() -> None:
    raw = (
        "From: 김민수 <kim@x.kr>\r\nSender: office@x.kr\r\nReply-To: kim+r@x.kr\r\nTo: Lee <lee@x.kr>, b@x.kr\r\n"
        "Cc: c@x.kr\r\nBcc: d@x.kr\r\nSubject: =?utf-8?B?7ZqM7J2Y?= plan\r\nDate: Mon, 15 Jan 2024 09:30:00 +0900\r\n"
        "Message-ID: <1@x.kr>\r\nIn-Reply-To: <0@x.kr>\r\nReferences: <a@x.kr> <0@x.kr>\r\nList-Id: Dev <dev.x.kr>\r\n"
        "\r\nhello\r\n"
    ).encode()
    message = parse(raw)
    assert message.from_ == (Address("김민수", "kim@x.kr"),)
    assert message.sender == (Address("", "office@x.kr"),)
    assert message.reply_to == (Address("", "kim+r@x.kr"),)
    assert message.to == (Address("Lee", "lee@x.kr"), Address("", "b@x.kr"))
    assert message.cc == (Address("", "c@x.kr"),)
    assert message.bcc == (Address("", "d@x.kr"),)
    assert message.subject == "회의 plan"
    assert message.date == datetime(2024, 1, 15, 0, 30, tzinfo=UTC)
    assert message.utc_offset == 9 * 3600
    assert message.message_id == "1@x.kr"
    assert message.in_reply_to == ("0@x.kr",)
    assert message.references == ("a@x.kr", "0@x.kr")
    assert message.list_id == "dev.x.kr"
    assert message.body.text == "hello"
    assert message.problems == ()


@pytest.mark.parametrize("raw", [b"", b"\n", b"\x00" * 100, b"PK\x03\x04 not mail at all", b"just\nsome words\n"])
def test_what_is_no_mail_says_so(raw: bytes) -> None:
    message = parse(raw)
    assert ProblemCode.NOT_MAIL in codes(message)
    assert message.date == NOW
    assert message.date_source is DateSource.IMPORT


def test_now_may_have_any_zone_and_the_answer_is_utc() -> None:
    local = NOW.astimezone()
    assert parse_message(b"", source_date=None, now=local).date.tzinfo is UTC


@pytest.mark.parametrize(
    ("fields", "filename"),
    [
        (b'Content-Type: application/pdf; name="plan.pdf"', "plan.pdf"),
        (b'Content-Type: application/pdf; name="a.pdf"\nContent-Disposition: attachment; filename="b.pdf"', "b.pdf"),
        (b"Content-Disposition: attachment; filename*=utf-8''%ED%9A%8C%EC%9D%98.pdf", "회의.pdf"),
        (b"Content-Disposition: attachment; filename*=euc-kr'ko'%C8%B8%C0%C7.pdf", "회의.pdf"),
        (
            b"Content-Disposition: attachment;\n filename*0*=utf-8''%ED%9A;\n filename*1*=%8C%EC%9D;"
            b'\n filename*2*=%98;\n filename*3=".pdf"',
            "회의.pdf",
        ),
        (b'Content-Disposition: attachment; filename*1="two.pdf"; filename*0="one "', "one two.pdf"),
        (b'Content-Disposition: attachment; filename="=?utf-8?B?7ZqM7J2Y?=.pdf"', "회의.pdf"),
        (b'Content-Disposition: attachment; filename="=?euc-kr?B?yLg=?=\n =?euc-kr?B?wMc=?=.pdf"', "회의.pdf"),
        (b'Content-Disposition: attachment; filename="=?gb2312?Q?=B7=A2=C6=B1.pdf?="', "发票.pdf"),
        ('Content-Disposition: attachment; filename="회의.pdf"'.encode(), "회의.pdf"),
        ('Content-Disposition: attachment; filename="회의.pdf"'.encode("cp949"), "회의.pdf"),
        (b"Content-Disposition: attachment; filename=two words.pdf", "two words.pdf"),
        (b'Content-Disposition: attachment; filename="a;b.pdf"', "a;b.pdf"),
        (b'Content-Disposition: attachment; filename="unclosed.pdf', "unclosed.pdf"),
        (b'Content-Disposition: attachment; filename="../../etc/passwd"', "passwd"),
        (b'Content-Disposition: attachment; filename="C:\\\\Temp\\\\plan.pdf"', "plan.pdf"),
        (b'Content-Disposition: attachment; filename=".."', "attachment-2.bin"),
        (b'Content-Disposition: attachment; filename="a\x07\x1bb\xe2\x80\xaefdp.exe"', "abfdp.exe"),
        (b'Content-Disposition: attachment; filename=""', "attachment-2.bin"),
        (b"Content-Type: image/png", "image-2.png"),
        (b"Content-Type: application/pdf", "attachment-2.pdf"),
        (b"Content-Type: text/calendar", "invite-2.ics"),
        (b"Content-Disposition: attachment; filename=" + b"x" * 400 + b".pdf", "x" * 196 + ".pdf"),
    ],
)
def test_file_names(fields: bytes, filename: str) -> None:
    if b"Content-Type" not in fields:
        fields += b"\nContent-Type: application/x-thing"
    message = parse(HEAD + multipart("mixed", PLAIN, fields + b"\n\ndata"))
    assert [attachment.filename for attachment in message.attachments] == [filename]


def test_an_attachment_says_what_it_is() -> None:
    part = (
        b"Content-Type: image/PNG\nContent-Disposition: inline; filename=a.png\nContent-ID: <pic@x>\n"
        b"Content-Transfer-Encoding: base64\n\naGVsbG8="
    )
    message = parse(HEAD + multipart("mixed", PLAIN, part))
    assert message.attachments == (Attachment("2", "a.png", "image/png", 5, inline=True, content_id="pic@x"),)


def test_a_message_that_is_one_attachment() -> None:
    message = parse(with_body(b"%PDF", b"Content-Type: application/pdf; name=plan.pdf"))
    assert message.body.text == ""
    assert [(a.part, a.filename, a.size) for a in message.attachments] == [("1", "plan.pdf", 4)]


def test_a_nested_message_is_named_by_its_subject_and_its_text_stays_inside() -> None:
    nested = b"Content-Type: message/rfc822\n\nSubject: =?utf-8?B?7ZqM7J2Y?= a/b\n\nsecret inside"
    message = parse(HEAD + multipart("mixed", PLAIN, nested))
    assert [attachment.filename for attachment in message.attachments] == ["회의 a-b.eml"]
    assert "secret" not in message.body.text


def test_uuencoded_files_in_the_text_are_attachments() -> None:
    message = parse(with_body(b"look:\nbegin 644 cat.txt\n#0V%T\n`\nend\nbye\n"))
    assert message.body.text == "look:\nbye"
    assert [(a.part, a.filename, a.size) for a in message.attachments] == [("1.1", "cat.txt", 3)]


HOSTILE = {
    "one long field": b"Subject: " + b"x" * 5_000_000,
    "fields": b"X: y\n" * 1_000_000,
    "folds": b"Subject: x" + b"\n " * 2_500_000,
    "blanks in a field": b"Subject" + b" " * 5_000_000 + b"x",
    "encoded words": b"Subject: " + b"=?utf-8?q?a?= " * 350_000,
    "open encoded words": b"Subject: " + b"=?utf-8?q?" * 500_000,
    "references": b"References: " + b"<a@b> " * 800_000,
    "open references": b"References: " + b"<" * 5_000_000,
    "recipients": b"To: " + b"a@b.c, " * 700_000,
    "parameters": b"Content-Type: multipart/mixed; " + b"a=b;" * 1_200_000,
    "quoted parameters": b'Content-Type: multipart/mixed; x="' + b";" * 5_000_000,
    "continued parameters": b"Content-Type: x/y" + b"".join(b";name*%d*=%%41" % i for i in range(300_000)),
    "boundaries": b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n" * 1_200_000,
    "false boundaries": b"Content-Type: multipart/mixed; boundary=b\n\n--b\n" + b"--bx\n" * 1_000_000,
    "dashes": b"Content-Type: multipart/mixed; boundary=-\n\n" + b"-" * 5_000_000,
    "nesting": b"".join(b"Content-Type: multipart/mixed; boundary=%d\n\n--%d\n" % (i, i) for i in range(90_000)),
    "same boundary nested": b"Content-Type: multipart/mixed; boundary=b\n\n--b\n" * 100_000,
    "messages in messages": b"Content-Type: message/rfc822\n\n" * 160_000,
    "base64 padding": b"Content-Transfer-Encoding: base64\n\n" + b"=" * 5_000_000,
    "base64 padding and blanks": b"Content-Transfer-Encoding: base64\n\n" + b"= " * 2_500_000,
    "base64 lines and a sign": b"Content-Transfer-Encoding: base64\n\n" + b"YWJj\n" * 1_000_000 + b"!",
    "quoted-printable": b"Content-Transfer-Encoding: quoted-printable\n\n" + b"=" * 5_000_000,
    "quoted-printable blanks": b"Content-Transfer-Encoding: quoted-printable\n\n" + b"= \t" * 1_600_000,
    "escapes": b"\n" + b"\x1b$B" * 1_600_000,
    "high bytes": b"\n" + b"\xb0" * 5_000_000,
    "high bytes alone": b"\n" + b"\xb0 " * 2_500_000,
    "utf-7": b"Content-Type: text/plain; charset=utf-7\n\n" + b"+" * 5_000_000,
    "date": b"Date: " + b"1 Jan " * 800_000,
    "received": b"Received: x; 1 Foo 2000\n" * 200_000,
    "no line ends": b"x" * 5_000_000,
    "carriage returns": b"\r" * 5_000_000,
}


@pytest.mark.parametrize("raw", HOSTILE.values(), ids=HOSTILE.keys())
def test_five_hostile_megabytes_take_no_time(raw: bytes) -> None:
    began = time.process_time()
    message = parse(raw)
    assert time.process_time() - began < 6
    assert ProblemCode.PARSER_ERROR not in codes(message)


def test_recursion_of_parts_stays_within_the_stack() -> None:
    raw = HEAD + b"".join(b"Content-Type: multipart/mixed; boundary=%d\n\n--%d\n" % (i, i) for i in range(5_000))
    assert ProblemCode.PARSER_ERROR not in codes(parse(raw))
