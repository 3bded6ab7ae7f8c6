"""A short form of `bench/soak`: everything at once on one archive, with kills, and the reckoning at the end."""

from pathlib import Path

from soaking.soak import soak


def test_nothing_is_lost_doubled_or_changed_while_all_goes_on_at_once(tmp_path: Path) -> None:
    done = soak(tmp_path, seconds=4, seed=2, pace=0.15, MAILQUERY_MEANING__ENABLED="false")
    assert done.violations == []
    assert done.figures["delivered"]
    assert done.figures["runs"]["import"]
    assert done.figures["searches"]
