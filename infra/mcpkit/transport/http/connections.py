"""Connections that are held to a number, a size and a pace: neither an endless head, nor a client that never reads, nor
those that ask for nothing keep others out."""

import asyncio
import socket
import struct
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from weakref import WeakKeyDictionary

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

HEAD_FIELDS = 100  # header fields of a request
HEAD_BYTES = 64 * 1024  # of a request's line and header fields
TURNED_AWAY = 256  # connections beyond the number that are told so at a time; of more, they just end
_TELLING_SECONDS = 1.0  # for which one that was told so may stay, to read it
_UNUSED_SECONDS = 1.0  # after which a connection that asks for nothing may be ended for a new one, where room is needed

# Of each server those that have asked for nothing, or for nothing more, longest ago first.
_unused: WeakKeyDictionary[ServerState, dict["LimitedHttpProtocol", float]] = WeakKeyDictionary()
_turned_away: WeakKeyDictionary[ServerState, set["LimitedHttpProtocol"]] = WeakKeyDictionary()


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """`most` are those of one process. `head_seconds` is how long the head of a request may take, from its first byte
    or from the connection's beginning, and `unread_seconds` how long a client may leave what was sent unread."""

    most: int = 1024
    head_seconds: float = 15.0
    unread_seconds: float = 60.0


class LimitedConfig(uvicorn.Config):
    """What uvicorn gives to every protocol that it makes, with the limits."""

    def __init__(self, *args: Any, limits: ConnectionLimits, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.limits = limits


class LimitedHttpProtocol(HttpToolsProtocol):
    """uvicorn's protocol on httptools, which by itself bounds neither the fields of a head (431, RFC 6585, section 5)
    nor the time it takes (408, RFC 9110, section 15.5.9), nor the number of connections that ask for nothing."""

    def __init__(self, config: LimitedConfig, *args: Any, **kwargs: Any) -> None:
        super().__init__(config, *args, **kwargs)
        self._limits = config.limits
        self._in_head = True
        self._head_ended = False  # in the chunk that is being taken
        self._head_bytes = 0
        self._is_too_large = False
        self._head_timer: asyncio.TimerHandle | None = None
        self._unread_timer: asyncio.TimerHandle | None = None
        self._unused = _unused.setdefault(self.server_state, {})
        self._turned_away = _turned_away.setdefault(self.server_state, set())

    @property
    def is_turned_away(self) -> bool:
        return self in self._turned_away

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        self._expect_head()
        if len(self.connections) > self._limits.most and not self._make_room():
            self._turn_away()
        else:
            self._unused[self] = self.loop.time()

    def connection_lost(self, exc: Exception | None) -> None:
        for timer in (self._head_timer, self._unread_timer):
            if timer is not None:
                timer.cancel()
        self._unused.pop(self, None)
        self._turned_away.discard(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.is_turned_away:  # and has asked, so that it reads the answer
            self.transport.close()
            return
        was_in_head, self._head_ended = self._in_head, False
        super().data_received(data)
        # Looked at when the chunk was taken: one in which a head ends may hold a body and further requests.
        if was_in_head and self._in_head and not self._head_ended and not self.transport.is_closing():
            self._head_bytes += len(data)
            if self._head_bytes > HEAD_BYTES:
                self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        if self._head_timer is None:  # of a further request on the connection
            self._expect_head()

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        if len(self.headers) > HEAD_FIELDS:
            self._is_too_large = True
            raise ValueError("too many header fields")  # ends the parsing; the answer is `send_400_response`

    def on_headers_complete(self) -> None:
        self._in_head, self._head_ended = False, True
        self._head_bytes = 0
        self._head_is_there()
        super().on_headers_complete()

    def _head_is_there(self) -> None:
        self._unused.pop(self, None)
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._in_head = True

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.cycle.response_complete and not self.transport.is_closing():
            self._unused[self] = self.loop.time()

    def send_400_response(self, msg: str) -> None:
        if self._is_too_large:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        else:
            super().send_400_response(msg)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._unread_timer = self.loop.call_later(self._limits.unread_seconds, self._cut_off)

    def resume_writing(self) -> None:
        if self._unread_timer is not None:
            self._unread_timer.cancel()
            self._unread_timer = None
        super().resume_writing()

    def _cut_off(self) -> None:
        """Without lingering, or the system would go on to keep what the client does not read."""
        at_once = struct.pack("ii", 1, 0)
        self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)
        self.transport.abort()

    def _make_room(self) -> bool:
        """Ends the connection that has asked for nothing for the longest time, unless that is too short a time."""
        longest = next(iter(self._unused), None)
        if longest is None or self.loop.time() - self._unused[longest] < _UNUSED_SECONDS:
            return False
        del self._unused[longest]
        self.connections.discard(longest)
        longest.transport.abort()
        return True

    def _turn_away(self) -> None:
        self.connections.discard(self)
        if len(self._turned_away) >= TURNED_AWAY:
            self.transport.abort()
            return
        # Ended when it has sent something: a connection that ends with that unread takes the answer with it.
        self._turned_away.add(self)
        self.transport.write(_answer(HTTPStatus.SERVICE_UNAVAILABLE, "Retry-After: 1\r\n"))
        self.loop.call_later(_TELLING_SECONDS, self.transport.close)

    def _expect_head(self) -> None:
        self._head_timer = self.loop.call_later(self._limits.head_seconds, self._refuse, HTTPStatus.REQUEST_TIMEOUT)

    def _refuse(self, status: HTTPStatus) -> None:
        if self.transport.is_closing():
            return
        self.transport.write(_answer(status))
        self.transport.close()


def _answer(status: HTTPStatus, fields: str = "") -> bytes:
    text = status.phrase
    head = f"HTTP/1.1 {status.value} {text}\r\nContent-Type: text/plain\r\nContent-Length: {len(text)}\r\n"
    return f"{head}{fields}Connection: close\r\n\r\n{text}".encode()
