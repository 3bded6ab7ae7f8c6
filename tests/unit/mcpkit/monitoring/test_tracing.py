import time
from collections.abc import Callable, Iterator

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ParentBased
from opentelemetry.trace import SpanKind, StatusCode, format_span_id, format_trace_id

from contract.catalogue import build_catalogue
from mcpkit.errors import ErrorCode, Fault
from mcpkit.monitoring import tracing as module
from mcpkit.monitoring.tracing import Tracing, exporting, is_wanted, opened
from mcpkit.protocol.calls import Call
from mcpkit.protocol.pipeline import build_pipeline
from mcpkit.security.audit import LogAudit
from mcpkit.security.identity import Principal
from support import planted
from support.collector import running_collector

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
PARENT = f"00-{TRACE}-{SPAN}-01"
Spans = Callable[[], list[ReadableSpan]]


class Reader:
    async def identify(self, call: Call) -> Principal:
        return Principal(user="ana", scopes=frozenset({"read"}))


@pytest.fixture
def traced() -> Iterator[tuple[Tracing, InMemorySpanExporter]]:
    exporter = InMemorySpanExporter()
    with exporting("tester", "1.2.3", exporter) as tracing:
        yield tracing, exporter


def finished(tracing: Tracing, exporter: InMemorySpanExporter) -> dict[str, ReadableSpan]:
    provider = tracing._tracer.span_processor  # type: ignore[attr-defined]  # the SDK's, which sends in batches
    provider.force_flush()
    return {span.name: span for span in exporter.get_finished_spans()}


async def called(tracing: Tracing, name: str, headers: dict[str, str], trace: dict[str, str], **given: object) -> None:
    tools = {tool.name: tool for tool in build_catalogue().tools}
    pipeline = build_pipeline(Reader(), LogAudit(), tracing=tracing)
    await pipeline.run(
        Call("tool", name, given, "7", "http", "2026-07-28", headers=headers, declaration=tools.get(name), trace=trace)
    )


async def test_a_call_is_a_span_and_each_stage_one_inside(traced: tuple[Tracing, InMemorySpanExporter]) -> None:
    await called(traced[0], "list_rows", {}, {}, prefix="a")
    found = finished(*traced)
    assert list(reversed(found)) == [
        *("tools/call list_rows", "Measure", "Audit", "Identify", "ContainErrors", "Authorise", "Permit"),
        *("Validate", "Shape", "Run"),
    ]
    call, run = found["tools/call list_rows"], found["Run"]
    assert call.kind is SpanKind.SERVER
    assert call.parent is None
    assert dict(call.attributes or {}) == {
        "mcp.method.name": "tools/call",
        "mcp.protocol.version": "2026-07-28",
        "network.transport": "tcp",
        "jsonrpc.request.id": "7",
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "list_rows",
        "mcpkit.answer.characters": (call.attributes or {})["mcpkit.answer.characters"],
    }
    assert run.parent == found["Shape"].context
    assert call.resource.attributes["service.name"] == "tester"
    assert call.resource.attributes["service.version"] == "1.2.3"


@pytest.mark.parametrize(
    ("headers", "trace"),
    [
        ({"traceparent": PARENT}, {}),
        ({}, {"traceparent": PARENT}),
        ({"traceparent": f"00-{'1' * 32}-{'2' * 16}-01"}, {"traceparent": PARENT}),
    ],
)
async def test_a_trace_that_the_caller_began_is_gone_on_with(
    traced: tuple[Tracing, InMemorySpanExporter], headers: dict[str, str], trace: dict[str, str]
) -> None:
    await called(traced[0], "list_rows", headers, trace, prefix="a")
    parent = finished(*traced)["tools/call list_rows"].parent
    assert parent is not None
    assert (format_trace_id(parent.trace_id), format_span_id(parent.span_id)) == (TRACE, SPAN)


@pytest.mark.parametrize("given", ["", "nonsense", f"00-{'0' * 32}-{SPAN}-01", "ff" * 500])
async def test_what_is_no_trace_is_passed_over(traced: tuple[Tracing, InMemorySpanExporter], given: str) -> None:
    await called(traced[0], "list_rows", {"traceparent": given}, {}, prefix="a")
    assert finished(*traced)["tools/call list_rows"].parent is None


async def test_a_fault_is_told_by_its_code_and_nothing_of_what_was_asked(
    traced: tuple[Tracing, InMemorySpanExporter],
) -> None:
    with pytest.raises(Fault):
        await called(traced[0], "refuse", {}, {}, text=planted.MAIL_TEXT)
    with pytest.raises(Fault):
        await called(traced[0], planted.PASSWORD, {}, {})
    found = finished(*traced)
    call = found["tools/call refuse"]
    assert (call.status.status_code, (call.attributes or {})["error.type"]) == (StatusCode.ERROR, "VALIDATION_ERROR")
    assert (found["tools/call (unknown)"].attributes or {})["error.type"] == "FORBIDDEN"
    said = "".join(span.to_json() for span in traced[1].get_finished_spans())
    assert planted.MAIL_TEXT not in said
    assert planted.PASSWORD not in said
    assert not any(span.events for span in traced[1].get_finished_spans())


async def test_a_share_is_traced_and_the_caller_decides_for_its_own() -> None:
    exporter = InMemorySpanExporter()
    with exporting("tester", "1", exporter, ParentBased(ALWAYS_OFF)) as tracing:
        await called(tracing, "list_rows", {}, {}, prefix="a")
        assert not finished(tracing, exporter)
        await called(tracing, "list_rows", {"traceparent": PARENT}, {}, prefix="a")
        assert "tools/call list_rows" in finished(tracing, exporter)


def test_it_is_wanted_where_an_endpoint_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_SDK_DISABLED", "OTEL_TRACES_EXPORTER"):
        monkeypatch.delenv(name, raising=False)
    assert not is_wanted(None)
    assert is_wanted("http://127.0.0.1:4318")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318")
    assert is_wanted(None)
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    assert not is_wanted("http://127.0.0.1:4318")


def test_what_is_not_installed_is_said_with_what_helps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(Fault, match=r"mailquery\[tracing\]") as caught, opened("mailquery", "1", endpoint="http://a"):
        raise AssertionError("it was opened")
    assert caught.value.code is ErrorCode.CONFIGURATION


def test_the_end_sends_what_is_left_and_waits_for_no_collector_that_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    with running_collector() as collector:
        with opened("tester", "1", endpoint=collector.url) as tracing, tracing.span("last"):
            pass
        assert [span.name for span in collector.spans] == ["last"]
        away = collector.url
    monkeypatch.setattr(module, "_LAST_SECONDS", 0.2)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "0.5")
    began = time.monotonic()
    with opened("tester", "1", endpoint=away) as tracing, tracing.span("lost"):
        pass
    assert time.monotonic() - began < 2
