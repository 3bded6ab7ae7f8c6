"""Rich text in the charsets of old programs; tables, notes, and what is hidden or deleted."""

import pytest

from mailquery.domain.extraction import ExtractionState
from support.extracting import by_label, extracted


def escaped(text: str, charset: str) -> bytes:
    return b"".join(b"\\'%02x" % byte for byte in text.encode(charset))


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (rb"\ansicpg949 " + escaped("안녕하세요", "cp949"), "안녕하세요"),
        (rb"\ansicpg932 " + escaped("日本語", "cp932"), "日本語"),
        (rb"\ansicpg932 \'83A", "ア"),  # the second byte of a character may stand for itself
        (rb"\ansicpg1252{\fonttbl{\f1\fcharset204 Arial;}}\f1 " + escaped("Привет", "cp1251"), "Привет"),
        (rb"\u-21504?\u44033?", "\uac00\uac01"),
        (rb"\uc3 \u44032abc\uc0\u44033 x", "\uac00\uac01x"),
        (rb"\u-10179?\u-8704?", "😀"),
        (rb"a\~b\_c\{\}\\ \emdash ", "a b-c{}\\ —"),
        (rb"{\pict\bin4 }{}}}behind", "behind"),
        (rb"{\*\unknown not text}{\field{\*\fldinst HYPERLINK x}{\fldrslt link}}", "link"),
        (rb"one{\deleted two} three", "one three"),
    ],
)
def test_text(source: bytes, text: str) -> None:
    assert by_label(extracted(rb"{\rtf1\ansi " + source + b"}")) == {"": text}


def test_cells_have_tabs_between_them() -> None:
    source = rb"{\rtf1 before\par\trowd\intbl a\cell b\par c\cell\row\trowd\intbl d|\cell\cell\row\pard after\par}"
    assert by_label(extracted(source)) == {"": "before\na\tb c\nd|\t\nafter"}


def test_what_stands_beside_the_text_is_apart() -> None:
    source = (
        rb"{\rtf1\ansi{\info{\title T}{\author Kim}}{\header head\par}text{\*\footnote a note}"
        rb"{\*\annotation a comment} {\v hidden} more\par}"
    )
    found = extracted(source)
    assert by_label(found) == {
        "": "text  more",
        "header": "head",
        "footnotes": "a note",
        "comments": "a comment",
        "hidden text": "hidden",
    }
    assert found.facts == (("title", "T"), ("author", "Kim"))


def test_groups_inside_each_other_end() -> None:
    found = extracted(rb"{\rtf1 text" + b"{" * 50_000)
    assert found.state is ExtractionState.PARTIAL
    assert by_label(found) == {"": "text"}


def test_what_ends_too_soon_is_read_as_far_as_it_goes() -> None:
    assert by_label(extracted(b"{\\rtf1 text\\")) == {"": "text"}
