import time
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailquery.domain.folding import fold, fold_with_origins
from mailquery.domain.highlight import snippet

FILLER = "lorem ipsum dolor sit amet "


@pytest.mark.parametrize(
    ("text", "words", "marked"),
    [
        ("the budget meeting", ["budget"], "the [budget] meeting"),
        ("the BUDGET meeting", ["budget"], "the [BUDGET] meeting"),
        ("the budgets", ["budget"], "the [budgets]"),
        ("we were running late", ["runs"], "we were [running] late"),
        ("a happier start, happily", ["happy"], "a happier start, happily"),
        ("plane and planes", ["plan"], "plane and planes"),
        ("the budgets", ["budg*"], "the [budgets]"),
        ("rebudget", ["budg*"], "rebudget"),
        ("two\n  words", ["two words"], "[two words]"),
        ("two, words", ["two words"], "[two, words]"),
        ("words two", ["two words"], "words two"),
        ("foo-bar foo bar", ["foo-bar"], "[foo-bar] [foo bar]"),
        ("Café au lait", ["cafe"], "[Café] au lait"),
        ("Cafe\u0301 au lait", ["café"], "[Cafe\u0301] au lait"),
        ("die Straße hier", ["strasse"], "die [Straße] hier"),
        ("die Straße hier", ["hier"], "die Straße [hier]"),
        ("ＡＢＣ社", ["abc"], "[ＡＢＣ]社"),
        ("ｻｰﾊﾞｰに", ["サーバー"], "[ｻｰﾊﾞｰ]に"),
        ("예산안을 검토", ["산안"], "예[산안]을 검토"),
        (unicodedata.normalize("NFD", "예산안"), ["산안"], unicodedata.normalize("NFD", "예[산안]")),
        ("서울budget회의", ["budget"], "서울[budget]회의"),
        ("iPhone을 샀다", ["iPhone을"], "[iPhone을] 샀다"),
        ("งบประมาณ", ["ประมาณ"], "งบ[ประมาณ]"),
        ("จะทำงานน้ำ", ["ทำงาน"], "จะ[ทำงาน]น้ำ"),
        ("aa bb aa", ["aa", "bb"], "[aa] [bb] [aa]"),
        ("budget meeting", ["budget", "budg*", "budget meeting"], "[budget meeting]"),
        ("soft\u00adhyphen x", ["softhyphen"], "[soft\u00adhyphen] x"),
        ("what's up", ["what's"], "[what's] up"),
        ("C++ and C", ["--", "", "*"], "C++ and C"),
        ("x🎉y budget", ["budget"], "x🎉y [budget]"),
        ("one invoice, two invoices", ['"invoice"'], "one [invoice], two invoices"),
        ("two words, two wordings", ['"two wor"*'], "[two words], [two wordings]"),
        ("we owe $2,400.00 for 24", ["2400"], "we owe $[2,400.00] for 24"),
        ("we owe 2400, not 2,401", ["2,400.00"], "we owe [2400], not 2,401"),
        ("we owe 2.400,50", ["2,400.50"], "we owe [2.400,50]"),
        ("we owe 10\u202f000 kr", ["10000"], "we owe [10 000] kr"),
        ("call +82-10-1234-5678", ["01012345678"], "call [+82-10-1234-5678]"),
        ("call 010-1234-5678", ["+82", "10", "1234", "5678", "+82 10 1234 5678"], "call [010-1234-5678]"),
        ("order INV-2024-001", ["inv2024001"], "order [INV-2024-001]"),
        ("we owe 2,400.00", ['"2400"'], "we owe 2,400.00"),
        ("see shop.example/orders", ["https://www.shop.example/orders"], "see [shop.example/orders]"),
    ],
)
def test_matches_are_marked(text: str, words: list[str], marked: str) -> None:
    assert snippet(text, words) == marked


def test_the_window_is_where_most_different_words_stand() -> None:
    text = "budget budget budget " + FILLER * 30 + "the budget meeting " + FILLER * 30
    shown = snippet(text, ["budget", "meeting"], max_chars=80)
    assert "[budget] [meeting]" in shown
    assert shown.startswith("…")
    assert shown.endswith("…")


def test_words_are_not_cut() -> None:
    shown = snippet(FILLER * 30 + "budget " + FILLER * 30, ["budget"], max_chars=70)
    inside = shown.strip("…").replace("[", "").replace("]", "").split()
    assert set(inside) <= {*FILLER.split(), "budget"}
    assert "budget" in inside


