import pytest

from mailquery.domain.stemming import stem


@pytest.mark.parametrize(
    ("left", "right"), [("invoice", "invoices"), ("invoiced", "invoicing"), ("running", "runs"), ("flies", "fly")]
)
def test_forms_of_a_word_have_one_stem(left: str, right: str) -> None:
    assert stem(left) == stem(right)


@pytest.mark.parametrize("word", ["", "is", "예산안", "straße", "v2", "x" * 25, "naïve"])
def test_what_is_no_plain_word_is_its_own_stem(word: str) -> None:
    assert stem(word) == word
