"""One connection: what is sent on it, and what comes back until it is known what became of it."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field

import h11

from mailbench.fuzzing.http_requests import HttpCase

PATIENCE = 20.0  # seconds until an answer; the server waits 15 for a head and 2 for a body
_SILENCE = 0.25  # seconds after which nothing more is expected of a request that was never whole


@dataclass
class Answer:
    status: int
    content_type: str
    body: bytes
    session: bytes | None = None


@dataclass
class Exchange:
    answers: list[Answer] = field(default_factory=list)
    received: bytes = b""
    is_closed: bool = False
    is_hanging: bool = False
    is_garbled: bool = False


async def exchange_with(port: int, case: HttpCase, sent: bytes, *, ends: bool) -> Exchange:
    """Sends, and reads until what must come has come. A request that is not whole is followed by the end of the
    client's side, once nothing more comes, unless `ends` is false. Raises OSError."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    exchange = Exchange()
    try:
        async with asyncio.timeout(PATIENCE):
            with suppress(ConnectionError):  # refused before all was sent
                writer.write(sent)
                await writer.drain()
            await _read(reader, writer, case, exchange, ends=ends)
    except TimeoutError:
        exchange.is_hanging = True
    finally:
        writer.close()
        with suppress(ConnectionError, TimeoutError):
            await asyncio.wait_for(writer.wait_closed(), 1)
    return exchange


async def _read(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, case: HttpCase, exchange: Exchange, *, ends: bool
) -> None:
    parser = _Parser(case.method)
    has_ended = False
    while not exchange.is_closed:
        may_fall_silent = (not case.is_whole and ends and not has_ended) or (case.method == b"GET" and parser.is_stream)
        try:
            chunk = await asyncio.wait_for(reader.read(65_536), _SILENCE if may_fall_silent else None)
        except TimeoutError:
            if parser.is_stream and case.is_whole:  # which stays open
                exchange.answers.append(parser.so_far())
                return
            has_ended = True
            with suppress(OSError):
                writer.write_eof()
            continue
        except ConnectionError:
            chunk = b""
        exchange.received += chunk
        exchange.is_closed = not chunk
        try:
            exchange.answers += parser.feed(chunk)
        except h11.RemoteProtocolError:
            # A stream ends with its session, which another request may end.
            exchange.is_garbled = bool(exchange.received) and case.is_whole and not parser.is_stream
            exchange.is_closed = True
        if case.is_whole and exchange.answers:
            return


class _Parser:
    """Answers to one request, or to several that were sent together."""

    def __init__(self, method: bytes) -> None:
        self._method = method if method.isalpha() else b"POST"
        self._connection = self._expecting()
        self._answer: Answer | None = None

    @property
    def is_stream(self) -> bool:
        return self._answer is not None and self._answer.content_type.startswith("text/event-stream")

    def so_far(self) -> Answer:
        assert self._answer is not None
        return self._answer

    def feed(self, chunk: bytes) -> list[Answer]:
        """Those that are complete now. Raises h11.RemoteProtocolError."""
        self._connection.receive_data(chunk)
        complete: list[Answer] = []
        while True:
            event = self._connection.next_event()
            if isinstance(event, h11.Response):
                fields = dict(event.headers)
                kind = fields.get(b"content-type", b"").decode("latin-1")
                self._answer = Answer(event.status_code, kind, b"", fields.get(b"mcp-session-id"))
            elif isinstance(event, h11.Data) and self._answer is not None:
                self._answer.body += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage) and self._answer is not None:
                complete.append(self._answer)
                self._answer = None
                rest, _ = self._connection.trailing_data
                self._connection = self._expecting()
                if rest:
                    self._connection.receive_data(rest)
            elif not isinstance(event, h11.InformationalResponse):
                return complete

    def _expecting(self) -> h11.Connection:
        connection = h11.Connection(h11.CLIENT)
        connection.send(h11.Request(method=self._method, target="/", headers=[("Host", "x"), ("Content-Length", "0")]))
        connection.send(h11.EndOfMessage())
        return connection
