import pytest

from mailquery.domain.spelling import one_edit_from


def test_one_letter_is_left_out_added_changed_or_swapped() -> None:
    edits = set(one_edit_from("boat"))
    assert {"bat", "boats", "coat", "baot", "aboat"} <= edits
    assert "boat" not in {edit for edit in edits if edit != "boat"}
    assert "bt" not in edits


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("встрича", "встреча"),
        ("кофо", "кофе"),
        ("συναντιση", "συναντηση"),
        ("פגישא", "פגישה"),
        ("eļka", "elka"),
        ("예산언", "예산안"),
        ("회이", "회의"),
        ("자로", "자료"),
        ("의회", "회의"),
    ],
)
def test_letters_are_those_of_the_alphabet_that_a_word_is_written_in(typed: str, meant: str) -> None:
    assert meant in set(one_edit_from(typed))


def test_syllables_are_neither_added_nor_left_out() -> None:
    assert {len(edit) for edit in one_edit_from("예산안")} == {3}
    assert "예산안" not in set(one_edit_from("예산안"))


def test_a_long_word_has_few_enough_edits_to_be_looked_up() -> None:
    assert len(set(one_edit_from("п" * 12 + "р" * 12))) < 5_000
