"""Every request over HTTP has an id: in the log, and in the answer, so that whoever asks about one can name it."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mcpkit.logs import during, new_request_id
from mcpkit.protocol.requests import REQUEST_ID_KEY


class RequestIds:
    """Answers with `X-Request-ID`. An id that a client sends is not taken over: the log is the server's."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = scope[REQUEST_ID_KEY] = new_request_id()
        field = (b"x-request-id", request_id.encode())

        async def named(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", ()), field]}
            await send(message)

        with during({"request_id": request_id}):
            await self._app(scope, receive, named)
