"""Sessions of the protocol's handshake era, which the SDK keeps in the memory of one process.

Where there are several workers, the id of a session says which of them has it. What began a session is stored, and a
process that is asked for one that it does not have begins it anew under its old id: so it outlives a worker that was
killed, and a server that was restarted behind its clients. Requests that were under way then are lost.
"""

import asyncio
import hashlib
import json
import logging
import re
import time
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from http import HTTPStatus

from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser, authorization_context
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mcpkit.beside import beside
from mcpkit.errors import Fault
from mcpkit.protocol.requests import RESUMED_KEY
from mcpkit.security.session_store import LARGEST_HANDSHAKE, SessionStore
from mcpkit.transport.http.closing import refusal

logger = logging.getLogger(__name__)

OWNER_IS_GONE = "owner_is_gone"
"""In the state of a request: the worker that has its session cannot be reached."""

_HEADER = b"mcp-session-id"
_VERSION = b"mcp-protocol-version"
_HANDSHAKE_VERSIONS = frozenset(version.encode() for version in HANDSHAKE_PROTOCOL_VERSIONS)
_IN_HEAD = re.compile(rb"\r\nmcp-session-id:[ \t]*([\x21-\x7e]+)", re.IGNORECASE)
_VISIBLE = re.compile(rb"[\x21-\x7e]+")
_NUMBERED = re.compile(r"(\d{1,4})\.(.+)")
_KEPT_FIELDS = frozenset({b"host", b"origin"})
_JSON = [(b"content-type", b"application/json"), (b"accept", b"application/json, text/event-stream")]
_INITIALIZED = b'{"jsonrpc":"2.0","method":"notifications/initialized"}'
_MOST_TOUCHED = 10_000
_TOUCH_SECONDS = 60.0


def owner_of(session: str, count: int) -> int:
    """Which of `count` workers has a session, or is to have it where it was begun by another server."""
    numbered = _NUMBERED.fullmatch(session)
    return (int(numbered[1]) if numbered else zlib.crc32(session.encode("latin-1"))) % count


def session_in(head: bytes | bytearray) -> str | None:
    """The session that a request is of, by its head as it came; None where it is of none."""
    found = _IN_HEAD.search(head)
    return found[1].decode("latin-1") if found else None


