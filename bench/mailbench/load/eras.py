"""The protocol's two eras on the wire: with a handshake and a session, and with all that is needed in each request."""

import http.client
import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from functools import partial
from urllib.parse import urlsplit

from mailbench.load.calls import ToolCall
from mcpkit.transport.http.sessions import owner_of

_CLIENT = {"name": "bench", "version": "1"}
_AT_ONCE = 8  # connections that calls are made on before they are measured
_TRIES = 20  # connections for each worker, until one of them is its
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
        """As many clients' sessions, begun, and shared out among workers as clients' connections are. Raises
        `NoSession`."""
        if not self.has_sessions:
            return []
        with ExitStack() as kept_open:  # so that the next connection is for a worker that has fewer
            connections = [kept_open.enter_context(closing(_connection(url))) for _ in range(count)]
            return [_begun(connection, url, self.version) for connection in connections]


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


def ask_once(url: str, era: Era, calls: Sequence[ToolCall], workers: int = 1) -> None:
    """Has each worker make each of the calls once, some at a time, so that all of them have answered all calls before.
    Raises `NoAnswer`, `NoSession`."""
    # Any worker may answer a request, but for one of a session. Answers are remembered alike in both eras.
    asking = [partial(_ask, url, era, None, calls)]
    if workers > 1:
        asking = [partial(_ask, url, HANDSHAKE, session, calls) for session in session_of_each(url, workers)]
    for ask in asking:
        with ThreadPoolExecutor(_AT_ONCE) as threads:
            for _ in threads.map(ask, range(_AT_ONCE)):
                pass


def session_of_each(url: str, workers: int) -> list[str]:
    """A session in each of the workers, in their order. Raises `NoSession`."""
    found: dict[int, str] = {}
    with ExitStack() as kept_open:  # so that the next connection is for a worker that has fewer
        for _ in range(_TRIES * workers):
            connection = kept_open.enter_context(closing(_connection(url)))
            session = _begun(connection, url, HANDSHAKE.version)
            found.setdefault(owner_of(session, workers), session)
            if len(found) == workers:
                return [found[number] for number in range(workers)]
    raise NoSession(f"{url} has not {workers} workers that begin sessions")


def _ask(url: str, era: Era, session: str | None, calls: Sequence[ToolCall], first: int) -> None:
    """Every so manieth call, from the first on."""
    headers = dict(era.headers)
    if session is not None:
        headers["Mcp-Session-Id"] = session
    elif era.has_sessions:
        headers["Mcp-Session-Id"] = _session(url, era.version)
    with closing(_connection(url)) as connection:
        for number in range(first, len(calls), _AT_ONCE):
            call = calls[number]
            params = {"name": call.tool, "arguments": call.arguments, **era.params}
            body = json.dumps({"jsonrpc": "2.0", "id": number + 1, "method": "tools/call", "params": params})
            connection.request("POST", urlsplit(url).path, body, {**headers, "Mcp-Name": call.tool})
            answer = connection.getresponse()
            told = answer.read()
            if answer.status >= 300 or b'"isError":true' in told:
                raise NoAnswer(f"{call.key}: {answer.status}: {told[:300].decode(errors='replace')}")


def _connection(url: str) -> http.client.HTTPConnection:
    place = urlsplit(url)
    return http.client.HTTPConnection(place.hostname or "", place.port, timeout=60)


def _session(url: str, version: str) -> str:
    with closing(_connection(url)) as connection:
        return _begun(connection, url, version)


def _begun(connection: http.client.HTTPConnection, url: str, version: str) -> str:
    """A session that was begun on this connection."""
    path = urlsplit(url).path
    hello = {"protocolVersion": version, "capabilities": {}, "clientInfo": _CLIENT}
    session = _post(connection, path, {}, {"id": 0, "method": "initialize", "params": hello})
    if session is None:
        raise NoSession(f"{url} gave no session to `initialize`")
    told = {"Mcp-Session-Id": session, "MCP-Protocol-Version": version}
    _post(connection, path, told, {"method": "notifications/initialized"})
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
