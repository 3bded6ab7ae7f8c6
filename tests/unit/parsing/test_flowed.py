"""format=flowed (RFC 3676)."""

import pytest

from mailquery.parsing.flowed import unflow


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("one \ntwo \nthree\nfour", "one two three\nfour"),
        ("> quoted \n> on\nanswer", "> quoted on\nanswer"),
        ("> a \n>> b", "> a \n>> b"),
        (" From here\n >no quote", "From here\n>no quote"),
        ("text \n-- \nKim", "text \n-- \nKim"),
        ("", ""),
        ("a\n\nb", "a\n\nb"),
        (">>text \n>>on", ">> text on"),
        ("end ", "end "),
    ],
)
def test_paragraphs(text: str, expected: str) -> None:
    assert unflow(text) == expected


def test_delsp_joins_without_the_blank() -> None:
    assert unflow("회의는 내 \n일입니다", delete_space=True) == "회의는 내일입니다"
