from itertools import count

import pytest

from mailquery.repositories.steps import Step, Steps


def test_steps_keep_their_order_and_length_and_the_whole_has_what_lies_between() -> None:
    ticks = count()
    steps = Steps(clock=lambda: float(next(ticks)))
    with steps.step("one"):
        next(ticks)
    with steps.step("two"):
        pass
    assert steps.taken == (Step("one", 2.0), Step("two", 1.0))
    assert steps.seconds() == 6.0


def test_a_step_that_fails_is_kept_too() -> None:
    steps = Steps()
    with pytest.raises(ValueError, match="no"), steps.step("one"):
        raise ValueError("no")
    assert [step.name for step in steps.taken] == ["one"]
