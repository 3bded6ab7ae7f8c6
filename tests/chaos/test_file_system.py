"""The disk that the archive is on becomes slow while the server runs.

What must hold: time limits are kept, what needs no disk goes on, and no answer is wrong.
"""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from chaos.servers import Server, serving, until
from end_to_end.conftest import CommandLine, letter
from support.faults import Faults

SECONDS = 0.5  # that a query may take
SETTINGS = {"MAILQUERY_ARCHIVE__READ_SECONDS": str(SECONDS), "MAILQUERY_AUDIT__DURABILITY": "power"}
BOUND = 15.0  # seconds for a call, which reads and writes some times; without limits these here took minutes


@pytest.fixture(scope="module")
def mailquery(copy_of: Callable[[Path], CommandLine], tmp_path_factory: pytest.TempPathFactory) -> CommandLine:
    return copy_of(tmp_path_factory.mktemp("slow"))


@pytest.fixture(scope="module")
def faults(mailquery: CommandLine) -> Iterator[Faults]:
    with closing(Faults(mailquery.home.parent, str(mailquery.home / "archive.db"))) as faults:
        yield faults


@pytest.fixture(scope="module")
def server(mailquery: CommandLine, faults: Faults) -> Iterator[Server]:
    with serving(mailquery, **faults.environment, **SETTINGS) as server:
        server.search("badgers")
        yield server


def test_slow_reads_are_given_up_in_time_and_everything_else_goes_on(
    server: Server, mailquery: CommandLine, faults: Faults
) -> None:
    file = mailquery.home.parent / "new.eml"
    file.write_bytes(letter(900, body="A letter about hedgehogs."))
    assert mailquery("import", file, "--no-embed").code == 0  # after which nothing is cached of the archive
    with faults.slow_reads(400), ThreadPoolExecutor(6) as pool:
        began = time.monotonic()
        asked = [pool.submit(server.call, "search_messages", query=f"word{number}") for number in range(6)]
        while not all(each.done() for each in asked):
            looked = time.monotonic()
            assert server.is_alive()
            assert len(server.post({}, "tools/list")["result"]["tools"]) > 5
            assert time.monotonic() - looked < 2
        found = [each.result() for each in asked]
        assert time.monotonic() - began < BOUND
        assert faults.reads > 0
        codes = {each["error"]["code"] for each in found if "error" in each}
        assert codes <= {"TIMEOUT", "SERVICE_UNAVAILABLE"}
        assert "TIMEOUT" in codes
        for number, each in enumerate(found):
            if "error" not in each:
                assert [row["subject"] for row in each["rows"]] == [f"Letter number {number}"]
            else:
                assert each["error"]["retry_after"] > 0
    until(lambda: server.error("search_messages", query="hedgehogs") is None, "it answers again")
    assert server.search("hedgehogs") == ["Letter number 900"]
    until(lambda: server.ready()[0] == 200, "it is ready again")


def test_an_import_waits_for_a_slow_disk_and_readers_do_not_wait_for_it(
    server: Server, mailquery: CommandLine, faults: Faults
) -> None:
    file = mailquery.home.parent / "later.eml"
    file.write_bytes(letter(901, body="A letter about porcupines."))
    slowed = CommandLine(mailquery.home.parent)
    slowed.environment |= faults.environment
    with faults.slow_syncs(300), ThreadPoolExecutor(1) as pool:
        importing = pool.submit(slowed, "import", file, "--no-embed")
        longest = 0.0
        while not importing.done():
            began = time.monotonic()
            assert server.search("word7") == ["Letter number 7"]
            longest = max(longest, time.monotonic() - began)
        assert importing.result().code == 0
        assert longest < BOUND
    assert server.search("porcupines") == ["Letter number 901"]


def test_a_disk_that_is_slow_or_hangs_is_told_by_ready_and_no_longer_once_it_is_not(
    server: Server, faults: Faults
) -> None:
    until(lambda: server.ready()[1]["database"] == "healthy", "it is well before")
    for slow in (faults.slow_syncs, faults.slow_reads):
        with slow(900):
            until(lambda: server.ready()[1]["database"] != "healthy", "a slow disk is told")
            assert server.is_alive()
        until(lambda: server.ready()[1]["database"] == "healthy", "it is well again")
    with faults.slow_syncs(6_000):

        def told() -> bool:
            status, checks = server.ready()
            return status == 503 and checks["database"] == "unhealthy"

        until(told, "a disk that hangs is told")
        assert server.search("word7") == ["Letter number 7"], "what is read is answered meanwhile"
    until(lambda: server.ready()[0] == 200, "it is ready again")
