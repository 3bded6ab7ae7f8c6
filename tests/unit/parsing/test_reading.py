"""Reading single parts, the HTML and the header from the bytes again."""

import base64

import pytest

from mailquery.parsing.reading import PartContent, header_lines, html_source, read_part
from unit.parsing.messages import HEAD, multipart, with_body

RAW = HEAD + multipart(
    "mixed",
    multipart(
        "alternative",
        b"Content-Type: text/plain; charset=euc-kr\n\n\xc8\xb8\xc0\xc7",
        b"Content-Type: text/html; charset=euc-kr\n\n<p>\xc8\xb8\xc0\xc7</p>",
        boundary=b"in",
    ),
    b"Content-Type: application/pdf; name=a.pdf\nContent-Transfer-Encoding: base64\n\nJVBERg==",
    b"Content-Type: text/plain\n\nlook:\nbegin 644 cat.txt\n#0V%T\n`\nend\n",
    b"Content-Type: message/rfc822\n\nSubject: inner\n\ntext",
)


def test_parts_by_number() -> None:
    assert read_part(RAW, "2") == PartContent("application/pdf", "a.pdf", b"%PDF", None)
    text = read_part(RAW, "1.1")
    assert text is not None
    assert (text.data, text.text) == (b"\xc8\xb8\xc0\xc7", "회의")
    nested = read_part(RAW, "4")
    assert nested is not None
    assert nested.data == b"Subject: inner\n\ntext"
    assert nested.filename == "inner.eml"
    assert read_part(RAW, "3.1") == PartContent("application/octet-stream", "cat.txt", b"Cat", None)


@pytest.mark.parametrize("number", ["", "0", "1", "5", "1.3", "2.1", "3.2", "4.1", "x", "1.1.1.1"])
def test_parts_that_are_not_there(number: str) -> None:
    assert read_part(RAW, number) is None


def test_the_part_of_a_message_of_one_part() -> None:
    content = read_part(with_body(b"hello"), "1")
    assert content is not None
    assert content.text == "hello"


def test_html_source() -> None:
    assert html_source(RAW) == "<p>회의</p>"
    assert html_source(with_body(b"hello")) is None


def test_header_lines_in_order() -> None:
    raw = (
        b"received: one\r\n\ttwo\r\nX-Mailer: =?utf-8?B?7ZqM7J2Y?=\r\nmime-version: 1.0\r\nReceived: three\r\n\r\nbody"
    )
    assert header_lines(raw) == (
        ("Received", "one two"), ("X-Mailer", "회의"), ("MIME-Version", "1.0"), ("Received", "three"),
    )  # fmt: skip


def test_a_text_whose_charset_stands_in_the_message_alone_is_a_file_in_utf8() -> None:
    def sent(kind: str, data: bytes, charset: str) -> bytes:
        head = f"Content-Type: {kind}; charset={charset}\nContent-Transfer-Encoding: base64\n\n"
        found = read_part(head.encode() + base64.b64encode(data), "1")
        assert found is not None
        assert found.data == data
        return found.as_file

    for text, charset in (("Счёт", "koi8-r"), ("発注", "shift_jis"), ("청구서", "iso-2022-kr"), ("ใบ", "tis-620")):
        assert sent("text/plain", text.encode(charset), charset).decode("utf-8-sig") == text
    assert sent("text/plain", "견적".encode("cp949"), "iso-8859-1") == "견적".encode("cp949")  # its looks tell
    assert sent("text/csv", b"a,b", "koi8-r") == b"a,b"
    assert sent("text/plain", "é".encode(), "utf-8") == "é".encode()
    page = "<meta charset=koi8-r>Счёт".encode("koi8-r")
    assert sent("text/html", page, "koi8-r") == page
    assert sent("text/plain", b"\x89PNG\r\n\x1a\n\x00\x00", "koi8-r") == b"\x89PNG\r\n\x1a\n\x00\x00"
    assert sent("application/pdf", b"%PDF \xff", "koi8-r") == b"%PDF \xff"
