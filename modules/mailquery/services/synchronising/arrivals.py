"""Fetching the messages of a mailbox that the archive does not have in it yet."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from mailquery.domain.mailboxes import Placement
from mailquery.domain.messages import Problem, ProblemCode
from mailquery.domain.uids import UidSet
from mailquery.parsing.fields import read_header
from mailquery.parsing.headers import message_id
from mailquery.repositories.synchronising import Arrival, SyncRepository
from mailquery.services.synchronising.crew import Job, Line
from mailquery.services.synchronising.locating import imap_url
from mailquery.services.synchronising.mailbox import Mailbox
from mailquery.services.synchronising.storing import Fetched, Storing
from mailquery.sources.interfaces import SourceMessage
from mailquery.sources.remote import MailConnection, Reason, RemoteMessage
from mcpkit.errors import Fault

_TRIES = 2
_BATCH_MESSAGES = 1_000
# A content whose length is further from what the server announced is fetched a second time: many servers announce
# nearly the right size, and one that gives another message's content does not give it twice.
_SIZE_TOLERANCE = 1024
_MEGABYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class ArrivalRules:
    """`host` is the server's name; `largest` and `batch_bytes` are in bytes. `label` gives the archive's name
    of a label, by the server's; None where it is left out."""

    account: str
    host: str
    largest: int
    batch_bytes: int
    label: Callable[[str], str | None]

    def named(self, labels: Sequence[str]) -> tuple[str, ...]:
        names = (self.label(label) for label in labels)
        return tuple(name for name in names if name is not None)


