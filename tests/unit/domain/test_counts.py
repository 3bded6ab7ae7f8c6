import pytest

from mailquery.domain.counts import plural


@pytest.mark.parametrize(
    ("count", "said"),
    [(0, "0 boxes"), (1, "1 box"), (1_204, "1,204 boxes")],
)
def test_one_is_singular_and_all_else_plural(count: int, said: str) -> None:
    assert plural(count, "box", "boxes") == said


def test_an_s_is_the_plural_of_most() -> None:
    assert (plural(1, "message"), plural(2, "message")) == ("1 message", "2 messages")
