"""The machine's clock jumps, back and forward by days, while a server runs.

What must hold: durations are counted by a clock that does not jump, dates by the one that does. Nobody is kept out,
nothing hangs, and nothing is open for ever.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from chaos.servers import Server, serving, until
from end_to_end.conftest import CommandLine
from end_to_end.served import created
from support.archives import Mail
from support.faults import Faults

DAY = 86_400
JUMPS = (3 * DAY, -3 * DAY)
GUARDED = {
    "MAILQUERY_AUTH__STRATEGIES": "api-keys",
    "MAILQUERY_AUTH__USERS": json.dumps({"ana": ["*"], "ben": ["*"], "eva": ["*"]}),
    "MAILQUERY_ANSWERS__ATTACHMENT_BYTES": "1000",
}
LIMITS = {"MAILQUERY_LIMITS__PRINCIPAL": json.dumps({"requests_per_minute": 300, "burst": 40})}  # one more each 0.2 s
LARGE = bytes(range(256)) * 20


@pytest.fixture(scope="module")
def mailquery(copy_of: Callable[[Path], CommandLine], tmp_path_factory: pytest.TempPathFactory) -> CommandLine:
    folder = tmp_path_factory.mktemp("clock")
    mailquery = copy_of(folder)
    (folder / "file.eml").write_bytes(
        Mail(subject="With a file", files=(("large.bin", "application/octet-stream", LARGE),)).as_bytes()
    )
    assert mailquery("import", folder / "file.eml", "--no-embed").code == 0
    mailquery.environment |= GUARDED
    return mailquery


@pytest.fixture(scope="module")
def faults(mailquery: CommandLine) -> Iterator[Faults]:
    with closing(Faults(mailquery.home.parent, str(mailquery.home))) as faults:
        yield faults


SCOPES = ("--scope", "mail:read", "--scope", "mail:attachments")


@pytest.fixture(scope="module")
def keys(mailquery: CommandLine) -> dict[str, str]:
    return {user: created(mailquery, "--user", user, *SCOPES)["key"] for user in ("ana", "eva")}


@pytest.fixture(scope="module")
def server(mailquery: CommandLine, faults: Faults, keys: dict[str, str]) -> Iterator[Server]:
    with serving(mailquery, **faults.environment, **LIMITS) as server:
        server.use(keys["ana"])
        server.search("badgers")
        yield server


@pytest.mark.parametrize("jump", JUMPS)
def test_calls_sessions_and_pages_go_on_over_a_jump(server: Server, faults: Faults, jump: int) -> None:
    began = server.call("search_messages", query="badgers", limit=5)
    session = server.session()
    with faults.clock(jump):
        assert server.search("word7") == ["Letter number 7"]
        further = server.call("search_messages", query="badgers", limit=5, cursor=began["cursor"])
        assert {row["id"] for row in further["rows"]}.isdisjoint(row["id"] for row in began["rows"])
        assert server.in_session(session).status_code == 200
        assert server.ready()[0] == 200
    assert server.in_session(session).status_code == 200
    assert server.search("word7") == ["Letter number 7"]


@pytest.mark.parametrize("jump", JUMPS)
def test_who_asked_too_much_is_let_in_again_after_the_time_that_was_said(
    server: Server, faults: Faults, keys: dict[str, str], jump: int
) -> None:
    server.use(keys["eva"])  # whom nothing else asks for
    refused = spend(server)
    assert refused["retry_after"] <= 3
    with faults.clock(jump):
        until(lambda: server.error("search_messages", query="word7") is None, "they are let in", seconds=10)
        assert spend(server)["retry_after"] <= 3  # nor is the limit gone
    until(lambda: server.error("search_messages", query="word7") is None, "they are let in", seconds=10)
    server.use(keys["ana"])


def spend(server: Server) -> dict[str, Any]:
    """The error when all that may be asked at once has been asked."""
    for _ in range(500):
        if (error := server.call("list_accounts").get("error")) is not None:
            assert error["code"] == "RATE_LIMITED"
            return dict(error)
    raise AssertionError("there is no limit")


def test_keys_and_links_end_by_the_date_and_a_link_is_good_once_whatever_the_clock_says(
    mailquery: CommandLine, server: Server, faults: Faults
) -> None:
    ben = created(mailquery, "--user", "ben", "--scope", "mail:read", "--expires", "1d")["key"]
    assert server.status(ben) == 200
    (file,) = server.call("list_attachments", query="filename:large.bin")["rows"]
    used, unused = (server.call("get_attachment", id=file["id"])["download"] for _ in range(2))
    assert server.fetch(used).content == LARGE
    with faults.clock(3 * DAY):
        assert server.status(ben) == 401
        assert server.fetch(unused).status_code == 404
        later = server.call("get_attachment", id=file["id"])["download"]
        assert server.fetch(later).content == LARGE
    assert server.status(ben) == 200
    assert server.fetch(used).status_code == 404
    assert server.fetch(unused).content == LARGE


def test_what_was_recorded_over_all_jumps_holds(mailquery: CommandLine, server: Server, faults: Faults) -> None:
    for jump in JUMPS:
        with faults.clock(jump):
            server.search("word7")
    done = mailquery("audit", "verify", "--json")
    assert done.code == 0, done.text
