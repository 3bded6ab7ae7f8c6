"""Errors that nobody expected of a request over HTTP tell nothing but where the log has the rest."""

from http import HTTPStatus

from mcp_types import INTERNAL_ERROR
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mcpkit.protocol.mapping import contain


class ContainHttpErrors:
    """Answers 500 with an error id where what it stands around raises, answers 500 itself, or returns without
    an answer. A client that goes away is no error: an unfinished body is forgotten."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        has_begun = is_gone = has_failed = False

        async def watched_receive() -> Message:
            nonlocal is_gone
            message = await receive()
            is_gone = is_gone or message["type"] == "http.disconnect"
            return message

        async def watched_send(message: Message) -> None:
            nonlocal has_begun, has_failed
            if message["type"] == "http.response.start" and message["status"] == HTTPStatus.INTERNAL_SERVER_ERROR:
                has_failed = True
            if not has_failed:
                has_begun = True
                await send(message)

        error: Exception | None = None
        try:
            await self._app(scope, watched_receive, watched_send)
        except ClientDisconnect:
            return
        except Exception as raised:  # noqa: BLE001 - whatever it is, the caller is told its id
            error = raised
        if error is None and has_failed:
            error = RuntimeError("a library answered 500; what it logged stands before this")
        elif error is None and not has_begun and not is_gone:
            error = RuntimeError("a request was left without an answer")
        if error is None:
            return
        fault = contain(error, f"answering {scope['method']} over HTTP")
        if not has_begun:  # else the connection is closed, which is all that can be told
            told = {"code": INTERNAL_ERROR, "message": fault.message, "data": fault.as_dict()}
            answer = JSONResponse({"jsonrpc": "2.0", "id": None, "error": told}, HTTPStatus.INTERNAL_SERVER_ERROR)
            await answer(scope, receive, send)
