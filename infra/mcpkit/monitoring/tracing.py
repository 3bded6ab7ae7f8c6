"""Traces by OpenTelemetry, sent by its protocol over HTTP (OTLP/HTTP) from a thread of its own.

An attribute of a span is a declared name, a code or a number: nothing of what callers ask or of what they get. Of an
error there is its code. Nothing here is imported where traces are not wanted.
"""

import logging
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING

from mcpkit.errors import ErrorCode, Fault

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.sdk.trace.sampling import Sampler
    from opentelemetry.trace import Span, SpanKind, Tracer

logger = logging.getLogger(__name__)

Attributes = Mapping[str, str | int | float | bool]

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_PATH = "/v1/traces"
_LAST_SECONDS = 3.0  # in which what was not sent yet is sent at the end


def is_wanted(endpoint: str | None) -> bool:
    """Whether an endpoint is set, here or by the variables of OpenTelemetry, which can also switch it off."""
    if os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true" or os.environ.get("OTEL_TRACES_EXPORTER") == "none":
        return False
    return bool(endpoint or any(os.environ.get(name) for name in _ENDPOINTS))


class Tracing:
    """Makes spans. What is under way in a task is the parent of what begins in it."""

    def __init__(self, tracer: "Tracer") -> None:
        from opentelemetry.trace import SpanKind, StatusCode, get_current_span
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        self._tracer = tracer
        self._propagator = TraceContextTextMapPropagator()
        self._current = get_current_span
        self._kinds = SpanKind
        self._failed = StatusCode.ERROR

    @contextmanager
    def call(self, name: str, attributes: Attributes, carrier: Mapping[str, str]) -> "Iterator[Span]":
        """Around a request. `carrier` may hold the `traceparent` and `tracestate` (W3C Trace Context) of whoever sent
        it; what is malformed is passed over."""
        with self._span(name, attributes, self._kinds.SERVER, self._parent(carrier)) as span:
            yield span

    @contextmanager
    def span(self, name: str, attributes: Attributes | None = None) -> "Iterator[Span]":
        with self._span(name, attributes, self._kinds.INTERNAL) as span:
            yield span

    @contextmanager
    def client(self, name: str, attributes: Attributes | None = None) -> "Iterator[Span]":
        """Around what another program is asked for."""
        with self._span(name, attributes, self._kinds.CLIENT) as span:
            yield span

    @contextmanager
    def within(self, name: str, attributes: Attributes | None = None) -> "Iterator[Span | None]":
        """As `client`, inside of what is under way, and nothing where nothing is: what a server looks up for itself,
        many times a minute, would be a trace of its own each time."""
        if not self._current().get_span_context().is_valid:
            yield None
            return
        with self.client(name, attributes) as span:
            yield span

    @contextmanager
    def _span(
        self, name: str, attributes: Attributes | None, kind: "SpanKind", parent: "Context | None" = None
    ) -> "Iterator[Span]":
        under_way = self._current()
        if kind is not self._kinds.SERVER and under_way.get_span_context().is_valid and not under_way.is_recording():
            yield under_way  # of a call that is not traced, which would cost nearly as much as one that is
            return
        with self._tracer.start_as_current_span(
            name,
            parent,
            kind,
            attributes,
            record_exception=False,  # its text may hold anything
            set_status_on_exception=False,
        ) as span:
            try:
                yield span
            except Fault as fault:
                span.set_attribute("error.type", fault.code.name)
                span.set_status(self._failed)
                raise
            except BaseException as error:
                span.set_attribute("error.type", type(error).__name__)
                if isinstance(error, Exception):  # a call that is given up is no error
                    span.set_status(self._failed)
                raise

    def _parent(self, carrier: Mapping[str, str]) -> "Context | None":
        if "traceparent" not in carrier:
            return None
        context = self._propagator.extract(carrier)
        return context if self._current(context).get_span_context().is_valid else None


def trace_id(span: "Span") -> str:
    return f"{span.get_span_context().trace_id:032x}"


@contextmanager
def opened(service: str, version: str, *, endpoint: str | None = None, ratio: float | None = None) -> Iterator[Tracing]:
    """Sends traces to `endpoint`, such as http://127.0.0.1:4318; of those that nobody began before, the share `ratio`.
    Where either is None the variables of OpenTelemetry say it, as they do all else. What cannot be sent is dropped.

    Raises:
        Fault: CONFIGURATION: what it takes is not installed.
    """
    if find_spec("opentelemetry.sdk") is None or find_spec("opentelemetry.exporter.otlp.proto.http") is None:
        raise Fault(
            ErrorCode.CONFIGURATION,
            f"Traces are wanted, and what sends them is not installed: pip install '{service}[tracing]'. Without "
            "`tracing.endpoint` and OTEL_EXPORTER_OTLP_ENDPOINT there are none.",
        )
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

    # A collector that is away is told of once a batch, not at each of its tries.
    logging.getLogger("opentelemetry.exporter").setLevel(logging.ERROR)
    exporter = OTLPSpanExporter(endpoint=_traces_url(endpoint) if endpoint else None)
    sampler = None if ratio is None else ParentBased(TraceIdRatioBased(ratio))
    with exporting(service, version, exporter, sampler) as tracing:
        yield tracing


@contextmanager
def exporting(
    service: str, version: str, exporter: "SpanExporter", sampler: "Sampler | None" = None
) -> Iterator[Tracing]:
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    named = "OTEL_SERVICE_NAME" in os.environ or "service.name=" in os.environ.get("OTEL_RESOURCE_ATTRIBUTES", "")
    about = {"service.version": version, **({} if named else {"service.name": service})}
    provider = TracerProvider(sampler, Resource.create(about), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    try:
        yield Tracing(provider.get_tracer(service, version))
    finally:
        # In a thread, since a collector that does not answer would keep the end waiting for longer than this.
        ending = threading.Thread(target=provider.shutdown, name="the last traces", daemon=True)
        ending.start()
        ending.join(_LAST_SECONDS)
        if ending.is_alive():
            logger.warning("the last traces were not sent within %g seconds", _LAST_SECONDS)


def _traces_url(endpoint: str) -> str:
    return endpoint if endpoint.endswith(_PATH) else endpoint.rstrip("/") + _PATH
