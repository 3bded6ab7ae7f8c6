"""The tree of parts, and its IMAP numbers."""

import pytest

from mailquery.domain.messages import ProblemCode
from mailquery.parsing.message import parse_message
from mailquery.parsing.structure import MAX_DEPTH, MAX_PARTS, Part, read_structure
from unit.parsing.messages import HEAD, NOW, codes, multipart, parse, with_body

TEXT = b"Content-Type: text/plain\n\nhello"
HTML = b"Content-Type: text/html\n\n<p>hello</p>"
PNG = b"Content-Type: image/png\nContent-Transfer-Encoding: base64\n\niVBORw0KGgo="


def leaves(raw: bytes) -> list[tuple[str, str, bytes]]:
    return [(part.number, part.content_type, raw[part.start : part.end]) for part in read_structure(raw).root.leaves()]


def test_a_message_of_one_part_has_the_number_1() -> None:
    assert leaves(HEAD + b"\nhello\n") == [("1", "text/plain", b"hello\n")]


def test_numbers_as_in_imap() -> None:
    # The example of RFC 9051, section 6.4.5.1, has its parts nested in this way.
    inner = multipart("alternative", TEXT, HTML, boundary=b"inner")
    raw = HEAD + multipart("mixed", inner, PNG, boundary=b"outer")
    assert [(number, kind) for number, kind, _ in leaves(raw)] == [
        ("1.1", "text/plain"),
        ("1.2", "text/html"),
        ("2", "image/png"),
    ]


def test_the_break_before_a_boundary_belongs_to_the_boundary() -> None:
    raw = HEAD + multipart("mixed", TEXT, b"\nlast\n")
    assert [content for _, _, content in leaves(raw)] == [b"hello", b"last\n"]
    crlf = raw.replace(b"\n", b"\r\n")
    assert [content for _, _, content in leaves(crlf)] == [b"hello", b"last\r\n"]


def test_a_boundary_is_a_whole_line() -> None:
    raw = with_body(
        b"--BB\n\n--BBB is longer\nx --BB\n--BB  \t\n\ntwo\n--BB--\n", b"Content-Type: multipart/mixed; boundary=BB"
    )
    assert [content for _, _, content in leaves(raw)] == [b"--BBB is longer\nx --BB", b"two"]


def test_preamble_and_epilogue_are_no_parts() -> None:
    raw = with_body(
        b"preamble\n--BB\n\none\n--BB--\nepilogue\n--BB\n\nno\n", b"Content-Type: multipart/mixed; boundary=BB"
    )
    assert [content for _, _, content in leaves(raw)] == [b"one"]


def test_an_inner_part_does_not_run_over_the_outer_boundary() -> None:
    raw = with_body(
        b"--out\nContent-Type: multipart/mixed; boundary=in\n\n--in\n\nunclosed\n--out\n\nnext\n--out--\n",
        b"Content-Type: multipart/mixed; boundary=out",
    )
    assert leaves(raw) == [("1.1", "text/plain", b"unclosed"), ("2", "text/plain", b"next")]
    assert ProblemCode.TRUNCATED in codes(parse(raw))


def test_a_message_cut_short_keeps_what_there_is() -> None:
    raw = with_body(b"--BB\n\none\n--BB\n\ntwo and the", b"Content-Type: multipart/mixed; boundary=BB")
    assert [content for _, _, content in leaves(raw)] == [b"one", b"two and the"]
    assert codes(parse(raw)) == [ProblemCode.TRUNCATED]


@pytest.mark.parametrize(
    "declared", [b"multipart/mixed", b"multipart/mixed; boundary=", b"multipart/mixed; boundary=other"]
)
def test_a_boundary_that_is_not_named_is_found(declared: bytes) -> None:
    raw = with_body(
        b"--XYZ\nContent-Type: text/plain\n\none\n--XYZ\nContent-Type: text/plain\n\ntwo\n--XYZ--\n",
        b"Content-Type: " + declared,
    )
    assert [content for _, _, content in leaves(raw)] == [b"one", b"two"]
    assert codes(parse(raw)) == [ProblemCode.BAD_MIME]


def test_a_multipart_without_parts_is_text() -> None:
    message = parse(with_body(b"only text\n", b"Content-Type: multipart/mixed; boundary=BB"))
    assert message.body.text == "only text"
    assert codes(message) == [ProblemCode.BAD_MIME]


@pytest.mark.parametrize(
    "value",
    [b'multipart/mixed; boundary="B B"', b"multipart/mixed; BOUNDARY = \"B B\"", b"multipart/mixed boundary=\"B B\"",
     b"multipart/mixed;\n\tboundary*0=\"B\"; boundary*1=\" B\"", b'multipart/mixed; charset=x; boundary="B B',
     b"Multipart/Mixed; boundary=B B"],
)  # fmt: skip
def test_ways_to_name_a_boundary(value: bytes) -> None:
    raw = with_body(b"--B B\n\none\n--B B--\n", b"Content-Type: " + value)
    assert leaves(raw) == [("1", "text/plain", b"one")]


def test_the_parts_of_a_digest_are_messages() -> None:
    raw = HEAD + multipart("digest", b"\nFrom: x@y\nSubject: one\n\nbody one", b"\nSubject: two\n\nbody two")
    assert [attachment.filename for attachment in parse(raw).attachments] == ["one.eml", "two.eml"]


def test_nesting_is_bounded() -> None:
    raw = HEAD
    for depth in range(500):
        raw += b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (depth, depth)
    raw += b"Content-Type: text/plain\n\ndeep\n" + b"\n" * 1_000_000
    message = parse(raw)
    assert ProblemCode.BAD_MIME in codes(message)
    assert max(attachment.part.count(".") for attachment in message.attachments) <= MAX_DEPTH


def test_the_number_of_parts_is_bounded() -> None:
    raw = HEAD + multipart("mixed", *[b"\nx"] * (3 * MAX_PARTS))
    assert len(leaves(raw)) < MAX_PARTS
    assert ProblemCode.BAD_MIME in codes(parse(raw))


def test_carriage_returns_alone_end_lines() -> None:
    assert parse((HEAD + b"\nhello\nyou\n").replace(b"\n", b"\r")).body.text == "hello\nyou"


def depth_of(part: Part) -> int:
    return 1 + max((depth_of(child) for child in part.children), default=0)


def test_a_message_parses_twice_to_the_same() -> None:
    raw = HEAD + multipart("mixed", TEXT, multipart("alternative", TEXT, HTML, boundary=b"in"), PNG)
    assert depth_of(read_structure(raw).root) == 3
    assert parse_message(raw, source_date=None, now=NOW) == parse_message(raw, source_date=None, now=NOW)
