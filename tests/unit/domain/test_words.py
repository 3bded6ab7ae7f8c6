"""What a query finds, against two tokenizers: SQLite's, and a small one written from the words of its documentation."""

import sqlite3
import sys
import unicodedata
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailquery.domain.words import fold, has_word, phrase, segment

HAN = "会議資料发票增值税予算案々〇㐀𠮷"
KANA = "サーバーひらがなカタカナがぱゃ"
HANGUL = "예산안회의를계획서똠방각하ㅋㅏㅎ"
THAI = "ประชุมงบประมาณที่ก็ำ๑"
OTHERS = "ລາວខ្មែរမြန်မာ"
PUNCTUATION = "。、・！「」（）฿๏🎉™…— ,.-"
# Composed: marks in another order than Unicode's canonical one change places, and with them what is a substring.
UNSPACED_TEXTS = st.text(st.sampled_from(HAN + KANA + HANGUL + THAI + OTHERS), min_size=1, max_size=30).map(
    lambda text: unicodedata.normalize("NFC", text)
)
MIXED_TEXTS = st.text(st.sampled_from(HAN + KANA + HANGUL + THAI + PUNCTUATION + "abZ19éßıİ"), min_size=1, max_size=40)


@pytest.fixture(scope="module")
def engine() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:")
    connection.execute(
        """CREATE VIRTUAL TABLE t USING fts5(x, tokenize="unicode61 remove_diacritics 0 categories 'L* N* Co M*'")"""
    )
    connection.execute("CREATE VIRTUAL TABLE tokens USING fts5vocab(t, 'instance')")
    yield connection
    connection.close()


def finds(engine: sqlite3.Connection, text: str, query: str, *, prefix: bool = False) -> bool:
    wanted = phrase(query, prefix=prefix)
    if wanted is None:
        return False
    engine.execute("DELETE FROM t")
    engine.execute("INSERT INTO t VALUES (?)", (segment(text),))
    match = '"' + wanted.text.replace('"', '""') + '"' + (" *" if wanted.prefix else "")
    found = engine.execute("SELECT 1 FROM t WHERE t MATCH ?", (match,)).fetchone() is not None
    assert found == finds_by_definition(text, query, prefix=prefix)
    return found


def tokens(index_form: str) -> list[str]:
    """Runs of letters, digits and marks, in lower case."""
    spaced = "".join(
        c if unicodedata.category(c)[0] in "LNM" or unicodedata.category(c) == "Co" else " " for c in index_form
    )
    return spaced.lower().split()


def finds_by_definition(text: str, query: str, *, prefix: bool) -> bool:
    wanted = phrase(query, prefix=prefix)
    if wanted is None:
        return False
    of_text, of_query = tokens(segment(text)), tokens(wanted.text)
    for start in range(len(of_text) - len(of_query) + 1):
        window = of_text[start : start + len(of_query)]
        last_fits = window[-1].startswith(of_query[-1]) if wanted.prefix else window[-1] == of_query[-1]
        if window[:-1] == of_query[:-1] and last_fits:
            return True
    return False


@settings(max_examples=300, deadline=None)
@given(UNSPACED_TEXTS, st.data())
def test_any_substring_of_text_without_spaces_is_found(
    engine: sqlite3.Connection, text: str, data: st.DataObject
) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    assert finds(engine, text, text[start:end])


@settings(max_examples=300, deadline=None)
@given(MIXED_TEXTS, MIXED_TEXTS, MIXED_TEXTS)
def test_a_text_is_found_by_itself_wherever_it_stands(
    engine: sqlite3.Connection, before: str, text: str, after: str
) -> None:
    if has_word(text):
        assert finds(engine, f"{before} {text} {after}", text)


@settings(max_examples=200, deadline=None)
@given(
    st.text(st.sampled_from(HAN[:4] + HANGUL[:3]), min_size=1, max_size=12),
    st.text(st.sampled_from(HAN[:4] + HANGUL[:3]), min_size=1, max_size=3),
)
def test_what_is_no_substring_is_not_found(engine: sqlite3.Connection, text: str, query: str) -> None:
    assert finds(engine, text, query) == (query in text)


