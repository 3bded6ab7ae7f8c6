"""Sessions of the protocol's handshake era where there are several workers: one lives in the memory of a worker, and
its id says in which."""

import re
from collections.abc import Iterable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mcpkit.transport.closing import refusal

_HEADER = b"mcp-session-id"
_IN_HEAD = re.compile(rb"\r\nmcp-session-id:[ \t]*(\d{1,4})\.", re.IGNORECASE)
_NAMED = re.compile(rb"(\d{1,4})\.([\x21-\x7e]+)")


def worker_of(head: bytes | bytearray) -> int | None:
    """The worker whose session a request is of, by its head as it came; None where it is of none."""
    found = _IN_HEAD.search(head)
    return int(found[1]) if found else None


class NameSessions:
    """Puts the number of this worker into the ids of its sessions, and takes it out of them again. A request of
    another's session that did not get there is refused, and may be sent again."""

    def __init__(self, app: ASGIApp, number: int) -> None:
        self._app = app
        self._number = number
        self._prefix = b"%d." % number

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = []
        for name, value in scope["headers"]:
            if name == _HEADER and (named := _NAMED.fullmatch(value)):
                if int(named[1]) != self._number and not scope.get("state", {}).get(OWNER_IS_GONE):
                    await refusal("The worker process that has this session cannot be reached now.")(
                        scope, receive, send
                    )
                    return
                value = named[2]
            headers.append((name, value))

        async def named_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": list(self._named(message.get("headers", ())))}
            await send(message)

        await self._app({**scope, "headers": headers}, receive, named_send)

    def _named(self, headers: Iterable[tuple[bytes, bytes]]) -> Iterable[tuple[bytes, bytes]]:
        for name, value in headers:
            yield (name, self._prefix + value) if name.lower() == _HEADER else (name, value)


OWNER_IS_GONE = "owner_is_gone"
