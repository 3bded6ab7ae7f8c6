"""The STDIO transport: one JSON-RPC message per line, on descriptors that nothing else writes to.

The SDK's own gives no answer to a line that is no message and has no limit for one, so the streams that the SDK's
server reads and writes are made here.
"""

import logging
import signal
from typing import Any

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.server.lowlevel import Server
from mcp.shared.message import SessionMessage
from mcp_types import (
    INVALID_REQUEST,
    PARSE_ERROR,
    ErrorData,
    JSONRPCError,
    JSONRPCMessage,
    JSONRPCNotification,
    JSONRPCRequest,
    JSONRPCResponse,
    RequestId,
    jsonrpc_message_adapter,
)
from pydantic import ValidationError
from pydantic_core import from_json

from mcpkit.errors import ErrorCode, Fault
from mcpkit.protocol.mapping import protocol_error
from mcpkit.protocol.requests import stream_transport
from mcpkit.transport.stdio.descriptors import Wire, take_standard_streams
from mcpkit.transport.stdio.lines import LineWriter, OversizedLine, read_lines

logger = logging.getLogger(__name__)

MAX_LINE_BYTES = 4 * 1024 * 1024
_MOST_UNREAD = 64  # answers that wait for the client to read, beyond which it is not listened to
_MOST_UNANSWERED = 256  # requests at once
_LAST_ANSWERS = 10.0  # seconds for what is still being answered when the input ends
_RETRY_AFTER = 1.0  # seconds

_LASTING = frozenset({"subscriptions/listen"})  # requests that are answered when the client ends them

_Inbound = MemoryObjectSendStream[SessionMessage | Exception]
_Outbound = MemoryObjectReceiveStream[SessionMessage]


async def run_stdio(server: Server[Any], wire: Wire | None = None, *, max_line_bytes: int = MAX_LINE_BYTES) -> None:
    """Serve one client until its input ends, SIGINT, SIGTERM, or nobody reads the answers; then return.

    Programs call `take_standard_streams` first of all and pass what it gives. On POSIX.
    """
    await _Connection(server, wire or take_standard_streams(), max_line_bytes).serve()


class _Connection:
    def __init__(self, server: Server[Any], wire: Wire, max_line_bytes: int) -> None:
        self._server = server
        self._wire = wire
        self._max_line_bytes = max_line_bytes
        self._writer = LineWriter(wire.output)
        self._unanswered: set[RequestId] = set()
        self._all_answered = anyio.Event()
        self._written = anyio.Event()
        self._tasks = anyio.create_task_group()

    async def serve(self) -> None:
        to_server, inbound = anyio.create_memory_object_stream[SessionMessage | Exception](0)
        outbound, from_server = anyio.create_memory_object_stream[SessionMessage](0)
        stream_transport.set("stdio")
        async with self._tasks as tasks:
            tasks.start_soon(self._stop_on_signal)
            tasks.start_soon(self._write, from_server)
            tasks.start_soon(self._read, to_server, from_server)
            await self._server.run(inbound, outbound, self._server.create_initialization_options())
            tasks.cancel_scope.cancel()

    async def _stop_on_signal(self) -> None:
        with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
            async for number in signals:
                logger.info("stopping on %s", signal.Signals(number).name)
                self._tasks.cancel_scope.cancel()

    async def _read(self, to_server: _Inbound, from_server: _Outbound) -> None:
        async with to_server:
            async for line in read_lines(self._wire.input, self._max_line_bytes):
                # A client that does not read would have its answers kept here, as many as it asks for.
                while from_server.statistics().tasks_waiting_send > _MOST_UNREAD:
                    await self._written.wait()
                if isinstance(line, OversizedLine):
                    await self._refuse(INVALID_REQUEST, f"A message may have {self._max_line_bytes} bytes at most.")
                elif line.strip():
                    await self._receive(line, to_server)
            # The input's end cancels what is running, so what was asked is answered first: `echo ... | server` works.
            if self._unanswered:
                with anyio.move_on_after(_LAST_ANSWERS):
                    await self._all_answered.wait()

    async def _receive(self, line: bytes, to_server: _Inbound) -> None:
        try:
            decoded = from_json(line, allow_inf_nan=False)
        except ValueError:
            await self._refuse(PARSE_ERROR, "Parse error: the line is not JSON.")
            return
        try:
            message = jsonrpc_message_adapter.validate_python(decoded, by_name=False)
        except ValidationError:
            await self._refuse(INVALID_REQUEST, "A line must be a single JSON-RPC 2.0 message.", _id_of(decoded))
            return
        if isinstance(message, JSONRPCRequest) and len(self._unanswered) >= _MOST_UNANSWERED:
            fault = Fault(
                ErrorCode.RATE_LIMITED,
                f"More than {_MOST_UNANSWERED:,} requests at once. Wait for answers, and then go on.",
                retry_after=_RETRY_AFTER,
            )
            await self._send(JSONRPCError(jsonrpc="2.0", id=message.id, error=protocol_error(fault).error))
            return
        self._expect_answer(message)
        await to_server.send(SessionMessage(message))

    def _expect_answer(self, message: JSONRPCMessage) -> None:
        if isinstance(message, JSONRPCRequest) and message.method not in _LASTING:
            self._unanswered.add(message.id)
            if self._all_answered.is_set():
                self._all_answered = anyio.Event()
        elif isinstance(message, JSONRPCNotification) and message.method == "notifications/cancelled":
            named = (message.params or {}).get("requestId")
            self._settle(named if isinstance(named, str | int) else None)

    def _settle(self, request_id: RequestId | None) -> None:
        if request_id is not None:
            self._unanswered.discard(request_id)
        if not self._unanswered:
            self._all_answered.set()

    async def _write(self, from_server: _Outbound) -> None:
        async with from_server:
            async for item in from_server:
                await self._send(item.message)

    async def _send(self, message: JSONRPCMessage) -> None:
        try:
            await self._writer.write(message.model_dump_json(by_alias=True, exclude_unset=True).encode())
            self._written.set()
            self._written = anyio.Event()
        except BrokenPipeError:
            logger.info("stopping: nobody reads the answers")
            self._tasks.cancel_scope.cancel()
            return
        if isinstance(message, JSONRPCResponse | JSONRPCError):
            self._settle(message.id)

    async def _refuse(self, code: int, message: str, request_id: RequestId | None = None) -> None:
        await self._send(JSONRPCError(jsonrpc="2.0", id=request_id, error=ErrorData(code=code, message=message)))


def _id_of(decoded: object) -> RequestId | None:
    """The id of a request that is otherwise malformed, so that its sender can tell which it was."""
    if isinstance(decoded, dict):
        request_id = decoded.get("id")
        if isinstance(request_id, str | int) and not isinstance(request_id, bool):
            return request_id
    return None