class Sessions:
    """Around the endpoint. `is_open` tells which sessions the SDK has, by its own ids. Without a `store` they end with
    their process."""

    def __init__(
        self,
        app: ASGIApp,
        is_open: Callable[[str], bool],
        store: SessionStore | None = None,
        *,
        number: int = 0,
        count: int = 1,
    ) -> None:
        self._app = app
        self._is_open = is_open
        self._store = store
        self._number = number
        self._count = count
        self._prefix = f"{number}." if count > 1 else ""
        self._resumed: dict[str, str] = {}
        self._resuming: dict[str, asyncio.Task[str | None]] = {}
        self._untold: dict[str, tuple[str, ...]] = {}  # what resumed sessions watch, until they can be told of it
        self._telling: set[asyncio.Task[None]] = set()
        self._touched: dict[str, float] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        if headers.get(_VERSION, b"2025-03-26") not in _HANDSHAKE_VERSIONS:
            await self._app(scope, receive, send)
        elif _VISIBLE.fullmatch(headers.get(_HEADER, b"")):
            await self._go_on(headers[_HEADER].decode("latin-1"), scope, receive, send)
        else:
            await self._begin(scope, receive, send)

    async def _begin(self, scope: Scope, receive: Receive, send: Send) -> None:
        read = _Read(receive)

        async def named(message: Message) -> None:
            if message["type"] == "http.response.start":
                session = dict(message.get("headers", ())).get(_HEADER)
                if session is not None:
                    name = self._prefix + session.decode("latin-1")
                    if self._store is not None and message["status"] == HTTPStatus.OK and read.body is not None:
                        with _contained():
                            await self._store.add(name, _owner(scope), read.body)
                    message = _renamed(message, name)
            await send(message)

        await self._app(scope, read, named)

    async def _go_on(self, name: str, scope: Scope, receive: Receive, send: Send) -> None:
        if owner_of(name, self._count) != self._number and not scope.get("state", {}).get(OWNER_IS_GONE):
            await refusal("The worker process that has this session cannot be reached now.")(scope, receive, send)
            return
        session = await self._found(name, scope)
        if session is None:
            await refusal("This session cannot be gone on with now.")(scope, receive, send)
            return
        read = _Read(receive)

        async def named(message: Message) -> None:
            if message["type"] != "http.response.start":
                await send(message)
                return
            is_done = message["status"] < HTTPStatus.BAD_REQUEST
            if is_done and self._store is not None:
                with _contained():  # before the client hears of it: it counts on it from then on
                    await self._note(self._store, name, scope["method"], read.body)
            await send(_renamed(message, name))
            if is_done and scope["method"] == "GET":
                self._tell(name, scope)

        async with self._touching(name, session, scope):
            await self._app(_of_session(scope, session), read, named)

    async def _note(self, store: SessionStore, name: str, method: str, body: bytes | None) -> None:
        if method == "DELETE":
            self._resumed.pop(name, None)
            await store.remove(name)
        elif body and b"subscribe" in body:
            message = json.loads(body)
            if message.get("method") in ("resources/subscribe", "resources/unsubscribe"):
                watched = message["method"] == "resources/subscribe"
                await store.watch(name, str(message.get("params", {}).get("uri", "")), watched=watched)

    async def _found(self, name: str, scope: Scope) -> str | None:
        """The SDK's id of the session, whether there is one or not; None where it cannot be resumed now."""
        session = self._resumed.get(name) or name.removeprefix(self._prefix)
        if self._store is None or self._is_open(session):
            return session
        self._resumed.pop(name, None)
        if name not in self._resuming:
            task = asyncio.create_task(self._resume(self._store, name, session, scope))
            self._resuming[name] = task
            task.add_done_callback(lambda _: self._resuming.pop(name, None))
        return await asyncio.shield(self._resuming[name])

    async def _resume(self, store: SessionStore, name: str, gone: str, scope: Scope) -> str | None:
        try:
            kept = await store.get(name, _owner(scope))
        except Fault as fault:
            logger.warning("a session cannot be looked for: %s", fault.told_here)
            return None
        if kept is None:
            return gone
        session = await self._send_again(_of_session(scope, None), kept.handshake)
        if session is None:  # there are too many
            return None
        await self._send_again(_of_session(scope, session), _INITIALIZED)
        self._resumed[name] = session
        with _contained():
            await store.touch(name)
        if kept.watched:
            self._untold[name] = kept.watched
        logger.info("a session goes on that another process began")
        return session

    def _tell(self, name: str, scope: Scope) -> None:
        """What is subscribed to may have changed meanwhile. Before there is a stream, nobody hears of it."""
        session, watched = self._resumed.get(name), self._untold.pop(name, ())
        if session is None or not watched:
            return

        async def subscribe() -> None:
            for number, uri in enumerate(watched):
                request = {"jsonrpc": "2.0", "id": f"resumed-{number}", "method": "resources/subscribe"}
                body = json.dumps({**request, "params": {"uri": uri}}).encode()
                await self._send_again({**_of_session(scope, session), RESUMED_KEY: True}, body)

        task = asyncio.create_task(subscribe())
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)

    async def _send_again(self, scope: Scope, body: bytes) -> str | None:
        """What a client sent once, on behalf of whoever sends `scope`. The session of the answer, if it is one."""
        found: bytes | None = None
        arriving = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive() -> Message:
            if not arriving:
                await asyncio.Event().wait()
            return arriving.pop()

        async def send(message: Message) -> None:
            nonlocal found
            if message["type"] == "http.response.start" and message["status"] == HTTPStatus.OK:
                found = dict(message.get("headers", ())).get(_HEADER)

        kept = [field for field in scope["headers"] if field[0] in _KEPT_FIELDS or field[0] == _HEADER]
        headers = [*kept, *_JSON, (b"content-length", str(len(body)).encode())]
        await self._app({**scope, "method": "POST", "headers": headers}, receive, send)
        return found.decode("latin-1") if found is not None else None

    @asynccontextmanager
    async def _touching(self, name: str, session: str, scope: Scope) -> AsyncIterator[None]:
        """Keeps what is stored of a session while it is used."""
        if self._store is None or not self._is_open(session):
            yield
            return
        store, every = self._store, min(_TOUCH_SECONDS, self._store.lasts / 3)

        async def touch() -> None:
            if len(self._touched) > _MOST_TOUCHED:
                self._touched.clear()
            now = time.monotonic()
            if now - self._touched.setdefault(name, now) >= every:
                self._touched[name] = now
                with _contained():
                    await store.touch(name)

        async def go_on() -> None:
            while True:
                await touch()
                await asyncio.sleep(every)

        if scope["method"] != "GET":
            await touch()
            yield
            return
        async with beside(go_on()):
            yield


class _Read:
    """Keeps the body that is received by way of it."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._chunks = bytearray()
        self._is_whole = False

    async def __call__(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request" and not self._is_whole:
            if len(self._chunks) <= LARGEST_HANDSHAKE:
                self._chunks += message.get("body", b"")
            self._is_whole = not message.get("more_body", False)
        return message

    @property
    def body(self) -> bytes | None:
        """None where it is not whole, or too large to be kept."""
        return bytes(self._chunks) if self._is_whole and len(self._chunks) <= LARGEST_HANDSHAKE else None


def _of_session(scope: Scope, session: str | None) -> Scope:
    others = [field for field in scope["headers"] if field[0] != _HEADER]
    own = [] if session is None else [(_HEADER, session.encode("latin-1"))]
    return {**scope, "headers": [*others, *own]}


def _renamed(answer: Message, name: str) -> Message:
    headers = [
        (field, name.encode("latin-1") if field.lower() == _HEADER else value)
        for field, value in answer.get("headers", ())
    ]
    return {**answer, "headers": headers}


def _owner(scope: Scope) -> str:
    """A digest of whose request it is. To any other, a session does not exist."""
    user = scope.get("user")
    found = sorted(authorization_context(user).items()) if isinstance(user, AuthenticatedUser) else None
    return hashlib.sha256(json.dumps(found).encode()).hexdigest()


@contextmanager
def _contained() -> Iterator[None]:
    """What cannot be stored costs no more than that a session ends with its process."""
    try:
        yield
    except (Fault, ValueError) as error:
        logger.warning("what is known of a session is not stored: %s", error)
