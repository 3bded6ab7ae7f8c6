import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import anyio
import pytest

from contract.catalogue import SECRET, ListArguments, Waiting, build_catalogue
from mcpkit.errors import ErrorCode, Fault
from mcpkit.protocol.calls import Call
from mcpkit.protocol.identity import LocalUser
from mcpkit.protocol.pipeline import Pipeline, build_pipeline
from mcpkit.protocol.stages import Proceed, Reply
from mcpkit.security.audit import AuditRecord, LogAudit
from mcpkit.security.identity import Principal


class Reader:
    """Somebody who may read and not write."""

    async def identify(self, call: Call) -> Principal:
        return Principal(user="reader", scopes=frozenset({"read"}))


class Records:
    def __init__(self) -> None:
        self.kept: list[AuditRecord] = []

    async def record(self, record: AuditRecord) -> None:
        self.kept.append(record)


@pytest.fixture
def records() -> Records:
    return Records()


@pytest.fixture
def pipeline(records: Records) -> Pipeline:
    return build_pipeline(Reader(), records)


def call(name: str, waiting: Waiting | None = None, **arguments: object) -> Call:
    declaration: Any = {tool.name: tool for tool in build_catalogue(waiting).tools}[name]
    return Call("tool", name, arguments, "1", "memory", declaration=declaration, client="test 1")


async def refused(pipeline: Pipeline, what: Call) -> Fault:
    with pytest.raises(Fault) as caught:
        await pipeline.run(what)
    return caught.value


async def test_a_handler_gets_validated_arguments_and_the_principal(pipeline: Pipeline) -> None:
    made = call("list_rows", prefix="a", order="oldest")
    await pipeline.run(made)
    assert made.caller.user == "reader"
    assert made.given == ListArguments.model_validate({"prefix": "a", "order": "oldest"}, strict=False)


async def test_the_audit_names_what_was_given_and_shown_and_holds_none_of_it(
    pipeline: Pipeline, records: Records
) -> None:
    await pipeline.run(call("list_rows", prefix="swordfish", limit=2))
    (record,) = records.kept
    assert (record.user, record.client, record.name, record.decision) == ("reader", "test 1", "list_rows", "allowed")
    assert record.arguments == {"prefix": len('"swordfish"'), "limit": 1}
    assert record.disclosed == ("0", "1")
    assert record.characters > 100
    assert record.duration > 0
    assert "swordfish" not in repr(record)


async def test_what_failed_is_recorded_with_its_code(pipeline: Pipeline, records: Records) -> None:
    await refused(pipeline, call("refuse"))
    await refused(pipeline, call("list_rows", swordfish=1))
    assert [(record.decision, record.error) for record in records.kept] == [
        ("failed", "NOT_FOUND"),
        ("failed", "VALIDATION_ERROR"),
    ]
    assert "swordfish" not in repr(records.kept)


async def test_what_is_not_permitted_is_recorded_as_denied_and_does_not_run(
    pipeline: Pipeline, records: Records
) -> None:
    assert (await refused(pipeline, call("erase"))).code is ErrorCode.FORBIDDEN
    assert records.kept[0].decision == "denied"


async def test_an_unexpected_error_has_one_id_in_answer_audit_and_log(
    pipeline: Pipeline, records: Records, caplog: pytest.LogCaptureFixture
) -> None:
    fault = await refused(pipeline, call("crash", text="x"))
    assert fault.code is ErrorCode.INTERNAL_ERROR
    assert SECRET not in str(fault.as_dict())
    assert records.kept[0].error_id == fault.details["error_id"]
    (logged,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert getattr(logged, "error_id", None) == fault.details["error_id"]
    assert logged.exc_info is not None


async def test_a_cancelled_call_is_recorded(pipeline: Pipeline, records: Records) -> None:
    waiting = Waiting()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(pipeline.run, call("wait", waiting))
        await waiting.started.wait()
        tasks.cancel_scope.cancel()
    assert records.kept[0].decision == "cancelled"


async def test_half_a_surrogate_pair_is_an_invalid_argument(pipeline: Pipeline) -> None:
    assert (await refused(pipeline, call("list_rows", prefix="\ud800"))).code is ErrorCode.VALIDATION_ERROR


async def test_a_stage_slots_in_without_a_tool_knowing(pipeline: Pipeline, records: Records) -> None:
    class RefuseAll:
        async def __call__(self, call: Call, proceed: Proceed) -> Reply:
            raise Fault(ErrorCode.RATE_LIMITED, "Too many calls.", retry_after=3)

    stages: Sequence[Any] = [*pipeline.stages[:3], RefuseAll(), *pipeline.stages[3:]]
    fault = await refused(replace(pipeline, stages=stages), call("list_rows", prefix="a"))
    assert fault.as_dict()["retry_after"] == 3
    assert records.kept[0].decision == "denied"


async def test_the_log_gets_each_record_as_fields(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "mcpkit.security.audit")
    await build_pipeline(LocalUser("me"), LogAudit()).run(call("list_rows", prefix="swordfish"))
    (record,) = [record for record in caplog.records if record.name == "mcpkit.security.audit"]
    assert record.__dict__["audit"]["user"] == "me"
    assert "swordfish" not in str(record.__dict__)
