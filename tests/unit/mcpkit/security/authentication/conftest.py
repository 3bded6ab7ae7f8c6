from collections.abc import Iterator

import pytest

from support.issuing import Issuing, issuing


@pytest.fixture
def issuer() -> Iterator[Issuing]:
    with issuing() as started:
        yield started


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self, now: float = 1_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()
