"""There is no memory left, for a server and for an import.

What must hold: a clear error for what needs too much, answers for everything else, nothing half stored, and an end
where there has to be one. The limit is that of the address space: what a container has is kept by killing, which is in
test_storage.
"""

import os
import resource
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from chaos.conftest import COUNT
from chaos.servers import PATIENCE, QUIET, Server, memory, serving
from end_to_end.conftest import CommandLine
from support.archives import Mail

LARGE = 20 << 20  # bytes
# What is large is got from the system each time and given back, so that a limit is one, whatever was used before.
PLAIN = {"MALLOC_MMAP_THRESHOLD_": "1000000", "MALLOC_TRIM_THRESHOLD_": "1000000"}
LETTER = Mail(
    subject="A long letter",
    text="All of it is about wombats.\n" * 6_000,
    files=(("large.bin", "application/octet-stream", os.urandom(LARGE)),),
)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("memory") / "long.eml"
    file.write_bytes(LETTER.as_bytes())
    return file


@contextmanager
def no_more_memory(server: Server) -> Iterator[None]:
    """The server has what it has, and a quarter of what it is asked for."""
    process = server.process.pid
    limit = memory(process, "VmSize") + LARGE // 4
    before = resource.prlimit(process, resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))
    try:
        yield
    finally:
        resource.prlimit(process, resource.RLIMIT_AS, before)


def test_a_server_without_memory_refuses_what_needs_it_and_answers_the_rest(
    copy_of: Callable[[Path], CommandLine], tmp_path: Path, file: Path
) -> None:
    mailquery = copy_of(tmp_path)
    assert mailquery("import", file, "--no-embed").code == 0
    with serving(mailquery, **PLAIN) as server:
        (long,) = server.call("search_messages", query="wombats")["rows"]
        (attached,) = server.call("list_attachments", query="filename:large.bin")["rows"]
        with no_more_memory(server):
            for number in range(0, 50, 5):
                assert server.search(f"word{number}") == [f"Letter number {number}"]
            refused = server.call("read_message", id=long["id"], max_chars=200_000)
            assert refused["error"]["code"] == "SERVICE_UNAVAILABLE"
            assert "memory" in refused["error"]["message"]
            link = server.call("get_attachment", id=attached["id"])["download"]
            assert httpx2.get(link, timeout=PATIENCE).status_code == 503
            assert server.is_alive()
        assert server.call("read_message", id=long["id"], max_chars=200_000)["subject"] == "A long letter"
        assert len(httpx2.get(link, timeout=PATIENCE).content) == LARGE  # the ticket was not used up


def test_an_import_without_memory_says_so_and_is_completed_by_the_next(
    copy_of: Callable[[Path], CommandLine], tmp_path: Path, file: Path
) -> None:
    mailquery = copy_of(tmp_path)
    limited = ["prlimit", f"--as={300 << 20}", *mailquery.command("import", file, "--no-embed")]
    done = subprocess.run(limited, env=mailquery.environment | QUIET, capture_output=True, timeout=PATIENCE * 2)
    told = done.stderr.decode()
    assert done.returncode == 4, told
    assert "more memory than this program can have" in told  # beside what a thread of the library may say
    assert mailquery.count() == COUNT
    assert mailquery("import", file, "--no-embed").code == 0
    assert mailquery.count() == COUNT + 1
