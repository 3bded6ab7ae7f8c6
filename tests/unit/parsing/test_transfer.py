"""Transfer encodings as they are damaged on the way."""

import base64
import binascii

import pytest

from mailquery.parsing.transfer import undo_transfer_encoding, uuencoded_files

TEXT = "회의 자료를 보내드립니다. ".encode() * 10
BASE64 = base64.encodebytes(TEXT)


def uuencoded(data: bytes, name: bytes = b"a.bin") -> bytes:
    lines = [binascii.b2a_uu(data[i : i + 45]) for i in range(0, len(data), 45)]
    return b"begin 644 " + name + b"\n" + b"".join(lines) + b"`\nend\n"


@pytest.mark.parametrize(
    "encoding", ["base64", "BASE64 ", " Base64\r\n", "base64; x=y", "base64 (comment)", '"base64"']
)
def test_base64_by_any_spelling(encoding: str) -> None:
    assert undo_transfer_encoding(BASE64, encoding) == (TEXT, b"", True)


@pytest.mark.parametrize("breaks", [b"\n", b"\r\n", b"", b" \n"])
def test_base64_with_any_line_breaks(breaks: bytes) -> None:
    assert undo_transfer_encoding(BASE64.replace(b"\n", breaks), "base64").data == TEXT


FOOTER = b"\n_______________________________________________\nDev mailing list\nDev@lists.example.org\n"


@pytest.mark.parametrize("data", [TEXT, TEXT[:-1], TEXT[:-2], TEXT[:57], TEXT[:114]])
def test_a_plain_footer_behind_base64_is_kept_apart(data: bytes) -> None:
    decoded = undo_transfer_encoding(base64.encodebytes(data) + FOOTER, "base64")
    assert decoded.data == data
    assert decoded.trailer == FOOTER.strip()
    assert decoded.intact


def test_base64_cut_inside_a_group() -> None:
    decoded = undo_transfer_encoding(base64.b64encode(b"abcdef")[:5], "base64")
    assert decoded.data == b"abc"
    assert not decoded.intact


def test_base64_with_foreign_characters_inside() -> None:
    damaged = BASE64[:100] + b"!!" + BASE64[100:]
    decoded = undo_transfer_encoding(damaged, "base64")
    assert decoded.data == TEXT
    assert not decoded.intact


def test_two_base64_streams_one_behind_the_other() -> None:
    first, second = base64.encodebytes(b"x" * 100), base64.encodebytes(b"y" * 100)
    decoded = undo_transfer_encoding(first + second, "base64")
    assert decoded.data.startswith(b"x" * 100)
    assert not decoded.intact


def test_clear_text_labelled_base64_is_text() -> None:
    assert undo_transfer_encoding(b"Hello, how are you?\n", "base64") == (b"Hello, how are you?\n", b"", False)


@pytest.mark.parametrize(
    ("encoded", "expected", "intact"),
    [
        (b"caf=C3=A9", "café".encode(), True),
        (b"caf=c3=a9", "café".encode(), True),
        (b"one=\ntwo=\r\nthree", b"onetwothree", True),
        (b"one=  \ntwo", b"onetwo", True),
        (b"50 = 50, a=zz", b"50 = 50, a=zz", False),
        (b"end=", b"end", True),
        (b"end=C", b"end=C", False),
        (b"no signs at all", b"no signs at all", True),
        (b"=3D=3D", b"==", True),
    ],
)
def test_quoted_printable(encoded: bytes, expected: bytes, intact: bool) -> None:
    assert undo_transfer_encoding(encoded, "Quoted-Printable") == (expected, b"", intact)


def test_unknown_encodings_are_taken_as_they_are() -> None:
    assert undo_transfer_encoding(b"abc", "x-secret") == (b"abc", b"", False)
    assert undo_transfer_encoding(b"abc", "8BIT") == (b"abc", b"", True)


def test_uuencoded_as_a_transfer_encoding() -> None:
    assert undo_transfer_encoding(uuencoded(TEXT), "x-uuencode") == (TEXT, b"", True)


def test_uuencoded_files_inside_a_text() -> None:
    text = b"see this:\n" + uuencoded(TEXT, b"one.txt") + b"and\n" + uuencoded(b"abc", b"two words.txt") + b"bye\n"
    files = uuencoded_files(text)
    assert [(file.filename, file.data) for file in files] == [(b"one.txt", TEXT), (b"two words.txt", b"abc")]
    rest = text
    for file in reversed(files):
        rest = rest[: file.start] + rest[file.end :]
    assert rest == b"see this:\nand\nbye\n"


def test_words_after_begin_are_no_file() -> None:
    assert uuencoded_files(b"begin 644 reasons to\nwrite about the weather\nend\n") == []
    assert uuencoded_files(b"we begin 644 things\n") == []
