"""The protocol's two eras on the wire: with a handshake and a session, and with all that is needed in each request."""

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

_CLIENT = {"name": "bench", "version": "1"}
_JSON = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}


class NoSession(Exception):
    """The server did not answer the handshake as it must."""


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
