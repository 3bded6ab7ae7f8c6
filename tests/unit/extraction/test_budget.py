"""The limits of an attachment hold over all that lies inside it."""

import pytest

from mailquery.extraction.budget import Spending
from mailquery.extraction.interfaces import LimitReached, Limits


def test_text_is_counted_together() -> None:
    budget = Spending(Limits(text=10))
    budget.text(6)
    with pytest.raises(LimitReached, match="10 characters"):
        budget.deeper().text(5)


def test_what_small_files_give_is_not_held_against_them() -> None:
    Spending(Limits(ratio=10)).expand(100, 1_000_000)


def test_much_out_of_little_is_too_much() -> None:
    budget = Spending(Limits(ratio=10))
    budget.expand(1_000, 4_000_000)
    with pytest.raises(LimitReached, match="10 bytes out of a compressed one"):
        budget.expand(1_000, 1_000_000)


def test_expanded_bytes_are_limited_whatever_the_ratio() -> None:
    with pytest.raises(LimitReached, match="1,000 bytes of compressed content"):
        Spending(Limits(expanded=1_000)).expand(1_000_000, 1_001)


def test_files_inside_are_counted_at_every_depth() -> None:
    budget = Spending(Limits(entries=2))
    budget.entry()
    budget.deeper().entry()
    with pytest.raises(LimitReached, match="2 files inside"):
        budget.entry()


def test_depth_ends() -> None:
    budget = Spending(Limits(depth=2))
    with pytest.raises(LimitReached, match="inside each other"):
        budget.deeper().deeper().deeper()
