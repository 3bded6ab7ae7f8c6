import json
import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from mailbench.load.calls import ToolCall, Words, pools
from mailbench.load.eras import HANDSHAKE, MODERN
from mailbench.load.wrk import Driver

_WORDS = Words(
    common=[f"common{number}" for number in range(20)],
    rare=[f"rare{number}" for number in range(200)],
    unspaced=["회의", "会議"],
    senders=["ana@acme.example", "bo@acme.example"],
    names=["Ana", "Bo"],
    phrases=["one two three"],
    mailboxes=["inbox", "Sent"],
    years=[2021, 2022],
    messages=[f"m{number}" for number in range(50)],
    threads=[f"t{number}" for number in range(9)],
)
_SIZES = {"search_messages": 100, "read_message": 40, "read_thread": 20, "mail_statistics": 30}


def test_calls_are_different_ones_and_the_same_in_every_run() -> None:
    made = pools(_WORDS, _SIZES)
    assert made == pools(_WORDS, _SIZES)
    keys = [call.key for calls in made.values() for call in calls]
    assert len(set(keys)) == len(keys)
    assert {tool: len(calls) for tool, calls in made.items()} == {**_SIZES, "read_thread": len(_WORDS.threads)}


def test_no_id_is_made_up() -> None:
    made = pools(_WORDS, _SIZES)
    assert {call.arguments["id"] for call in made["read_message"]} <= set(_WORDS.messages)
    assert {call.arguments["id"] for call in made["read_thread"]} == set(_WORDS.threads)


class _Answers(BaseHTTPRequestHandler):
    """A result for one tool, an error of each kind for the others, and what was asked."""

    protocol_version = "HTTP/1.1"
    asked: list[tuple[str, str | None, str]]
    by: dict[tuple[str, int], set[str | None]]  # the sessions that each connection named

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        tool = body["params"]["name"]
        self.asked.append((tool, self.headers["Mcp-Session-Id"], body["params"]["arguments"]["id"]))
        self.by.setdefault(self.client_address, set()).add(self.headers["Mcp-Session-Id"])
        member = {
            "good": {"result": {"content": [{"text": '"isError":true'}], "isError": False}},
            "bad": {"result": {"content": [], "isError": True}},
            "worse": {"error": {"code": -32602, "message": "no"}},
        }[tool]
        answer = json.dumps({"jsonrpc": "2.0", "id": body["id"], **member}, separators=(",", ":")).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *arguments: object) -> None:
        """Nothing."""


@pytest.fixture
def url() -> Iterator[str]:
    if shutil.which("wrk") is None:
        pytest.skip("wrk is not installed")
    _Answers.asked, _Answers.by = [], {}
    with ThreadingHTTPServer(("127.0.0.1", 0), _Answers) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/mcp"
        server.shutdown()
        thread.join()


def calls(tool: str, count: int = 1) -> dict[str, list[ToolCall]]:
    return {tool: [ToolCall(tool, {"id": str(number)}) for number in range(count)]}


@pytest.mark.parametrize(("tool", "is_error"), [("good", False), ("bad", True), ("worse", True)])
def test_what_is_no_result_is_an_error(url: str, tool: str, is_error: bool) -> None:
    found = Driver(calls(tool), {tool: 1}).run(url, MODERN, [], connections=2, seconds=1)
    assert found.requests > 0
    assert found.lost == 0
    assert found.error_share == (1.0 if is_error else 0.0)
    assert found.p50 <= found.p99 <= found.longest


def test_calls_that_are_made_once_are_made_in_turn_by_all_sessions(url: str) -> None:
    Driver(calls("good", 100_000), {"good": 1}, once=True).run(url, HANDSHAKE, ["s1", "s2"], connections=1, seconds=1)
    numbers = [int(number) for _, _, number in _Answers.asked]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert {session for _, session, _ in _Answers.asked} == {"s1", "s2"}


def test_each_connection_keeps_to_a_session_of_its_own_where_that_is_wanted(url: str) -> None:
    sessions = ["s1", "s2", "s3"]
    found = Driver(calls("good"), {"good": 1}, own_sessions=True).run(
        url, HANDSHAKE, sessions, connections=3, seconds=1
    )
    assert found.error_share == 0.0
    asking = [named for named in _Answers.by.values() if named]
    assert all(len(named) == 1 for named in asking)
    assert sorted(session or "" for named in asking for session in named) == sessions
