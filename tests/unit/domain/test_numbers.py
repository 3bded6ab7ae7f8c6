import pytest

from mailquery.domain.numbers import is_spaced_number, joined_numbers, typed_forms


@pytest.mark.parametrize(
    ("text", "joined"),
    [
        ("total $2,400.00 due", "2400 00"),
        ("2.400,50 eur", "2400 50"),
        ("1'234'567", "1234567"),
        ("10\u202f000", "10000"),
        ("inv-2024-001 paid", "inv2024001"),
        ("2024-03-15", "20240315"),
        ("1z-999-aa1", "1z999aa1"),
        ("010-1234-5678", "01012345678 1012345678"),
        ("plain words, no digits", ""),
        ("inv2024001 and 2400", ""),
        ("at 10:30", ""),
        ("a-b c/d e.f", ""),
        ("call 010 1234 5678 now", "01012345678 1012345678"),
        ("call 212 555 0123 now", "2125550123"),
        ("01 23 45 67 89", "0123456789 123456789"),
        ("card 4111 1111 1111 1111", "4111111111111111"),
        ("pay 10 000 kr", "10000"),
        ("invoice 2024 10", ""),
        ("on 01 02 2024, of 2024 2025 2026", ""),
        ("120 340 560", ""),
    ],
)
def test_numbers_lose_their_separators(text: str, joined: str) -> None:
    assert joined_numbers(text) == joined


def test_a_country_code_is_told_from_nothing_so_every_length_is_taken() -> None:
    assert joined_numbers("+82-10-1234-5678").split() == ["821012345678", "21012345678", "1012345678", "12345678"]
    assert set(joined_numbers("+1 (212) 555-0123").split()) >= {"12125550123", "2125550123"}


@pytest.mark.parametrize(
    ("typed", "forms"),
    [
        ("2,400.00", ("2400 00", "2400")),
        ("2,400.50", ("2400 50",)),
        ("2400.00", ("2400",)),
        ("2400", ()),
        ("01012345678", ("1012345678",)),
        ("inv-2024-001", ("inv2024001",)),
        ("budget", ()),
        ("", ()),
    ],
)
def test_a_typed_number_has_other_forms(typed: str, forms: tuple[str, ...]) -> None:
    assert typed_forms(typed) == forms


def test_a_text_of_nothing_but_numbers_is_bounded() -> None:
    text = " ".join(f"{number // 1000:03}-{number % 1000:03}-x" for number in range(100_000))
    assert len(joined_numbers(text).split()) < 1_000


@pytest.mark.parametrize(
    ("terms", "is_number"),
    [
        ("010 1234 5678", True),
        ("+82 10 1234 5678", True),
        ("010-1234 5678", True),
        ("1588 1234", True),
        ("10 000", True),
        ("10 1234", False),
        ("2024 10", False),
        ("2024 1234", False),
        ("000 0000 0000", False),
        ("1234 +5678", False),
        ("1234 abcd", False),
        ("1234", False),
        (" ".join(["1234"] * 9), False),
    ],
)
def test_groups_of_digits_are_one_number_only_where_that_is_plausible(terms: str, is_number: bool) -> None:
    assert is_spaced_number(terms.split()) is is_number
