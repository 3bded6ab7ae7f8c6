"""Connections that are held to a size and a pace: neither an endless head nor a client that never reads keeps one."""

import asyncio
import socket
import struct
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_FIELDS = 100  # header fields of a request
HEAD_BYTES = 64 * 1024  # of a request's line and header fields
HEAD_SECONDS = 15.0  # until the head of a request is there, from its first byte, or from the connection's beginning
UNREAD_SECONDS = 60.0  # for which a client may leave what was sent unread


class LimitedHttpProtocol(HttpToolsProtocol):
    """uvicorn's protocol on httptools, which by itself bounds neither the fields of a head (431, RFC 6585, section 5)
    nor the time it takes (408, RFC 9110, section 15.5.9)."""

    head_seconds = HEAD_SECONDS
    unread_seconds = UNREAD_SECONDS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._in_head = True
        self._head_ended = False  # in the chunk that is being taken
        self._head_bytes = 0
        self._is_too_large = False
        self._head_timer: asyncio.TimerHandle | None = None
        self._unread_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        for timer in (self._head_timer, self._unread_timer):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
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
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._in_head = True

    def send_400_response(self, msg: str) -> None:
        if self._is_too_large:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        else:
            super().send_400_response(msg)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._unread_timer = self.loop.call_later(self.unread_seconds, self._cut_off)

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

    def _expect_head(self) -> None:
        self._head_timer = self.loop.call_later(self.head_seconds, self._refuse, HTTPStatus.REQUEST_TIMEOUT)

    def _refuse(self, status: HTTPStatus) -> None:
        if self.transport.is_closing():
            return
        text = status.phrase.encode()
        head = f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: text/plain\r\nContent-Length: {len(text)}\r\n"
        self.transport.write(head.encode() + b"Connection: close\r\n\r\n" + text)
        self.transport.close()
