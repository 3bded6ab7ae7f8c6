"""The protocol's two eras on the wire: with a handshake and a session, and with all that is needed in each request."""

import http.client
import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from mailbench.load.calls import ToolCall

_CLIENT = {"name": "bench", "version": "1"}
_AT_ONCE = 8  # connections that calls are made on before they are measured
_JSON = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}


class NoSession(Exception):
    """The server did not answer the handshake as it must."""


class NoAnswer(Exception):
    """The server did not answer a call with a result."""


@dataclass(frozen=True, slots=True)
class Era:
    """`params` go into the params of each request, and `headers` with it. With `has_sessions` each client has a session
    of its own."""

    version: str
    has_sessions: bool
    headers: Mapping[str, str]
    params: Mapping[str, object] = field(default_factory=dict)

    def sessions(self, url: str, count: int) -> list[str]:
        """As many clients' sessions, begun. Raises `NoSession`."""
        return [_session(url, self.version) for _ in range(count)] if self.has_sessions else []


HANDSHAKE = Era("2025-11-25", True, {**_JSON, "MCP-Protocol-Version": "2025-11-25"})
MODERN = Era(
    "2026-07-28",
    False,
    {**_JSON, "MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/call"},
    {
        "_meta": {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientInfo": _CLIENT,
            "io.modelcontextprotocol/clientCapabilities": {},
        }
    },
)
ERAS = {era.version: era for era in (MODERN, HANDSHAKE)}


def ask_once(url: str, era: Era, calls: Sequence[ToolCall]) -> None:
    """Makes each of the calls once, some at a time, so that the server has answered all of them before. Raises
    `NoAnswer`."""
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        for _ in threads.map(lambda first: _ask(url, era, calls[first::_AT_ONCE]), range(_AT_ONCE)):
            pass


def _ask(url: str, era: Era, calls: Sequence[ToolCall]) -> None:
    place = urlsplit(url)
    headers = dict(era.headers)
    if era.has_sessions:
        headers["Mcp-Session-Id"] = _session(url, era.version)
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=60)
    try:
        for number, call in enumerate(calls, 1):
            params = {"name": call.tool, "arguments": call.arguments, **era.params}
            body = json.dumps({"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params})
            connection.request("POST", place.path, body, {**headers, "Mcp-Name": call.tool})
            answer = connection.getresponse()
            told = answer.read()
            if answer.status >= 300 or b'"isError":true' in told:
                raise NoAnswer(f"{call.key}: {answer.status}: {told[:300].decode(errors='replace')}")
    finally:
        connection.close()


def _session(url: str, version: str) -> str:
    place = urlsplit(url)
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=30)
    try:
        hello = {"protocolVersion": version, "capabilities": {}, "clientInfo": _CLIENT}
        session = _post(connection, place.path, {}, {"id": 0, "method": "initialize", "params": hello})
        if session is None:
            raise NoSession(f"{url} gave no session to `initialize`")
        told = {"Mcp-Session-Id": session, "MCP-Protocol-Version": version}
        _post(connection, place.path, told, {"method": "notifications/initialized"})
    finally:
        connection.close()
    return session


def _post(
    connection: http.client.HTTPConnection, path: str, headers: Mapping[str, str], message: Mapping[str, object]
) -> str | None:
    connection.request("POST", path, json.dumps({"jsonrpc": "2.0", **message}), {**_JSON, **headers})
    answer = connection.getresponse()
    body = answer.read()
    if answer.status >= 300:
        raise NoSession(f"{answer.status}: {body[:300].decode(errors='replace')}")
    return answer.getheader("Mcp-Session-Id")
