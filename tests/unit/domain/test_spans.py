import pytest

from mailquery.domain.spans import ago, readable


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.0, "less than a minute ago"),
        (59.9, "less than a minute ago"),
        (60.0, "1 minute ago"),
        (7_199.0, "1 hour ago"),
        (7_200.0, "2 hours ago"),
        (86_400.0 * 1_500, "1,500 days ago"),
    ],
)
def test_how_long_ago_is_one_unit(seconds: float, said: str) -> None:
    assert ago(seconds) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(45, "45 s"), (720, "12 min"), (12_000, "3 h 20 min"), (187_200, "2 d 4 h"), (86_400, "1 d")],
)
def test_a_length_is_two_units_at_most(seconds: int, said: str) -> None:
    assert readable(seconds) == said
