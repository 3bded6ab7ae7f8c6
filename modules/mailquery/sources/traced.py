"""A mail server whose connections and commands are spans of a trace. Nothing of the mail is in them: what was done,
with which host, and how long it took."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TypeVar

from mailquery.domain.uids import UidSet
from mailquery.sources.remote import FlagChange, MailboxState, MailConnection, MailServer, RemoteMailbox, RemoteMessage

T = TypeVar("T")

Spans = Callable[[str, Mapping[str, str]], AbstractContextManager[object]]
"""Gives the span of a name, with attributes."""


class TracedServer:
    """`MailServer`. `host` is the server's."""

    def __init__(self, server: MailServer, host: str, spans: Spans) -> None:
        self._server = server
        self._spans = spans
        self._about = {"server.address": host}

    @property
    def bytes_received(self) -> int:
        return self._server.bytes_received

    async def connect(self) -> MailConnection:
        with self._spans("mail server connect", self._about):
            return _TracedConnection(await self._server.connect(), self._about, self._spans)


class _TracedConnection:
    """`MailConnection`. Waiting for news is no span: it lasts for as long as there are none."""

    def __init__(self, connection: MailConnection, about: Mapping[str, str], spans: Spans) -> None:
        self._connection = connection
        self._about = about
        self._spans = spans

    @property
    def counts_changes(self) -> bool:
        return self._connection.counts_changes

    @property
    def has_labels(self) -> bool:
        return self._connection.has_labels

    async def mailboxes(self) -> Sequence[RemoteMailbox]:
        return await self._in("mailboxes", self._connection.mailboxes())

    async def states(self, keys: Sequence[str]) -> Mapping[str, MailboxState]:
        return await self._in("states", self._connection.states(keys))

    async def open(self, key: str) -> MailboxState:
        return await self._in("open", self._connection.open(key))

    async def uids(self) -> UidSet:
        return await self._in("uids", self._connection.uids())

    async def describe(self, uids: UidSet) -> Sequence[RemoteMessage]:
        return await self._in("describe", self._connection.describe(uids))

    async def fetch(self, uids: UidSet) -> Mapping[int, bytes]:
        return await self._in("fetch", self._connection.fetch(uids))

    async def fetch_text(self, uid: int) -> bytes | None:
        return await self._in("fetch text", self._connection.fetch_text(uid))

    async def flags(self, uids: UidSet) -> Sequence[FlagChange]:
        return await self._in("flags", self._connection.flags(uids))

    async def changed_since(self, modseq: int) -> Sequence[FlagChange]:
        return await self._in("changes", self._connection.changed_since(modseq))

    async def wait(self, seconds: float) -> bool:
        return await self._connection.wait(seconds)

    async def close(self) -> None:
        await self._connection.close()

    async def _in(self, name: str, work: Awaitable[T]) -> T:
        with self._spans(f"mail server {name}", self._about):
            return await work
