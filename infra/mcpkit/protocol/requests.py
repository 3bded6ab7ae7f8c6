"""From the SDK's request context to a `Call`."""

from collections.abc import Mapping
from contextvars import ContextVar
from functools import lru_cache
from typing import Any

from mcp.server.context import ServerRequestContext
from mcp_types import Implementation, InputResponseRequestParams
from starlette.requests import Request

from mcpkit.protocol.asking import asking_of
from mcpkit.protocol.calls import Asking, Call, always_admitted
from mcpkit.protocol.declarations import Declaration, Tool
from mcpkit.security.untrusted import clean_line

stream_transport: ContextVar[str] = ContextVar("stream_transport", default="memory")
"""The name of the transport that serves a pair of streams; an HTTP request tells by itself."""

PRINCIPAL_KEY = "mcpkit.principal"
"""In the scope of an HTTP request: whom its credential stands for, where the transport asks for one."""

ADMITTED_KEY = "mcpkit.still_admitted"
"""Beside it: tells whether that credential is good still."""

RESUMED_KEY = "mcpkit.resumed"
"""Of a subscription that is made anew for a session that another process began."""

REQUEST_ID_KEY = "mcpkit.request_id"
"""In the scope of an HTTP request: by what the log names it."""

EXPLAIN = "explain"  # in the `_meta` of a request

_LONGEST_CLIENT = 100  # characters of a client's own name and version
_READ_OF_CLIENT = 1000  # characters of each of them that are looked at


def call_from(
    context: ServerRequestContext,
    kind: str,
    name: str,
    arguments: Mapping[str, object] | None = None,
    declaration: Declaration | None = None,
    params: InputResponseRequestParams | None = None,
) -> Call:
    """`params` are those of a request that may ask something back."""
    request = context.request
    return Call(
        kind=kind,
        name=name,
        arguments=arguments or {},
        request_id=str(context.request_id),
        transport=stream_transport.get() if request is None else "http",
        protocol_version=context.protocol_version,
        client=_client(context),
        headers={} if request is None else request.headers,
        scheme="http" if request is None else str(request.scope.get("scheme", "http")),
        authenticated=None if request is None else request.scope.get(PRINCIPAL_KEY),
        still_admitted=always_admitted if request is None else request.scope.get(ADMITTED_KEY, always_admitted),
        report=context.session.report_progress,
        asking=asking_of(context, params),
        explains=bool(context.meta and context.meta.get(EXPLAIN) is True),
        declaration=declaration,
        trace=_trace(context.meta),
        id="" if request is None else request.scope.get(REQUEST_ID_KEY, ""),
    )


def http_call(
    request: Request,
    tool: Tool[Any, Any],
    arguments: Mapping[str, object],
    *,
    request_id: str | int,
    protocol_version: str,
    client: str,
    asking: Asking,
    meta: Mapping[str, Any],
) -> Call:
    """A call of a tool whose request the transport has read by itself, and which nobody is told the progress of."""
    scope = request.scope
    return Call(
        kind="tool",
        name=tool.name,
        arguments=arguments,
        request_id=str(request_id),
        transport="http",
        protocol_version=protocol_version,
        client=client,
        headers=request.headers,
        scheme=str(scope.get("scheme", "http")),
        authenticated=scope.get(PRINCIPAL_KEY),
        still_admitted=scope.get(ADMITTED_KEY, always_admitted),
        asking=asking,
        explains=meta.get(EXPLAIN) is True,
        declaration=tool,
        trace=_trace(meta),
        id=scope.get(REQUEST_ID_KEY, ""),
    )


def _trace(meta: Mapping[str, Any] | None) -> Mapping[str, str]:
    if not meta or "traceparent" not in meta:
        return {}
    return {name: meta[name] for name in ("traceparent", "tracestate") if isinstance(meta.get(name), str)}


def _client(context: ServerRequestContext) -> str:
    client = context.session.client_params
    return "" if client is None or client.client_info is None else client_name(client.client_info)


def client_name(info: Implementation) -> str:
    """What a client calls itself, on one line."""
    return _clean_client(info.name[:_READ_OF_CLIENT], info.version[:_READ_OF_CLIENT])


@lru_cache(maxsize=1024)
def _clean_client(name: str, version: str) -> str:
    """The same clients call again and again."""
    return clean_line(f"{name} {version}", _LONGEST_CLIENT)
