"""What the audit's stage records, and what becomes of a call that cannot be recorded."""

import logging
from contextlib import suppress
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from mcp.client import Client
from mcp.shared.exceptions import MCPError

from contract.catalogue import Waiting, build_catalogue
from mcpkit.errors import ErrorCode, Fault
from mcpkit.monitoring.metrics import CallMetrics
from mcpkit.protocol.calls import Call
from mcpkit.protocol.identity import LocalUser
from mcpkit.protocol.pipeline import build_pipeline
from mcpkit.protocol.server import build_server
from mcpkit.protocol.stages import Proceed, Reply
from mcpkit.protocol.stages.auditing import Audit
from mcpkit.protocol.uris import find_resource
from mcpkit.security.audit import AuditRecord
from mcpkit.security.audit.store import ChainedAudit
from mcpkit.security.control import open_control
from mcpkit.security.identity import Principal

CATALOGUE = build_catalogue()


class Records:
    def __init__(self) -> None:
        self.kept: list[AuditRecord] = []

    async def record(self, record: AuditRecord) -> None:
        self.kept.append(record)


class Broken:
    """An audit on a broken disk."""

    async def record(self, record: AuditRecord) -> None:
        raise OSError(5, "Input/output error")


class Nobody:
    async def identify(self, call: Call) -> Principal:
        raise Fault(ErrorCode.UNAUTHORIZED, "Who are you?")


def call(name: str, waiting: Waiting | None = None, **arguments: object) -> Call:
    declaration: Any = {tool.name: tool for tool in build_catalogue(waiting).tools}[name]
    return Call("tool", name, arguments, "1", "memory", declaration=declaration, client="test 1")


@pytest.mark.parametrize(
    "made", [call("list_rows", prefix="a"), call("refuse"), call("crash", text="x")], ids=lambda made: made.name
)
async def test_a_call_that_cannot_be_recorded_is_not_answered(made: Call, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(Fault) as caught:
        await build_pipeline(LocalUser("ana"), Broken()).run(made)
    assert caught.value.code is ErrorCode.SERVICE_UNAVAILABLE
    assert "withheld" in caught.value.message
    assert "could not be recorded" in caplog.text


async def test_nothing_of_the_answer_leaves_to_the_client() -> None:
    server = build_server(CATALOGUE, build_pipeline(LocalUser("ana"), Broken()))
    async with Client(server, mode="auto") as client:
        result = await client.call_tool("list_rows", {"prefix": "a"})
        assert result.is_error
        assert result.structured_content is not None
        assert result.structured_content["error"]["code"] == "SERVICE_UNAVAILABLE"
        assert "row" not in result.model_dump_json().lower().replace("error", "")
        with pytest.raises(MCPError, match="withheld"):
            await client.read_resource("test://row/7")


async def test_calls_go_on_where_the_operator_says_so_and_the_log_tells(caplog: pytest.LogCaptureFixture) -> None:
    pipeline = build_pipeline(LocalUser("ana"), Broken(), audit_stops_calls=False)
    reply = await pipeline.run(call("list_rows", prefix="a"))
    assert reply.draft is not None
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


@pytest.mark.parametrize("stops_calls", [True, False])
async def test_calls_that_cannot_be_recorded_are_counted(stops_calls: bool) -> None:
    metrics = CallMetrics()
    pipeline = build_pipeline(LocalUser("ana"), Broken(), audit_stops_calls=stops_calls, metrics=metrics)
    with metrics.served("127.0.0.1", 0) as port:
        with suppress(Fault):
            await pipeline.run(call("list_rows", prefix="a"))
        assert "\nmcp_audit_failures_total 1.0\n" in httpx2.get(f"http://127.0.0.1:{port}/metrics").text


async def test_a_cancelled_call_that_cannot_be_recorded_stays_cancelled() -> None:
    waiting = Waiting()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(build_pipeline(LocalUser("ana"), Broken()).run, call("wait", waiting))
        await waiting.started.wait()
        tasks.cancel_scope.cancel()
    assert tasks.cancel_scope.cancelled_caught


async def test_the_real_audit_has_the_record_before_the_answer_is_there(tmp_path: Path) -> None:
    async with await open_control(tmp_path / "control.db") as control:
        audit = ChainedAudit(control, b"k" * 32)
        await build_pipeline(LocalUser("ana"), audit).run(call("list_rows", prefix="a"))
        assert await control.read(lambda c: c.execute("SELECT count(*) FROM audit").fetchone()) == (1,)
        await audit.close()


async def test_whoever_was_turned_away_is_recorded_as_nobody() -> None:
    records = Records()
    with pytest.raises(Fault):
        await build_pipeline(Nobody(), records).run(call("list_rows", prefix="swordfish"))
    (record,) = records.kept
    assert (record.user, record.decision, record.error) == ("", "denied", "UNAUTHORIZED")


async def test_the_reason_is_the_permission_or_what_a_stage_says() -> None:
    records = Records()
    await build_pipeline(LocalUser("ana"), records).run(call("list_rows", prefix="a"))

    async def by_consent(call: Call) -> Reply:
        call.reason = "consent 7"
        return Reply(None)

    made = call("list_rows", prefix="a")
    made.principal = Principal("ana", client="key 1")
    proceed: Proceed = by_consent
    await Audit(records)(made, proceed)
    assert [record.reason for record in records.kept] == [f"permission {made.declaration.permission}", "consent 7"]  # type: ignore[union-attr] # it was declared
    assert [record.credential for record in records.kept] == ["", "key 1"]


async def test_a_value_is_recorded_where_the_operator_asks_for_it_and_no_other() -> None:
    records = Records()
    pipeline = build_pipeline(LocalUser("ana"), records, audited_values=frozenset({"prefix", "nothing"}))
    await pipeline.run(call("list_rows", prefix="swordfish", limit=2))
    (values,) = [record.values for record in records.kept]
    assert values == {"prefix": '"swordfish"'}


async def test_a_resource_is_recorded_by_its_declaration_and_its_id_only_once_it_was_shown() -> None:
    records = Records()
    pipeline = build_pipeline(LocalUser("ana"), records)
    for uri in ("test://row/7", "test://row/swordfish"):
        resource = find_resource(CATALOGUE.resources, uri)
        assert resource is not None
        made = Call("resource", uri, {}, "1", "memory", declaration=resource)
        with suppress(Fault):
            await pipeline.run(made)
    shown, failed = records.kept
    assert shown.disclosed == ("test://row/7",)
    assert shown.name == failed.name
    assert "{" in failed.name
    assert "swordfish" not in repr(failed)
    assert failed.arguments == {"number": len('"swordfish"')}


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_what_does_not_exist_is_recorded_without_the_name_that_the_caller_made_up(mode: str) -> None:
    records = Records()
    server = build_server(CATALOGUE, build_pipeline(LocalUser("ana"), records))
    async with Client(server, mode=mode) as client:
        for calling in (
            lambda: client.call_tool("swordfish", {"swordfish": 1}),
            lambda: client.get_prompt("swordfish", {}),
            lambda: client.read_resource("swordfish://x"),
        ):
            with pytest.raises(MCPError):
                await calling()
    assert [(record.kind, record.name, record.decision, record.reason) for record in records.kept] == [
        (kind, "(unknown)", "denied", f"no such {kind}") for kind in ("tool", "prompt", "resource")
    ]
    assert "swordfish" not in repr(records.kept)
