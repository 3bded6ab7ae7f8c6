"""A mail server that is there, then accepts and says nothing, falls silent later, or turns away, and comes back.

What must hold: the server over HTTP answers from the archive all the while, says how fresh that is, waits for new mail
no longer than it is set to, and brings it in once it can be had. Here that is when somebody asks; what goes on by
itself takes minutes between its tries, and is tested by the clock that those are given (tests/unit/services).
"""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from chaos.servers import Server, serving, until
from end_to_end.conftest import CommandLine, letter
from support.imap_script import ScriptedImap, ScriptedMessage, Talk, scripted

FRESH_SECONDS = 1.0
BRISK = {
    "MAILQUERY_SYNC__FRESH_SECONDS": str(FRESH_SECONDS),
    "MAILQUERY_SYNC__TIMEOUTS": '{"connect": 1, "read": 1, "command": 2}',
    "MAILQUERY_SYNC__BREAKER": '{"failures": 2, "seconds": 1, "longest_seconds": 1}',
}


@pytest.fixture(scope="module")
def imap() -> Iterator[ScriptedImap]:
    with scripted(ScriptedImap(messages=[message(5000)])) as imap:
        yield imap


@pytest.fixture(scope="module")
def server(
    imap: ScriptedImap, copy_of: Callable[[Path], CommandLine], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    mailquery = copy_of(tmp_path_factory.mktemp("sources"))
    done = mailquery(
        *("accounts", "add", "ben@example.com", "--name", "home", "--username", "ben"),
        *("--host", "127.0.0.1", "--port", str(imap.port), "--security", "none"),
        MAILQUERY_ACCOUNT_PASSWORD="open sesame",
    )
    assert done.code == 0, done.err
    with serving(mailquery, **BRISK) as server:
        until(lambda: server.search("word5000", fresh=True) == ["Letter number 5000"], "mail comes in")
        yield server


def message(number: int) -> ScriptedMessage:
    return ScriptedMessage(number, letter(number, body=f"A letter about word{number}.").replace(b"\n", b"\r\n"))


def says_nothing(talk: Talk, tag: bytes, arguments: bytes) -> None:
    talk.wait_until_gone()


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param({"greeting": None}, id="half open"),
        pytest.param({"on": {"EXAMINE": says_nothing, "STATUS": says_nothing}}, id="falls silent"),
        pytest.param({"greeting": b"* BYE gone"}, id="turns away"),
    ],
)
def test_a_source_that_fails_stops_nothing_and_is_taken_up_again_by_itself(
    server: Server, imap: ScriptedImap, fault: dict[str, object]
) -> None:
    new = 6000 + len(imap.messages)
    before = {name: getattr(imap, name) for name in fault}
    for name, value in fault.items():
        setattr(imap, name, value)
    imap.messages = [*imap.messages, message(new)]
    try:
        until(lambda: standing(server) == "failed", "it is told that it failed")
        assert server.ready()[0] == 200
        until(lambda: server.ready()[1]["sources"] == "degraded", "readiness says that the source is not well")
        began = time.monotonic()
        found = server.call("search_messages", query=f"word{new}", fresh=True)
        assert time.monotonic() - began < FRESH_SECONDS + 9
        assert found["rows"] == []  # which is said not to be all
        (fresh,) = [each for each in found["coverage"]["freshness"] if each["account"] == "home"]
        assert fresh["standing"] != "fresh"
        assert fresh["reason"]
        assert server.search("word7") == ["Letter number 7"]
        assert server.search("word5000") == ["Letter number 5000"]
    finally:
        for name, value in before.items():
            setattr(imap, name, value)
    until(lambda: server.search(f"word{new}", fresh=True) == [f"Letter number {new}"], "new mail comes in")


def standing(server: Server) -> str:
    """After mail was looked for."""
    found = server.call("search_messages", query="word7", fresh=True)
    (fresh,) = [each for each in found["coverage"]["freshness"] if each["account"] == "home"]
    return str(fresh["standing"])
