"""The watch over the logs sees what it is there for."""

import asyncio
import logging
import subprocess
import sys
from collections.abc import Iterator

import pytest

from support.planted import Watch

VALUE = "quagga-marzipan"
SAY = [sys.executable, "-c", f"import sys; print('{VALUE}', file=sys.stderr)"]


def leaks_of(watch: Watch) -> list[str]:
    return [leak.partition(":")[0] for leak in watch.leaks()]


@pytest.fixture
def watch() -> Iterator[Watch]:
    made = Watch({"a word": VALUE})
    yield made
    made.close()


def test_what_is_logged_in_a_message_a_field_or_a_traceback_is_seen(watch: Watch) -> None:
    log = logging.getLogger("somewhere.else")
    with watch.watching():
        log.warning("it says %s", VALUE)
        log.warning("x", extra={"shown": {"deep": [VALUE]}})
        try:
            raise RuntimeError(VALUE)
        except RuntimeError:
            log.exception("failed")
        log.warning("nothing")
        log.warning("password=%s", VALUE)
    assert leaks_of(watch) == ["a word in the log (somewhere.else)"] * 3
    assert watch.leaks() == []
    log.warning(VALUE)
    assert watch.leaks() == []


def test_standard_error_of_processes_is_seen_however_they_are_started(watch: Watch) -> None:
    async def start() -> None:
        process = await asyncio.create_subprocess_exec(*SAY, stderr=subprocess.DEVNULL)
        await process.wait()

    seen = ["a word in standard error of a process"]
    with watch.watching():
        subprocess.run(SAY, check=True)
        assert leaks_of(watch) == seen
        subprocess.run(SAY, check=True, capture_output=True)
        assert leaks_of(watch) == seen
        asyncio.run(start())
        assert leaks_of(watch) == seen
        assert subprocess.run([sys.executable, "-c", ""], check=True).returncode == 0
        assert watch.leaks() == []
