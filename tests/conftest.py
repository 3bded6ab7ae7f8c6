"""For every test: nothing secret that the tests plant gets into a log."""

from collections.abc import Iterator

import pytest

from support.planted import Watch


@pytest.fixture(scope="session")
def log_watch() -> Iterator[Watch]:
    watch = Watch()
    with watch.watching():
        yield watch
    leaks = watch.leaks()
    watch.close()
    assert not leaks, "after the last test"


@pytest.fixture(autouse=True)
def nothing_planted_is_logged(log_watch: Watch) -> Iterator[None]:
    yield
    leaks = log_watch.leaks()
    if leaks:
        pytest.fail("logged by this test, or by a process that outlives it: " + "; ".join(leaks), pytrace=False)
