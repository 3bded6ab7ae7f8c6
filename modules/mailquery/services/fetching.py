"""Fetching what was left on the mail server of a message that was too large to be fetched whole."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from mailquery.domain.handles import message_handle
from mailquery.domain.identity import fingerprint, header_mark
from mailquery.domain.mailboxes import Placement
from mailquery.domain.messages import ProblemCode
from mailquery.domain.uids import UidSet
from mailquery.repositories.interfaces import MessageRepository
from mailquery.repositories.prepared import PreparedMessage
from mailquery.repositories.records import StoredMessage, Visibility
from mailquery.repositories.synchronising import PartialRepository, Whereabouts
from mailquery.sources.interfaces import SourceMessage
from mailquery.sources.remote import MailConnection, Reason
from mcpkit.errors import ErrorCode, Fault

LARGEST_FETCHED = 100_000_000  # bytes
SECONDS = 120.0  # for one message altogether

Connect = Callable[[str], Awaitable[MailConnection]]
Fetch = Callable[[Visibility, StoredMessage], Awaitable[None]]
Prepare = Callable[[SourceMessage], Awaitable[PreparedMessage]]


def is_partial(message: StoredMessage) -> bool:
    """Whether only its header and text are stored, and the rest is on its server."""
    return any(problem.code is ProblemCode.NOT_FETCHED for problem in message.problems)


async def prepare_apart(message: SourceMessage) -> PreparedMessage:
    """In a process of its own, which a hostile message may kill."""
    # Imported here: a server over STDIO is started for every conversation, and rarely fetches.
    from mailquery.services.parser_pool import Job, ParserPool

    jobs, now = [Job(message, fingerprint(message.raw))], datetime.now(UTC)
    pool = ParserPool(1)
    try:
        return (await pool.result(pool.submit(jobs, now), jobs, now))[0]
    finally:
        pool.close()


class FetchWhole:
    """Brings the whole of a message into the archive, once: two callers that want the same one wait for one fetch.

    `connect` gives a connection to the server of the account of a name; what it raises is handed on."""

    def __init__(
        self,
        partial: PartialRepository,
        messages: MessageRepository,
        connect: Connect,
        *,
        largest: int = LARGEST_FETCHED,
        seconds: float = SECONDS,
        prepare: Prepare = prepare_apart,
    ) -> None:
        self._partial = partial
        self._messages = messages
        self._connect = connect
        self._largest = largest
        self._seconds = seconds
        self._prepare = prepare
        self._fetching: dict[int, asyncio.Lock] = {}

    async def __call__(self, visible: Visibility, message: StoredMessage) -> None:
        """Raises Fault SOURCE_UNAVAILABLE where the server cannot be reached, has the message no more, or gives another
        one; TOO_LARGE; LOGIN_FAILED; what the archive raises."""
        key = message.row.key
        async with self._alone(key):
            places = [
                place
                for place in await self._partial.whereabouts(key)
                if visible.accounts is None or place.account in visible.accounts
            ]
            stored = await self._messages.get(key, visible)
            if stored is None or not is_partial(stored):
                return  # somebody else was quicker
            partial = await self._messages.raw(key, visible)
            try:
                async with asyncio.timeout(self._seconds):
                    raw = await self._fetch(places, header_mark(partial or b""))
            except TimeoutError:
                raise _unavailable(
                    f"its server has not given it within {self._seconds:g} seconds", Reason.TIMEOUT
                ) from None
            locator = f"fetched:{message_handle(key)}"
            source = SourceMessage(raw, (Placement("", None, locator),), message.row.date)
            await self._partial.complete(key, await self._prepare(source))

    @asynccontextmanager
    async def _alone(self, key: int) -> AsyncIterator[None]:
        lock = self._fetching.setdefault(key, asyncio.Lock())
        try:
            async with lock:
                yield
        finally:
            if not lock.locked():
                self._fetching.pop(key, None)

    async def _fetch(self, places: Sequence[Whereabouts], mark: bytes) -> bytes:
        """From the first of the places where it still is."""
        fault: Fault | None = None  # the last one: the message may be on several servers
        for account in dict.fromkeys(place.account for place in places):
            try:
                connection = await self._connect(account)
                try:
                    for place in places:
                        if place.account == account and (raw := await self._from(connection, place, mark)) is not None:
                            return raw
                finally:
                    await connection.close()
            except Fault as failed:
                if failed.code is ErrorCode.TOO_LARGE:
                    raise
                fault = failed
        if fault is not None:
            raise _unavailable(fault.message, fault.details.get("reason"), fault.retry_after) from fault
        raise _unavailable("its server has it no more, or not where it was; synchronise the account", Reason.REFUSED)

    async def _from(self, connection: MailConnection, place: Whereabouts, mark: bytes) -> bytes | None:
        """None where it is not there, or is another message: UIDs mean nothing under another UIDVALIDITY (RFC 9051,
        section 2.3.1.1), and servers have been known to give them anew all the same."""
        try:
            state = await connection.open(place.key)
        except Fault as fault:
            if fault.code is ErrorCode.NOT_FOUND:
                return None
            raise
        if state.uid_validity != place.uid_validity:
            return None
        uids = UidSet.of([place.uid])
        described = next((each for each in await connection.describe(uids) if each.uid == place.uid), None)
        if described is None:
            return None
        if described.size > self._largest:
            raise Fault(
                ErrorCode.TOO_LARGE,
                f"The message has {described.size:,} bytes on its server; at most {self._largest:,} are fetched. "
                "Save it with another mail program, or raise the limit in the settings.",
                details={"size": described.size, "maximum": self._largest},
            )
        raw = (await connection.fetch(uids)).get(place.uid)
        return raw if raw and len(raw) <= self._largest and header_mark(raw) == mark else None


async def fetch_or_refuse(fetch: Fetch | None, visible: Visibility, message: StoredMessage) -> None:
    """Where this process fetches nothing, that is said."""
    if fetch is None:
        raise _unavailable("this program does not connect to mail servers", Reason.CONNECT)
    await fetch(visible, message)


def _unavailable(why: str, reason: object = None, retry_after: float | None = None) -> Fault:
    return Fault(
        ErrorCode.SOURCE_UNAVAILABLE,
        f"This part of the message is on its mail server only, and was not fetched: {why.rstrip('.')}. The text of "
        "the message is here; ask for the part again later.",
        details={} if reason is None else {"reason": str(reason)},
        retry_after=retry_after,
    )
