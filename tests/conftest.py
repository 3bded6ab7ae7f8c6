"""For every test: nothing secret that the tests plant gets into a log; and where each runs."""

from collections.abc import Iterator

import pytest
from xdist.remote import Producer

from support.planted import Watch
from support.scheduling import ByFileWhereItShares


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByFileWhereItShares:
    return ByFileWhereItShares(config, log)


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