@settings(max_examples=200, deadline=None)
@given(st.text(st.sampled_from(HANGUL[:8] + "한국 ,ab12.\n"), min_size=60, max_size=400))
def test_long_texts_are_cut_like_short_ones(text: str) -> None:
    """Long stretches take another way through the code than short ones."""

    def words(piece: str) -> list[str]:
        return tokens(segment(piece).partition(" \ue001 ")[0])

    assert words(text) == [token for word in text.split() for token in words(word)]


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("예산안을 검토", "예산"),
        ("예산안을 검토", "산안"),
        ("예산안을 검토", "을"),
        ("예산안을 검토", "예산안을 검토"),
        ("예산안입니다", "예산안?"),
        ("予算案について", "予算案。"),
        ("ｻｰﾊﾞｰに", "サーバー"),
        ("サーバーに", "ｻｰﾊﾞｰ"),
        ("ｶﾞｲﾄﾞ", "ガイド"),
        (unicodedata.normalize("NFD", "예산안"), "산안"),
        ("예산안", unicodedata.normalize("NFD", "산안")),
        (unicodedata.normalize("NFD", "が行"), "が"),
        ("ㅋㅋㅋㅏ", "ㅋ"),
        ("ㅋㅏ", "ㅏ"),
        ("ﾡﾢ", "ㄱㄲ"),
        ("㈜삼성", "삼성"),
        ("㈜삼성", "주"),
        ("３月１０日", "3月10日"),
        ("ＡＢＣ社", "abc社"),
        ("서울budget회의", "budget"),
        ("서울budget회의", "울budget회"),
        ("iPhone을 샀다", "iphone"),
        ("iPhone을 샀다", "iPhone을"),
        ("𠮷野家", "野"),
        ("𠮷野家", "𠮷野"),
        ("東京・大阪", "大阪"),
        ("งบประมาณ", "ประมาณ"),
        ("ราคา฿100", "100"),
        ("café", "cafe"),
        ("cafe\u0301", "CAFÉ"),
        ("CAFE", "café"),
        ("naïve", "naive"),
        ("Straße", "strasse"),
        ("STRASSE", "straße"),
        ("GROẞE", "große"),
        ("İstanbul", "istanbul"),
        ("ISPARTA", "ısparta"),
        ("ısparta", "isparta"),
        ("Łódź", "lodz"),
        ("Søren Ærø", "soren aero"),
        ("Đặng", "dang"),
        ("ΟΔΟΣ", "οδός"),
        ("ёлка", "елка"),
        ("שָׁלוֹם", "שלום"),
        ("مُحَمَّد", "محمد"),
        ("hello\u200bworld", "helloworld"),
        ("soft\u00adhyphen", "softhyphen"),
        ("hello🤗", "hello"),
        ("🫠melting", "melting"),
        ("Windows™", "windows"),
        ("ﬁnance", "finance"),
        ("№ 5", "no 5"),
        ("x²", "x2"),
        ("foo-bar", "foo bar"),
        ("what's up", "what's"),
        ("don’t", "don't"),
        ("2,400.00", "2,400.00"),
        ("हिन्दी में", "हिन्दी"),
    ],
)
def test_is_found(engine: sqlite3.Connection, text: str, query: str) -> None:
    assert finds(engine, text, query)


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("예산 안건", "예산안"),
        ("budgets", "budget"),
        ("회의", "의회"),
        ("가나 나다", "가나다"),
        ("windows", "wind"),
        ("hello", ""),
        ("hello", "--"),
        ("hello 🤗", "🤗"),
        ("a b", "b a"),
    ],
)
def test_is_not_found(engine: sqlite3.Connection, text: str, query: str) -> None:
    assert not finds(engine, text, query)


@pytest.mark.parametrize(
    ("text", "query"),
    [("budgets", "budg"), ("foo-barn", "foo-bar"), ("예산안을", "예산"), ("Ärzte", "arz"), ("abc", "ab-")],
)
def test_a_prefix_is_found(engine: sqlite3.Connection, text: str, query: str) -> None:
    assert finds(engine, text, query, prefix=True)


def test_a_character_is_a_word_exactly_where_the_engine_takes_its_index_form_for_one(
    engine: sqlite3.Connection,
) -> None:
    assigned = [c for c in map(chr, range(0x80, sys.maxunicode)) if unicodedata.category(c) not in ("Cn", "Cs", "Co")]
    engine.execute("DELETE FROM t")
    engine.executemany("INSERT INTO t(rowid, x) VALUES (?, ?)", ((ord(c), segment(c)) for c in assigned))
    taken = {document for (document,) in engine.execute("SELECT DISTINCT doc FROM tokens")}
    engine.execute("DELETE FROM t")
    assert [c for c in assigned if (ord(c) in taken) != has_word(c)] == []


@given(st.text())
def test_folding_twice_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@given(st.text())
def test_composed_and_decomposed_text_fold_alike(text: str) -> None:
    assert fold(unicodedata.normalize("NFC", text)) == fold(unicodedata.normalize("NFD", text))


@given(st.text())
def test_any_text_has_an_index_form_that_an_engine_can_store(text: str) -> None:
    if any(unicodedata.category(c) == "Cs" for c in text):
        return
    segment(text).encode()
    wanted = phrase(text)
    assert (wanted is None) == (not has_word(text))
