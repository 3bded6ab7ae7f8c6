"""Percentiles, and what is seen of a command that is measured."""

import os
import sys

import pytest

from mailbench.measuring import CommandFailed, Latency, percentile, run_measured


def test_percentiles_are_values_that_were_measured() -> None:
    values = [float(value) for value in range(1, 101)]
    assert [percentile(values, at) for at in (50, 95, 99, 100)] == [50, 95, 99, 100]


@pytest.mark.parametrize(
    ("values", "at", "expected"),
    [([7.0], 50, 7.0), ([7.0], 99, 7.0), ([1.0, 2.0], 50, 1.0), ([1.0, 2.0], 51, 2.0), ([3.0, 1.0, 2.0], 95, 3.0)],
)
def test_percentile_by_nearest_rank(values: list[float], at: float, expected: float) -> None:
    assert percentile(values, at) == expected


def test_latency_is_in_milliseconds() -> None:
    assert Latency.of([0.001, 0.002, 0.004]) == Latency(2.0, 4.0, 4.0, 3)


def test_memory_of_a_command_and_of_its_children_is_seen() -> None:
    child = "import time; held = bytearray(80_000_000); time.sleep(0.6)"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}], check=True); print('done')"
    run = run_measured([sys.executable, "-c", parent], dict(os.environ))
    assert run.output == b"done\n"
    assert run.memory.largest_child > 80_000_000 > run.memory.parent > 1_000_000
    assert run.memory.together > run.memory.largest_child * 0.9
    assert 0.5 < run.seconds < 30
    assert run.cpu_seconds > 0


def test_a_command_that_fails_is_an_error_that_tells_its_words() -> None:
    with pytest.raises(CommandFailed, match="no such mail"):
        run_measured([sys.executable, "-c", "raise SystemExit('no such mail')"], dict(os.environ))
