"""Sets of UIDs do what sets of numbers do, without holding the numbers."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailquery.domain.uids import UidSet

UIDS = st.frozensets(st.integers(1, 60))


@given(UIDS)
def test_a_set_holds_the_uids_that_it_was_made_of(uids: frozenset[int]) -> None:
    made = UidSet.of(uids)
    assert list(made) == sorted(uids)
    assert len(made) == len(uids)
    assert all((uid in made) == (uid in uids) for uid in range(1, 62))


@given(UIDS)
def test_ranges_neither_overlap_nor_touch(uids: frozenset[int]) -> None:
    ranges = UidSet.of(uids).ranges
    assert all(before[1] + 1 < after[0] for before, after in itertools.pairwise(ranges))


@given(UIDS, UIDS)
def test_sets_are_combined_as_sets_of_numbers_are(one: frozenset[int], other: frozenset[int]) -> None:
    first, second = UidSet.of(one), UidSet.of(other)
    assert set(first - second) == one - other
    assert set(first & second) == one & other
    assert set(first | second) == one | other


@given(UIDS)
def test_what_is_written_is_read_again(uids: frozenset[int]) -> None:
    made = UidSet.of(uids)
    assert UidSet.parse(str(made)) == made


@given(UIDS, st.integers(0, 70))
def test_the_newest_are_the_highest(uids: frozenset[int], count: int) -> None:
    assert list(UidSet.of(uids).newest(count)) == sorted(uids)[-count:] if count else not UidSet.of(uids).newest(count)


def test_ranges_may_be_written_backwards_and_overlap() -> None:
    assert str(UidSet.parse("9:7,1:3,2:5,8")) == "1:5,7:9"


@pytest.mark.parametrize("text", ["0", "*", "1:*", "4294967296", "1,,2", "1 2", "-1", "a", "１", "1:2:3", "9" * 5000])
def test_what_is_no_set_of_uids_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no UID"):
        UidSet.parse(text)


def test_a_range_of_all_uids_costs_nothing() -> None:
    everything = UidSet.parse("1:4294967295")
    assert len(everything - UidSet.parse("5:10")) == 4294967295 - 6
    assert str(everything.newest(3)) == "4294967293:4294967295"