def test_without_a_match_it_is_the_beginning() -> None:
    assert snippet(FILLER * 30, ["zebra"], max_chars=30) == "lorem ipsum dolor sit amet…"
    assert snippet("  short\n\ntext ", ["zebra"]) == "short text"
    assert snippet("", ["zebra"]) == ""
    assert snippet(" \n ", []) == ""


def test_text_without_spaces_is_cut_anywhere() -> None:
    shown = snippet("予算案について" * 60 + "増値税" + "会議の資料" * 60, ["増値税"], max_chars=40)
    assert "[増値税]" in shown
    assert len(shown) == 42


def test_the_marks_are_the_callers() -> None:
    assert snippet("a [b] c", ["b"], mark=("\ue000", "\ue001")) == "a [\ue000b\ue001] c"


def test_a_match_far_into_a_long_text_is_found() -> None:
    text = FILLER * 20_000 + "zebra crossing " + FILLER * 10_000
    assert "[zebra] [crossing]" in snippet(text, ["zebra", "crossing"])


def test_white_space_around_a_match_counts_as_one_space() -> None:
    text = FILLER * 30 + "\n" * 40 + "zebra" + " " * 40 + "crossing " + FILLER * 30
    assert "[zebra] [crossing]" in snippet(text, ["zebra", "crossing"], max_chars=80)


def test_white_space_before_the_text_is_no_text() -> None:
    assert snippet("\n" * 5_000 + "zebra crossing", ["zebra"]) == "[zebra] crossing"


def test_a_word_is_marked_as_it_is_typed_and_as_it_folds() -> None:
    shown = snippet(FILLER * 30 + "Café und Cafe " + FILLER * 30, ["cafe"], max_chars=60)
    assert "[Café] und [Cafe]" in shown


def test_the_word_that_only_folding_finds_counts_too() -> None:
    text = "cafe " + FILLER * 40 + "Café in der Straße " + FILLER * 40
    assert "[Café] in der [Straße]" in snippet(text, ["cafe", "strasse"], max_chars=60)


def test_a_match_longer_than_the_window_is_cut() -> None:
    shown = snippet("a" * 500, ["a*"], max_chars=50)
    assert len(shown) <= 52


@pytest.mark.parametrize(
    "text", ["x" * 3_000_000, "가" * 3_000_000, "e\u0301" * 1_500_000, "a " * 1_500_000, "\u0301" * 3_000_000]
)
def test_a_huge_text_takes_bounded_time(text: str) -> None:
    started = time.process_time()
    snippet(text, ["a", "가나", "x y", "e*"])
    assert time.process_time() - started < 5


@settings(max_examples=300, deadline=None)
@given(
    st.text(st.sampled_from("ab éßﬁ예산会ｶﾞ\u0301\u00ad\n🎉ประ.") | st.characters(codec="utf-8"), max_size=300),
    st.lists(st.sampled_from(["a", "b*", "é", "ss", "예산", "会", "가", "ガ", "fi", "a b"]), max_size=4),
    st.integers(20, 80),
)
def test_a_snippet_is_a_stretch_of_the_text_within_its_length(text: str, words: list[str], max_chars: int) -> None:
    shown = snippet(text, words, max_chars=max_chars, mark=("\ue000", "\ue001"))
    if "\ue000" in text or "\ue001" in text or "…" in text:
        return
    plain = shown.replace("\ue000", "").replace("\ue001", "")
    assert len(plain) <= max_chars
    assert plain.strip("…") in " ".join(text.split())
    assert shown.count("\ue000") == shown.count("\ue001")


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.sampled_from(["filler " * 20, "filler\n", "  \n", "Budget ", "Café", " e\u0301", "예산안", "ガ", "か\u3099"])
    ),
    st.lists(st.sampled_from(["budget", "cafe", "filler budget", "산안", "ガ", "か", "e*"]), min_size=1, max_size=3),
)
def test_a_word_that_stands_anywhere_is_marked(pieces: list[str], words: list[str]) -> None:
    text = "".join(pieces)
    whole = snippet(text, words, max_chars=len(text) + 2)
    assert ("[" in snippet(text, words, max_chars=60)) == ("[" in whole)


@settings(max_examples=300, deadline=None)
@given(st.text(st.sampled_from("abÉßﬁ예산会ｶﾞ\u0301\u00adİ๏ำㅋᄀ\u1161") | st.characters(codec="utf-8"), max_size=60))
def test_every_folded_character_comes_from_its_place(text: str) -> None:
    folded, origins = fold_with_origins(text)
    if origins is None:
        assert len(folded) == len(text)
        assert all(fold(before) == after for before, after in zip(text, folded, strict=True))
    else:
        assert len(origins) == len(folded) + 1
        assert origins == sorted(origins)
        assert origins[-1] == len(text)
