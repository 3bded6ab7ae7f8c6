import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcpkit.security.untrusted import clean, clean_block, clean_line

_HARMFUL = {"Cc", "Cs"}


@pytest.mark.parametrize(
    ("given_text", "expected"),
    [
        ("plain text", "plain text"),
        ("a\u200bb\ufeffc\u2060d", "abcd"),
        ("invoice\u202efdp.exe", "invoicefdp.exe"),
        ("\u2066hidden\u2069", "hidden"),
        ("hi" + "".join(chr(0xE0000 + ord(letter)) for letter in "do evil"), "hi"),
        ("a\x00b\x1b[31mc\x7f\x9b", "ab[31mc"),
        ("half \ud800 pair", "half  pair"),
        ("soft\u00adhyphen", "softhyphen"),
        ("e\u0301", "é"),
        ("한", "한"),
        ("a\U000e0101b", "ab"),
        ("\u3164\u115f\u1160x", "x"),
        ("نمی\u200cخواهم", "نمی\u200cخواهم"),
        ("👩\u200d💻", "👩\u200d💻"),
        ("☎\ufe0f", "☎\ufe0f"),
        ("pass\u200dword\u200c", "password"),
        ("한국어 日本語 ไทย", "한국어 日本語 ไทย"),
    ],
)
def test_what_cannot_be_seen_is_removed_and_what_is_read_stays(given_text: str, expected: str) -> None:
    assert clean_block(given_text) == expected


def test_line_ends_become_line_feeds_in_a_block_and_spaces_in_a_line() -> None:
    text = "a\r\nb\rc\u2028d\u2029e\tf"
    assert clean_block(text) == "a\nb\nc\nd\ne\tf"
    assert clean_line(text) == "a b c d e f"


def test_a_line_is_cut_with_an_ellipsis_inside_its_limit() -> None:
    assert clean_line("abcdef", 4) == "abc…"
    assert clean_line("abcd", 4) == "abcd"
    assert clean("abcdef", limit=4).cut
    assert clean_line("abc", 0) == ""


def test_removals_are_counted() -> None:
    assert clean("a\u200b\u202eb").removed == 2
    assert clean("ab").removed == 0


def test_a_tower_of_marks_is_no_letter() -> None:
    assert len(clean_line("a" + "\u0316" * 500)) <= 5


@given(st.text(st.characters(), max_size=200))
def test_any_text_comes_out_harmless_normal_and_stable(text: str) -> None:
    block, line = clean_block(text), clean_line(text, 50)
    assert not {unicodedata.category(letter) for letter in block if letter not in "\n\t"} & _HARMFUL
    assert unicodedata.is_normalized("NFC", block)
    assert clean_block(block) == block
    assert len(line) <= 50
    assert "\n" not in line
    block.encode()


def test_a_long_hostile_text_takes_no_long_time() -> None:
    began = time.perf_counter()
    clean_block("\u200d" * 1_000_000 + "a\u0301" * 100_000)
    assert time.perf_counter() - began < 5
