from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from mailquery.domain.ourselves import Ourselves
from mailquery.query import fields
from mailquery.query.parser import ParsedQuery, parse
from mailquery.query.spelling import distance, nearest
from mcpkit.errors import Fault


def read(text: str) -> ParsedQuery:
    now = datetime(2024, 3, 15, 1, 30, tzinfo=UTC)
    return parse(text, zone=ZoneInfo("Asia/Seoul"), now=now, me=lambda: Ourselves.named(["bo@acme.io"]))


def fault_of(text: str) -> Fault:
    with pytest.raises(Fault) as caught:
        read(text)
    return caught.value


@pytest.mark.parametrize(
    ("query", "words", "has_free_terms"),
    [
        ("", (), False),
        ("budget meet*", ("budget", "meet*"), True),
        ('"two words" a a "thre"*', ('"two words"', "a", '"thre"*'), True),
        ("a -b NOT (c d)", ("a",), True),
        ("a OR (b c)", ("a", "b", "c"), True),
        ("subject:a body:b", ("a", "b"), False),
        ("filename:a", (), False),
        ("attachment:a", (), False),
        ("from:ana is:read", (), False),
        ("-a", (), False),
    ],
)
def test_free_words_are_what_an_answer_may_show(query: str, words: tuple[str, ...], has_free_terms: bool) -> None:
    parsed = read(query)
    assert parsed.free_words == words
    assert parsed.has_free_terms is has_free_terms


def test_notes_come_once_each_and_in_order() -> None:
    notes = read("zero:sum from: ana zero:sum").notes
    assert len(notes) == 2
    assert notes[0].startswith('"zero:sum"')
    assert notes[1].startswith("the space")


def test_a_query_that_is_clear_has_no_notes() -> None:
    assert read('from:ana "a b" -c {d e} on:2024 f* http://x.io C++').notes == ()


def test_the_pointer_stands_below_the_place() -> None:
    assert fault_of("a form:ana").details["pointer"] == "a form:ana\n  ^"


def test_the_pointer_counts_the_columns_of_wide_characters() -> None:
    assert fault_of("회의 is:unraed").details["pointer"] == "회의 is:unraed\n" + " " * 8 + "^"


def test_the_pointer_shows_a_part_of_a_long_query() -> None:
    pointer = fault_of("word " * 100 + "is:x " + "word " * 100).details["pointer"]
    assert isinstance(pointer, str)
    line, caret = pointer.split("\n")
    assert len(line) == 82
    assert line[len(caret) - 1] == "x"


def test_an_error_lists_what_is_allowed() -> None:
    fault = fault_of("is:unraed")
    assert fault.details["expected"] == [
        "is:unread",
        "is:read",
        "is:starred",
        "is:answered",
        "is:draft",
        "is:sent",
        "is:reply",
        "is:gone",
    ]
    assert "Did you mean is:unread?" in fault.message


def test_two_hundred_terms_and_fifty_levels_and_two_thousand_characters_are_read() -> None:
    read("a " * 200)
    read("(" * 50 + "a" + ")" * 50)
    read("a" * 2000)


@pytest.mark.parametrize("field", fields.TABLE, ids=lambda field: field.name)
def test_the_examples_of_the_table_are_understood(field: fields.Field) -> None:
    for example in field.example.split(", "):
        assert not read(example).notes


def test_no_name_stands_for_two_fields() -> None:
    names = [name for field in fields.TABLE for name in (field.name, *field.aliases)]
    assert len(names) == len(set(names))


def test_the_table_documents_every_field() -> None:
    markdown = fields.as_markdown()
    for field in fields.TABLE:
        assert f"`{field.name}:" in markdown
    assert all(line.count("|") == 3 for line in markdown.splitlines())


def test_the_readme_has_this_table() -> None:
    readme = Path(__file__).parents[3] / "README.md"
    assert fields.as_markdown() in readme.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("left", "right", "edits"),
    [
        ("", "", 0),
        ("a", "", 1),
        ("form", "from", 1),
        ("unraed", "unread", 1),
        ("kitten", "sitting", 3),
        ("ab", "ba", 1),
    ],
)
def test_distance_counts_edits_and_swaps(left: str, right: str, edits: int) -> None:
    assert distance(left, right) == distance(right, left) == edits


def test_nearest_is_the_first_of_the_closest() -> None:
    assert nearest("rea", ["reed", "read", "real"], within=2) == "read"
    assert nearest("xyz", ["read"], within=2) == ""