@dataclass(slots=True)
class FetchArrivals:
    """Brings in `uids` of a mailbox, the newest first."""

    mailbox: Mailbox
    order: tuple[int, ...]
    uids: UidSet
    rules: ArrivalRules
    sync: SyncRepository
    storing: Storing
    tries: int = 0
    _claimed: list[str] = field(default_factory=list)

    @property
    def weight(self) -> int:
        return len(self.uids)

    async def __call__(self, line: Line) -> None:
        await line.open(self.mailbox)
        try:
            await self._fetch_all(line.connection)
        finally:
            self.storing.release(self._claimed)
            self._claimed = []

    def again(self, fault: Fault) -> Sequence[Job]:
        """The same once more; then halves, until it is known which message it is that breaks the connection."""
        self.tries += 1
        if not self.uids:
            return ()
        if self.tries < _TRIES and fault.details.get("reason") != Reason.REFUSED:
            return (self,)
        count = len(self.uids)
        if count == 1:
            self.mailbox.fail(
                f"A message of {self.mailbox.name} could not be fetched: {fault.message} The next synchronisation "
                "tries again."
            )
            return ()
        newest = self.uids.newest(count // 2)
        return tuple(
            FetchArrivals(self.mailbox, self.order, part, self.rules, self.sync, self.storing, tries=self.tries - 1)
            for part in (newest, self.uids - newest)
        )

    async def _fetch_all(self, connection: MailConnection) -> None:
        found = {each.uid: each for each in await connection.describe(self.uids) if each.uid in self.uids}
        self._are_gone(self.uids - UidSet.of(found))
        found = await self._place_stored(found)
        while found:
            coming = await self._fetch_unclaimed(connection, found)
            if not coming:
                return
            # They are fetched from another mailbox, over another connection, and need not be twice.
            await self.storing.released([each.content_id for each in coming.values()])
            found = await self._place_stored(coming)

    async def _place_stored(self, found: Mapping[int, RemoteMessage]) -> dict[int, RemoteMessage]:
        """Places those whose content is stored, by what the server says of it; the others."""
        ids = list(dict.fromkeys(each.content_id for each in found.values() if each.content_id))
        stored = await self.sync.by_content(self.rules.account, ids) if ids else {}
        here = [each for each in found.values() if each.content_id in stored]
        if here:
            await self._take([Fetched(self._arrival(each, stored[each.content_id])) for each in here])
        return {uid: each for uid, each in found.items() if each.content_id not in stored}

    async def _fetch_unclaimed(
        self, connection: MailConnection, found: Mapping[int, RemoteMessage]
    ) -> dict[int, RemoteMessage]:
        """Fetches those that nobody else fetches now; the others."""
        coming: dict[int, RemoteMessage] = {}
        wanted: list[RemoteMessage] = []
        for uid in sorted(found, reverse=True):
            message = found[uid]
            if message.content_id and not self.storing.claim(message.content_id):
                coming[uid] = message
                continue
            if message.content_id:
                self._claimed.append(message.content_id)
            wanted.append(message)
        for batch in _batches(wanted, self.rules):
            await self.storing.room()
            if batch[0].size > self.rules.largest:
                await self._fetch_text(connection, batch[0])
            else:
                await self._fetch(connection, batch)
        return coming

    async def _fetch(self, connection: MailConnection, batch: Sequence[RemoteMessage]) -> None:
        raws = dict(await connection.fetch(UidSet.of(each.uid for each in batch)))
        odd = [each for each in batch if not self._is_credible(each, raws.get(each.uid))]
        if odd:
            await self._look_again(connection, odd, raws)
        given = [each for each in batch if each.uid in raws]
        await self._take([Fetched(self._arrival(each), self._message(each, raws[each.uid])) for each in given])

    async def _look_again(
        self, connection: MailConnection, odd: Sequence[RemoteMessage], raws: dict[int, bytes]
    ) -> None:
        """What was not given, or is of another length than was announced: it may be gone, or the server is wrong."""
        uids = UidSet.of(each.uid for each in odd)
        there = {each.uid: each for each in await connection.describe(uids)}
        self._are_gone(uids - UidSet.of(there))
        again = await connection.fetch(UidSet.of(there)) if there else {}
        for uid in uids:
            first, second = raws.pop(uid, None), again.get(uid)
            if uid not in there:
                continue
            if there[uid].size == 0 and not first and not second:
                raws[uid] = b""
            elif second and (second == first or self._is_credible(there[uid], second)):
                raws[uid] = second
            else:
                self.mailbox.fail(
                    f"The server gives a message of {self.mailbox.name} without its content, or with another each "
                    "time. It is left out, and the next synchronisation tries again."
                )
                self.uids -= UidSet.of((uid,))

    @staticmethod
    def _is_credible(message: RemoteMessage, raw: bytes | None) -> bool:
        return bool(raw) and abs(len(raw or b"") - message.size) <= max(_SIZE_TOLERANCE, message.size // 8)

    async def _fetch_text(self, connection: MailConnection, message: RemoteMessage) -> None:
        """Of a message that is too large: its header and text, unless the whole is stored by an import."""
        raw = await connection.fetch_text(message.uid)
        if raw is None:
            self._are_gone(UidSet.of((message.uid,)))
            return
        header = read_header(raw, 0, len(raw))
        head = raw[: header.body_start]
        found = await self.sync.like(self.rules.account, message_id(header.first("message-id")), head)
        if found is not None:
            await self._take([Fetched(self._arrival(message, found))])
            return
        why = Problem(
            ProblemCode.NOT_FETCHED,
            f"the message has {message.size / _MEGABYTE:.1f} MB; its attachments are fetched when they are asked for",
        )
        await self._take([Fetched(self._arrival(message, partial=True), self._message(message, raw, (why,)))])

    async def _take(self, fetched: Sequence[Fetched]) -> None:
        await self.storing.take(self.mailbox, fetched)
        self.uids -= UidSet.of(one.arrival.uid for one in fetched)

    def _are_gone(self, uids: UidSet) -> None:
        self.uids -= uids
        self.mailbox.read(len(uids))

    def _arrival(self, message: RemoteMessage, fingerprint: bytes = b"", *, partial: bool = False) -> Arrival:
        return Arrival(
            uid=message.uid,
            fingerprint=fingerprint,
            flags=message.flags,
            content_id=message.content_id,
            labels=self.rules.named(message.labels),
            partial=partial,
        )

    def _message(self, message: RemoteMessage, raw: bytes, problems: tuple[Problem, ...] = ()) -> SourceMessage:
        return SourceMessage(
            raw=raw,
            placements=(Placement(self.mailbox.name, message.flags, self._locator(message.uid)),),
            source_date=message.received,
            gmail_thread_id=message.gmail_thread_id,
            problems=problems,
        )

    def _locator(self, uid: int) -> str:
        state = self.mailbox.state
        return imap_url(self.rules.host, self.mailbox.remote.name, state.uid_validity if state else 0, uid)


def _batches(messages: Sequence[RemoteMessage], rules: ArrivalRules) -> Iterator[Sequence[RemoteMessage]]:
    """What is asked for at once; each of those that are too large by itself."""
    batch: list[RemoteMessage] = []
    size = 0
    for message in messages:
        if message.size > rules.largest:
            yield (message,)
            continue
        if batch and (size + message.size > rules.batch_bytes or len(batch) >= _BATCH_MESSAGES):
            yield batch
            batch, size = [], 0
        batch.append(message)
        size += message.size
    if batch:
        yield batch
