"""A logged-in connection to an IMAP server, for the loop: what blocks is done in a thread of its own."""

import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import TypeVar

from anyio import CancelScope, CapacityLimiter, to_thread

from mailquery.domain.uids import UidSet
from mailquery.sources.imap.faults import broken_off
from mailquery.sources.imap.limits import Limits
from mailquery.sources.imap.reading import Reader
from mailquery.sources.imap.session import Session
from mailquery.sources.imap.text_parts import fetch_text
from mailquery.sources.remote import FlagChange, MailboxState, Reason, RemoteMailbox, RemoteMessage
from mcpkit.errors import ErrorCode, Fault

T = TypeVar("T")

_GOODBYE = 2.0  # seconds

# After these the conversation goes on: the server has answered.
_ANSWERED = frozenset({Reason.REFUSED.value, Reason.BUSY.value})


class ImapConnection:
    """Implements `sources.remote.MailConnection`. A cancelled call ends the connection at once: what the server would
    still have said is of no use to the next."""

    def __init__(self, session: Session, reader: Reader, limits: Limits) -> None:
        self._session = session
        self._reader = reader
        self._limits = limits
        self._limiter = CapacityLimiter(1)
        self._lock = threading.Lock()
        self._is_busy = False
        self._closed = threading.Event()

    @property
    def counts_changes(self) -> bool:
        return self._reader.counts_changes

    @property
    def has_labels(self) -> bool:
        return self._reader.has_labels

    async def mailboxes(self) -> Sequence[RemoteMailbox]:
        return await self._run(self._reader.mailboxes)

    async def states(self, keys: Sequence[str]) -> Mapping[str, MailboxState]:
        return await self._run(lambda: self._reader.states(keys))

    async def open(self, key: str) -> MailboxState:
        return await self._run(lambda: self._reader.open(key))

    async def uids(self) -> UidSet:
        return await self._run(self._reader.uids)

    async def describe(self, uids: UidSet) -> Sequence[RemoteMessage]:
        return await self._run(lambda: self._reader.describe(uids))

    async def fetch(self, uids: UidSet) -> Mapping[int, bytes]:
        return await self._run(lambda: self._reader.fetch(uids))

    async def fetch_text(self, uid: int) -> bytes | None:
        return await self._run(lambda: fetch_text(self._reader, uid, self._limits.text))

    async def flags(self, uids: UidSet) -> Sequence[FlagChange]:
        return await self._run(lambda: self._reader.flags(uids))

    async def changed_since(self, modseq: int) -> Sequence[FlagChange]:
        return await self._run(lambda: self._reader.changed_since(modseq))

    async def wait(self, seconds: float) -> bool:
        return await self._run(lambda: self._reader.wait(seconds))

    async def close(self) -> None:
        if self._closed.is_set():
            return
        if self._is_busy:
            self._end()
            return
        with CancelScope(shield=True), suppress(Fault):
            await self._run(lambda: self._session.goodbye(_GOODBYE))
        self._end()

    async def _run(self, work: Callable[[], T]) -> T:
        try:
            return await to_thread.run_sync(self._guarded, work, abandon_on_cancel=True, limiter=self._limiter)
        except Fault as fault:
            if fault.code is not ErrorCode.NOT_FOUND and fault.details.get("reason") not in _ANSWERED:
                self._end()
            raise
        except BaseException:
            self._end()
            raise

    def _guarded(self, work: Callable[[], T]) -> T:
        """In the thread."""
        with self._lock:
            if self._closed.is_set():
                raise broken_off()
            self._is_busy = True
        try:
            return work()
        finally:
            with self._lock:
                self._is_busy = False
                if self._closed.is_set():
                    self._session.wire.shutdown()

    def _end(self) -> None:
        """A thread that still waits for the server wakes up, with an error that nobody hears, and closes it."""
        with self._lock:
            self._closed.set()
            if self._is_busy:
                self._session.wire.break_off()
            else:
                self._session.wire.shutdown()
