"""How the sections of an attachment become one text, and how some of them are chosen."""

import pytest

from mailquery.domain.extraction import Section, SectionKind
from mailquery.services.rendering import choose, sensible_end, text_of
from mcpkit.errors import ErrorCode, Fault

PAGES = [Section(SectionKind.PAGE, str(number), f"text of {number}") for number in (1, 2, 4, 5)]
SHEETS = [Section(SectionKind.SHEET, name, f"a\tb {name}") for name in ("Budget", "1-3", "지출")]
ARCHIVE = [
    Section(SectionKind.ENTRY, "a.txt", "a.txt (text/plain, 5 bytes)"),
    Section(SectionKind.TEXT, "a.txt", "hello", 1),
    Section(SectionKind.ENTRY, "in.zip", "in.zip (application/zip, 99 bytes)"),
    Section(SectionKind.ENTRY, "in.zip/b.pdf", "b.pdf (application/pdf, 50 bytes)", 1),
    Section(SectionKind.PAGE, "in.zip/b.pdf/1", "inside", 2),
    Section(SectionKind.ENTRY, "in.zipper", "in.zipper (text/plain, 1 bytes)"),
]


def labels(sections: list[Section]) -> list[str]:
    return [each.label for each in sections]


def test_marks_stand_before_pages_sheets_and_files() -> None:
    assert text_of(PAGES[:2]) == "--- page 1 ---\ntext of 1\n--- page 2 ---\ntext of 2"
    assert text_of(SHEETS[:1]) == "--- sheet Budget ---\na\tb Budget"
    assert text_of(ARCHIVE[:2]) == "--- file a.txt ---\na.txt (text/plain, 5 bytes)\nhello"
    assert "--- page in.zip/b.pdf/1 ---\ninside" in text_of(ARCHIVE)


def test_the_only_text_has_no_mark_and_what_stands_beside_it_has() -> None:
    document = [Section(SectionKind.TEXT, "", "body"), Section(SectionKind.TEXT, "footnotes", "small")]
    assert text_of(document) == "body\n--- part footnotes ---\nsmall"


@pytest.mark.parametrize(
    ("wanted", "found"),
    [("", ["1", "2", "4", "5"]), ("2", ["2"]), ("2-4", ["2", "4"]), ("1, 4 - 9", ["1", "4", "5"]), ("page 5", ["5"])],
)
def test_pages_go_by_their_numbers(wanted: str, found: list[str]) -> None:
    assert labels(choose(PAGES, wanted)) == found


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("budget", ["Budget"]),
        ("sheet 지출", ["지출"]),
        ("1-3", ["1-3"]),  # a name comes before a range
        ("2-3", ["1-3", "지출"]),
        ("Budget,지출", ["Budget", "지출"]),
    ],
)
def test_sheets_go_by_their_names_and_else_by_their_order(wanted: str, found: list[str]) -> None:
    assert labels(choose(SHEETS, wanted)) == found


def test_a_file_comes_with_all_that_is_inside_it_and_no_other() -> None:
    assert labels(choose(ARCHIVE, "in.zip")) == ["in.zip", "in.zip/b.pdf", "in.zip/b.pdf/1"]
    assert labels(choose(ARCHIVE, "1")) == ["a.txt", "a.txt"]
    assert labels(choose(ARCHIVE, "in.zip/b.pdf/1")) == ["in.zip/b.pdf/1"]


@pytest.mark.parametrize("wanted", ["3", "6-9", "Budget", "0", "4-2", "1,", "99999999999999999999"])
def test_what_is_not_there_is_refused_with_what_is_and_without_any_name(wanted: str) -> None:
    with pytest.raises(Fault) as refused:
        choose(PAGES, wanted)
    assert refused.value.code is ErrorCode.VALIDATION_ERROR
    assert "4 pages, numbered 1 to 5" in refused.value.message
    with pytest.raises(Fault) as refused:
        choose(SHEETS, "none")
    assert "Budget" not in refused.value.message


def test_windows_end_behind_lines_and_words_and_grow_with_the_room() -> None:
    text = "one line of text\nanother line of text without an end " * 20
    ends = [sensible_end(text, most) for most in range(len(text) + 2)]
    assert ends == sorted(ends)
    assert all(0 < end <= most for most, end in enumerate(ends) if 0 < most < len(text))
    assert ends[-1] == len(text)
    assert text[: sensible_end(text, 300)][-1] in "\n "
    assert sensible_end("x" * 100, 50) == 50
