"""A message that was fetched in part, as a mail server's connection gives it, and a scripted server that has it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from mailquery.domain.identity import fingerprint
from mailquery.domain.mailboxes import MailboxRole, Placement
from mailquery.domain.messages import Flag, Problem, ProblemCode
from mailquery.domain.partial import OMITTED_SIZE
from mailquery.domain.uids import UidSet
from mailquery.repositories.prepared import PreparedMessage
from mailquery.repositories.sqlite.synchronising import SqliteSync
from mailquery.repositories.synchronising import Arrival
from mailquery.services.preparing import prepare
from mailquery.sources.interfaces import SourceMessage
from mailquery.sources.remote import FlagChange, MailboxState, RemoteMailbox, RemoteMessage
from mcpkit.errors import ErrorCode, Fault
from support.archives import NOW, Mail

CONTENT = b"%PDF-1.4 the plans of the boathouse" * 1000
WHOLE = Mail(
    subject="Plans",
    text="The plans are attached.",
    message_id="plans@acme.example",
    files=(("plans.pdf", "application/pdf", CONTENT),),
)
WHY = Problem(ProblemCode.NOT_FETCHED, "the message has 0.1 MB; its attachments are fetched when they are asked for")


def in_part(mail: Mail = WHOLE) -> bytes:
    """Its header and text, and of the attachment the header."""
    raw = mail.as_bytes()
    head, gap, rest = raw.partition(b'filename="plans.pdf"\n')
    content = rest[rest.index(b"\n\n") + 2 : rest.rindex(b"\n--boundary-0--")]
    on_server = content.replace(b"\n", b"\r\n")
    field = f"{OMITTED_SIZE}: {len(on_server)}\n".encode()
    return head + gap + rest[: rest.index(b"\n\n") + 1] + field + b"\n" + rest[rest.rindex(b"\n--boundary-0--") :]


def prepared_in_part(mail: Mail = WHOLE) -> PreparedMessage:
    raw = in_part(mail)
    source = SourceMessage(raw, (Placement("INBOX", Flag(0), "imap://x/1"),), None, problems=(WHY,))
    return prepare(source, fingerprint(raw), NOW)


async def store_in_part(sync: SqliteSync, mail: Mail = WHOLE, *, uid: int = 7) -> PreparedMessage:
    message = prepared_in_part(mail)
    await sync.begin("home", "INBOX", "inbox", MailboxRole.INBOX, 1)
    await sync.add("home", "INBOX", [Arrival(uid, message.fingerprint, Flag.FLAGGED, partial=True)], [message], [])
    return message


@dataclass
class Scripted:
    """A connection to a server with one mailbox. `fails` is raised by everything."""

    messages: Mapping[int, bytes] = field(default_factory=lambda: {7: WHOLE.as_bytes()})
    validity: int = 1
    size: int | None = None
    fails: Fault | None = None
    fetched: int = 0
    closed: int = 0
    counts_changes: bool = False
    has_labels: bool = False

    async def connect(self, account: str) -> "Scripted":
        assert account == "home"
        if self.fails is not None:
            raise self.fails
        return self

    async def open(self, key: str) -> MailboxState:
        if key != "inbox":
            raise Fault(ErrorCode.NOT_FOUND, "there is no such mailbox")
        return MailboxState(self.validity, 100, len(self.messages))

    async def describe(self, uids: UidSet) -> Sequence[RemoteMessage]:
        return [
            RemoteMessage(uid, Flag(0), len(raw) if self.size is None else self.size, None)
            for uid, raw in self.messages.items()
            if uid in uids
        ]

    async def fetch(self, uids: UidSet) -> Mapping[int, bytes]:
        self.fetched += 1
        return {uid: raw for uid, raw in self.messages.items() if uid in uids}

    async def close(self) -> None:
        self.closed += 1

    async def mailboxes(self) -> Sequence[RemoteMailbox]:
        raise NotImplementedError

    async def states(self, keys: Sequence[str]) -> Mapping[str, MailboxState]:
        raise NotImplementedError

    async def uids(self) -> UidSet:
        raise NotImplementedError

    async def fetch_text(self, uid: int) -> bytes | None:
        raise NotImplementedError

    async def flags(self, uids: UidSet) -> Sequence[FlagChange]:
        raise NotImplementedError

    async def changed_since(self, modseq: int) -> Sequence[FlagChange]:
        raise NotImplementedError

    async def wait(self, seconds: float) -> bool:
        raise NotImplementedError
