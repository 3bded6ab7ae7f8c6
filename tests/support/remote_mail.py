"""A mail server in memory, that changes and misbehaves as a test says: for what a real one does not do on command, and
for more runs than a real one has time for."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import count

from mailquery.domain.accounts import MailAccount
from mailquery.domain.mailboxes import MailboxRole
from mailquery.domain.messages import Flag
from mailquery.domain.uids import UidSet
from mailquery.sources.remote import (
    FlagChange,
    MailboxState,
    MailConnection,
    Reason,
    RemoteMailbox,
    RemoteMessage,
)
from mcpkit.errors import ErrorCode, Fault

_RECEIVED = datetime(2026, 3, 9, 12, tzinfo=UTC)
_VALIDITIES = count(1)
UNSEEN = Flag(0)


@dataclass(frozen=True, slots=True)
class Held:
    """A message in a mailbox."""

    raw: bytes
    flags: Flag = UNSEEN
    modseq: int = 1
    content_id: str = ""
    labels: tuple[str, ...] = ()


@dataclass(slots=True)
class Box:
    validity: int = field(default_factory=lambda: next(_VALIDITIES))
    uid_next: int = 1
    modseq: int = 1
    messages: dict[int, Held] = field(default_factory=dict)
    role: MailboxRole = MailboxRole.NONE
    contains_others: bool = False

    def put(self, held: Held) -> int:
        self.modseq += 1
        uid, self.uid_next = self.uid_next, self.uid_next + 1
        self.messages[uid] = replace(held, modseq=self.modseq)
        return uid

    def flag(self, uid: int, flags: Flag) -> None:
        self.modseq += 1
        self.messages[uid] = replace(self.messages[uid], flags=flags, modseq=self.modseq)

    def label(self, uid: int, *labels: str) -> None:
        self.modseq += 1
        self.messages[uid] = replace(self.messages[uid], labels=labels, modseq=self.modseq)

    def expunge(self, *uids: int) -> None:
        self.modseq += 1
        for uid in uids:
            del self.messages[uid]

    def renumber(self) -> None:
        """Another UIDVALIDITY, and all UIDs anew."""
        held = list(self.messages.values())
        self.validity, self.uid_next, self.messages = next(_VALIDITIES), 1, {}
        for each in held:
            self.put(each)

    @property
    def state(self) -> MailboxState:
        return MailboxState(self.validity, self.uid_next, len(self.messages), self.modseq)


Step = Callable[[str], None]
"""Is told of each call by its name, before it is answered, and may raise."""


def nothing(call: str) -> None:
    """Does not misbehave."""


class RemoteMail:
    """The server, a `MailServer`. `before` and `after` are called around each answer. `lies` change answers: by the
    method's name, a function of what would be answered.

    `counts_changes`, `has_labels` and `gives_content_ids` are what it can."""

    def __init__(
        self, *, counts_changes: bool = True, has_labels: bool = False, gives_content_ids: bool = False
    ) -> None:
        self.counts_changes = counts_changes
        self.has_labels = has_labels
        self.gives_content_ids = gives_content_ids
        self.boxes: dict[str, Box] = {"INBOX": Box(role=MailboxRole.INBOX)}
        self.before: Step = nothing
        self.lies: dict[str, Callable[..., object]] = {}
        self.calls: list[str] = []
        self.fetched: list[tuple[str, int]] = []  # by mailbox and UID
        self.open_connections = 0
        self.most_connections = 0
        self.connections_allowed = 100
        self.bytes_received = 0

    def of(self, account: MailAccount) -> "RemoteMail":
        return self

    async def connect(self) -> MailConnection:
        self.called("connect")
        if self.open_connections >= self.connections_allowed:
            raise unavailable(Reason.BUSY)
        self.open_connections += 1
        self.most_connections = max(self.most_connections, self.open_connections)
        return RemoteConnection(self)

    def box(self, name: str, role: MailboxRole = MailboxRole.NONE, *, contains_others: bool = False) -> Box:
        """Made where it is missing."""
        if name not in self.boxes:
            self.boxes[name] = Box(role=role, contains_others=contains_others)
        return self.boxes[name]

    def put(self, raw: bytes, name: str = "INBOX", flags: Flag = UNSEEN, *, labels: tuple[str, ...] = ()) -> int:
        content_id = f"M{hash(raw):x}" if self.gives_content_ids else ""
        return self.box(name).put(Held(raw, flags, content_id=content_id, labels=labels))

    def move(self, uid: int, source: str, target: str) -> int:
        held = self.boxes[source].messages[uid]
        placed = self.box(target).put(held)
        self.boxes[source].expunge(uid)
        return placed

    def copy(self, uid: int, source: str, target: str) -> int:
        return self.box(target).put(self.boxes[source].messages[uid])

    def rename(self, name: str, other: str) -> None:
        self.boxes[other] = self.boxes.pop(name)

    def content(self) -> dict[str, dict[bytes, Flag]]:
        """By mailbox, the messages with their flags: of a message that is there twice, those of both."""
        found: dict[str, dict[bytes, Flag]] = {}
        for name, box in self.boxes.items():
            for held in box.messages.values():
                for place in (name, *held.labels):
                    of_box = found.setdefault(place, {})
                    of_box[held.raw] = of_box.get(held.raw, Flag(0)) | held.flags
        return found

    def called(self, call: str) -> None:
        self.calls.append(call)
        self.before(call)

    def told(self, call: str, answer: object, *facts: object) -> object:
        lie = self.lies.get(call)
        return answer if lie is None else lie(answer, *facts)


class RemoteConnection:
    """A `MailConnection`. One that raised, or was closed, is of no further use: that is checked."""

    def __init__(self, server: RemoteMail) -> None:
        self._server = server
        self._opened = ""
        self._is_closed = False

    @property
    def counts_changes(self) -> bool:
        return self._server.counts_changes

    @property
    def has_labels(self) -> bool:
        return self._server.has_labels

    def _call(self, name: str) -> None:
        assert not self._is_closed, f"{name} on a connection that is closed"
        try:
            self._server.called(name)
        except BaseException:
            self._end()
            raise

    def _answer(self, name: str, answer: object, *facts: object) -> object:
        try:
            return self._server.told(name, answer, *facts)
        except BaseException:
            self._end()
            raise

    def _end(self) -> None:
        if not self._is_closed:
            self._is_closed = True
            self._server.open_connections -= 1

    @property
    def _box(self) -> Box:
        assert self._opened, "no mailbox is open"
        box = self._server.boxes.get(self._opened)
        if box is None:
            self._end()
            raise unavailable(Reason.BROKEN_OFF)
        return box

    async def mailboxes(self) -> Sequence[RemoteMailbox]:
        self._call("mailboxes")
        listed = [
            RemoteMailbox(name, name, box.role, contains_others=box.contains_others)
            for name, box in self._server.boxes.items()
        ]
        return self._answer("mailboxes", listed)  # type: ignore[return-value]  # a lie keeps the type

    async def states(self, keys: Sequence[str]) -> Mapping[str, MailboxState]:
        self._call("states")
        boxes = self._server.boxes
        found = {key: self._state(boxes[key]) for key in keys if key in boxes}
        return self._answer("states", found)  # type: ignore[return-value]

    async def open(self, key: str) -> MailboxState:
        self._call("open")
        box = self._server.boxes.get(key)
        if box is None:
            raise Fault(ErrorCode.NOT_FOUND, "There is no such mailbox.")
        self._opened = key
        return self._answer("open", self._state(box), key)  # type: ignore[return-value]

    async def uids(self) -> UidSet:
        self._call("uids")
        return self._answer("uids", UidSet.of(self._box.messages), self._opened)  # type: ignore[return-value]

    async def describe(self, uids: UidSet) -> Sequence[RemoteMessage]:
        self._call("describe")
        found = [
            RemoteMessage(uid, held.flags, len(held.raw), _RECEIVED, held.content_id, "", held.labels)
            for uid, held in self._held(uids)
        ]
        return self._answer("describe", found, self._opened)  # type: ignore[return-value]

    async def fetch(self, uids: UidSet) -> Mapping[int, bytes]:
        self._call("fetch")
        found = {uid: held.raw for uid, held in self._held(uids) if held.raw}
        self._server.fetched += [(self._opened, uid) for uid in found]
        self._server.bytes_received += sum(map(len, found.values()))
        return self._answer("fetch", found, self._opened)  # type: ignore[return-value]

    async def fetch_text(self, uid: int) -> bytes | None:
        self._call("fetch_text")
        held = self._box.messages.get(uid)
        return held.raw.partition(b"\r\n\r\n")[0] + b"\r\n\r\ntext only\r\n" if held is not None else None

    async def flags(self, uids: UidSet) -> Sequence[FlagChange]:
        self._call("flags")
        found = [FlagChange(uid, held.flags, held.labels) for uid, held in self._held(uids)]
        return self._answer("flags", found, self._opened)  # type: ignore[return-value]

    async def changed_since(self, modseq: int) -> Sequence[FlagChange]:
        self._call("changed_since")
        return [
            FlagChange(uid, held.flags, held.labels) for uid, held in self._box.messages.items() if held.modseq > modseq
        ]

    async def wait(self, seconds: float) -> bool:
        return False

    async def close(self) -> None:
        self._end()

    def _held(self, uids: UidSet) -> Iterator[tuple[int, Held]]:
        messages = self._box.messages
        return ((uid, messages[uid]) for uid in uids if uid in messages)

    def _state(self, box: Box) -> MailboxState:
        return box.state if self._server.counts_changes else replace(box.state, highest_modseq=0)


def unavailable(reason: Reason) -> Fault:
    return Fault(ErrorCode.SOURCE_UNAVAILABLE, "The server does not go on.", details={"reason": reason.value})


def fails_at(call: str, number: int, error: BaseException) -> Callable[[str], None]:
    """For `before`: raises `error` at the call of this name with this number."""
    count = 0

    def step(name: str) -> None:
        nonlocal count
        count += name == call
        if name == call and count == number:
            raise error

    return step
