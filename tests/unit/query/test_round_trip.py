from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from mailquery.domain.handles import message_handle, thread_handle
from mailquery.domain.queries import (
    And,
    DateBetween,
    Everything,
    Feature,
    Has,
    InAccount,
    InMailbox,
    InThread,
    Is,
    Not,
    OfType,
    OnList,
    Or,
    Participant,
    ParticipantField,
    Query,
    SizeBetween,
    State,
    TextField,
    WithMessageId,
    Words,
)
from mailquery.domain.words import has_word
from mailquery.query.explain import explain
from mailquery.query.parser import MAX_CHARACTERS
from mcpkit.errors import ErrorCode, Fault
from support.asking import SEOUL, asked
from support.rendering import normal_form, to_text

# Text that means something to the language is what is most easily written wrongly.
OPERATORS = (
    "OR",
    "AND",
    "NOT",
    "-",
    "--",
    "(",
    ")",
    "{",
    "}",
    '"',
    "\\",
    "*",
    " ",
    "“",
    "」",
    "：",
    "＊",
    "()",
    ",",
    "'",
)
TEXT_PIECES = (
    "from:",
    "form:",
    "re:",
    "is:",
    "me",
    "spam",
    "a",
    "Bo",
    "예산",
    "会議",
    "é",
    "🎉",
    "@x.io",
    "x.y",
    "://",
    "9",
)
PIECES = st.sampled_from(OPERATORS + TEXT_PIECES)
TEXTS = st.lists(PIECES, min_size=1, max_size=6).map("".join).filter(has_word)
NAMES = TEXTS.map(str.strip)
PLAIN = st.text("abcxyz019.-_@", min_size=1, max_size=12).filter(has_word)
INSTANTS = st.datetimes(datetime(1901, 1, 1), datetime(2998, 12, 31)).map(lambda naive: naive.replace(tzinfo=UTC))
SIZES = st.integers(0, 1 << 40)
KEYS = st.integers(0, (1 << 60) - 1)

LEAVES: st.SearchStrategy[Query] = st.one_of(
    st.builds(Words, TEXTS, st.sampled_from(TextField), st.booleans(), st.booleans()),
    st.builds(Participant, st.sampled_from(ParticipantField), NAMES),
    st.builds(InMailbox, NAMES),
    st.builds(InAccount, NAMES),
    st.builds(InThread, st.one_of(KEYS.map(message_handle), KEYS.map(thread_handle))),
    st.builds(WithMessageId, PLAIN),
    st.builds(OnList, PLAIN),
    st.builds(Has, st.sampled_from(Feature)),
    st.builds(Is, st.sampled_from(State)),
    st.builds(OfType, st.sampled_from(["pdf", "image", "text/calendar", "application/vnd.ms-excel"])),
    st.builds(SizeBetween, st.none() | SIZES, st.none() | SIZES),
    st.builds(DateBetween, st.none() | INSTANTS, st.none() | INSTANTS),
    st.just(Everything()),
)


def branches(parts: st.SearchStrategy[Query]) -> st.SearchStrategy[Query]:
    several = st.lists(parts, max_size=4).map(tuple)
    return st.one_of(st.builds(Not, parts), st.builds(And, several), st.builds(Or, several))


TREES: st.SearchStrategy[Query] = st.recursive(LEAVES, branches, max_leaves=12)


def read(text: str) -> Query:
    return asked(text).tree


@settings(max_examples=300, deadline=None)
@given(TREES)
@example(And((Or((Words("form:)"), Words("a"))), Words("b"))))
def test_a_tree_written_and_read_is_its_normal_form(tree: Query) -> None:
    text = to_text(tree)
    assume(len(text) <= MAX_CHARACTERS)
    assert read(text) == normal_form(tree)


@settings(max_examples=200, deadline=None)
@given(TREES)
def test_a_normal_form_is_its_own_normal_form(tree: Query) -> None:
    assert normal_form(normal_form(tree)) == normal_form(tree)


@settings(max_examples=300, deadline=None)
@given(st.lists(PIECES | st.just(" ") | st.text(max_size=3), max_size=12).map("".join))
def test_any_text_is_a_tree_or_an_error_that_points_into_it(text: str) -> None:
    try:
        tree = read(text)
    except Fault as raised:
        fault = raised
    else:
        assert normal_form(read(to_text(tree))) == normal_form(tree)
        assert explain(tree, SEOUL)
        return
    position = fault.details["position"]
    assert fault.code is ErrorCode.QUERY_SYNTAX
    assert isinstance(position, int)
    assert 0 <= position <= len(text)


@settings(max_examples=500, deadline=None)
@given(st.text(max_size=80) | st.text("\"'“”():;-*{}<>@.5aOR \\", max_size=20))
def test_no_text_raises_anything_but_an_error_of_syntax(text: str) -> None:
    raised = None
    try:
        read(text)
    except Fault as fault:
        raised = fault
    assert raised is None or raised.code is ErrorCode.QUERY_SYNTAX


@pytest.mark.parametrize(
    ("query", "written"),
    [
        ("a AND b", "a b"),
        ("{a b} c", "(a OR b) c"),
        ("NOT (a b)", "-(a b)"),
        ("-(-a)", "NOT -a"),
        ("{in:spam is:sent}", 'in:"spam" OR in:junk OR is:sent'),
        ("subject:(a b*)", "subject:a subject:b*"),
        ("", "in:anywhere"),
        ("on:2024-03", "after:2024-02-29T15:00:00Z before:2024-03-31T15:00:00Z"),
        ("-on:2024-03", "-(after:2024-02-29T15:00:00Z before:2024-03-31T15:00:00Z)"),
        ("larger:1K", "larger:1024"),
    ],
)
def test_a_query_is_written_as(query: str, written: str) -> None:
    assert to_text(read(query)) == written


@pytest.mark.parametrize("query", [Words("--"), Participant(ParticipantField.TO, "@"), OfType("nothing")])
def test_what_the_language_cannot_say_is_refused(query: Query) -> None:
    with pytest.raises(ValueError, match="cannot say"):
        to_text(query)


@pytest.mark.parametrize("build", [lambda: And(()), lambda: Everything(), lambda: SizeBetween(), lambda: DateBetween()])
def test_no_condition_is_everything(build: Callable[[], Query]) -> None:
    assert normal_form(build()) == Everything()


def test_no_alternative_is_nothing() -> None:
    assert normal_form(Or(())) == Not(Everything())


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("", "every message"),
        ("budget", '"budget"'),
        ("bud*", '"bud"*'),
        ('"a b"', 'exactly "a b"'),
        ("subject:a body:b filename:c", '"a" in the subject and "b" in the body and "c" in a file name'),
        ("from:ana (x OR -is:read)", 'from "ana" and ("x" or not read)'),
        ("a b OR c", '("a" and "b") or "c"'),
        ("-(a b)", 'not ("a" and "b")'),
        ("on:2024-03", "dated 2024-03-01 or later and dated before 2024-04-01"),
        ("-on:2024", "not (dated 2024-01-01 or later and dated before 2025-01-01)"),
        ("after:2024-03-01T10:30", "dated 2024-03-01 10:30+09:00 or later"),
        ("larger:1.5K", "of 1,536 bytes or more"),
        ("has:attachment in:inbox list:dev", 'has an attachment and in mailbox "inbox" and of mailing list "dev"'),
    ],
)
def test_a_tree_in_words(query: str, words: str) -> None:
    assert explain(read(query), SEOUL) == words
