"""What the log says of a call."""

import json
import logging
from collections.abc import Iterator
from contextlib import suppress

import pytest

from contract.catalogue import build_catalogue
from mcpkit.errors import Fault
from mcpkit.logs import LineFormatter
from mcpkit.protocol.calls import Call
from mcpkit.protocol.pipeline import build_pipeline
from mcpkit.security.audit import AuditRecord
from mcpkit.security.identity import Principal
from support import planted


class Reader:
    async def identify(self, call: Call) -> Principal:
        return Principal(user="ana", scopes=frozenset({"read"}))


class Talking:
    """An audit that logs, as what goes on during a call may."""

    async def record(self, record: AuditRecord) -> None:
        logging.getLogger("audit").info("recorded")


@pytest.fixture
def lines() -> Iterator[list[dict[str, object]]]:
    """As they are written."""
    formatter, found = LineFormatter(is_console=False, is_colourful=False), []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            found.append(json.loads(formatter.format(record)))

    root, handler = logging.getLogger(), Keep()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield found
    root.removeHandler(handler)
    root.setLevel(level)


async def called(name: str, request_id: str = "7", call_id: str = "", **arguments: object) -> None:
    tools = {tool.name: tool for tool in build_catalogue().tools}
    pipeline = build_pipeline(Reader(), Talking())
    with suppress(Fault):
        await pipeline.run(Call("tool", name, arguments, request_id, "memory", declaration=tools.get(name), id=call_id))


async def test_each_call_is_one_line_with_what_came_of_it(lines: list[dict[str, object]]) -> None:
    await called("list_rows", call_id="a1b2", prefix="a")
    during, ended = lines
    assert (during["event"], during["request_id"], during["tool"]) == ("recorded", "a1b2", "list_rows")
    assert during["principal"] == "ana"
    assert isinstance(ended.pop("duration_ms"), float)
    assert int(str(ended.pop("characters"))) > 0
    assert ended.pop("timestamp")
    assert ended == {
        "event": "call",
        "level": "info",
        "logger": "mcpkit.calls",
        "request_id": "a1b2",
        "method": "tool",
        "tool": "list_rows",
        "principal": "ana",
        "status": "ok",
        "transport": "memory",
        "rpc_id": "7",
    }


async def test_what_fails_is_told_by_its_code_and_what_nobody_declared_not_by_its_name(
    lines: list[dict[str, object]],
) -> None:
    await called("refuse")
    await called(planted.PASSWORD, text=planted.MAIL_TEXT)
    calls = [line for line in lines if line["event"] == "call"]
    assert [(line["tool"], line["status"]) for line in calls] == [("refuse", "NOT_FOUND"), ("(unknown)", "FORBIDDEN")]
    assert len({line["request_id"] for line in calls}) == 2


async def test_the_id_that_a_client_gave_is_cut_and_searched_for_secrets(lines: list[dict[str, object]]) -> None:
    await called("list_rows", request_id=f"token={planted.TOKEN}", prefix="a")
    await called("list_rows", request_id="x\u202e\n" * 100, prefix="a")
    first, second = (str(line["rpc_id"]) for line in lines if line["event"] == "call")
    assert "planted" not in first
    assert planted.TOKEN[:20] not in first
    assert len(second) <= 64
    assert "\u202e" not in second
