"""What a synchronisation stores: which messages of a server are in the archive, and how far it knows each mailbox."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from mailquery.domain.accounts import AccountState, MailAccount, WhenGone
from mailquery.domain.mailboxes import MailboxRole
from mailquery.domain.messages import Flag
from mailquery.domain.uids import UidSet
from mailquery.repositories.prepared import PreparedMessage, SourceProblem


class Outcome(StrEnum):
    """How the last synchronisation of an account ended."""

    NEVER = "never"  # there was none yet
    RUNNING = "running"  # or its process was killed: nobody holds the account's lock then
    DONE = "done"
    FAILED = "failed"
    STOPPED = "stopped"  # by the user, or with the process


@dataclass(frozen=True, slots=True)
class SyncStanding:
    """How an account's last synchronisation went. Dates are UTC. `error` is a sentence and `error_code` an
    `mcpkit.errors.ErrorCode` by name, where it failed; `failures` counts the failed ones since the last that was done.
    `mailboxes`, `messages` and `pending` are the mailboxes that are synchronised, the messages on the server as last
    seen, and those of them that are not in the archive yet. `questions` are mailboxes whose deletions wait for an
    answer."""

    outcome: Outcome = Outcome.NEVER
    started: datetime | None = None
    finished: datetime | None = None  # also where it failed
    succeeded: datetime | None = None  # when one was last done
    error: str = ""
    error_code: str = ""
    failures: int = 0
    mailboxes: int = 0
    messages: int = 0
    pending: int = 0
    questions: tuple["DeletionQuestion", ...] = ()


@dataclass(frozen=True, slots=True)
class DeletionQuestion:
    """A mailbox of which so much is missing on the server that the archive does not follow before somebody has said
    that it is meant. `missing` of `messages` that were there."""

    mailbox: str
    missing: int
    messages: int
    asked: datetime


@dataclass(frozen=True, slots=True)
class KnownMailbox:
    """A mailbox as it was last seen. `name` is the archive's name for it; `complete` is whether everything that the
    server had then is in the archive, and what was deleted is settled: where the state is the same, nothing is to do.
    """

    name: str
    key: str  # what the server calls it
    uid_validity: int
    uid_next: int
    messages: int
    highest_modseq: int
    complete: bool


@dataclass(frozen=True, slots=True)
class Arrival:
    """A message of a server's mailbox, by its UID: its content is a message that is added with it, or that is stored
    already. `labels` are further mailboxes of the archive in which it lies by the same UID."""

    uid: int
    fingerprint: bytes
    flags: Flag
    content_id: str = ""
    labels: tuple[str, ...] = ()
    partial: bool = False  # only its header and text parts are stored; the rest is on the server


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Where on a server a message lies."""

    account: str
    key: str
    uid_validity: int
    uid: int


class AccountRepository(Protocol):
    """Accounts on servers. Without a `Visibility`: what is told to callers goes through the services, which know it."""

    async def put(self, account: MailAccount) -> None:
        """Adds the account, or changes the one of this name."""
        ...

    async def get(self, name: str) -> MailAccount | None: ...

    async def all(self) -> tuple[MailAccount, ...]:
        """In the order of their names."""
        ...

    async def set_state(self, name: str, state: AccountState, reason: str = "") -> bool:
        """Whether there is such an account."""
        ...

    async def set_selection(self, account: MailAccount) -> bool:
        """What is brought in of the account of this name, and what becomes of what is gone: `include`, `exclude`,
        `when_gone` and `largest`, and nothing else of it. Whether there is such an account."""
        ...

    async def forget(self, name: str) -> bool:
        """Takes the account and what is known of its server away; its mail stays. Whether there was one."""
        ...

    async def standing(self, name: str) -> SyncStanding: ...

    async def begun(self, name: str) -> None:
        """Records that a synchronisation of it began now."""
        ...

    async def ended(self, name: str, outcome: Outcome, error: str = "", error_code: str = "") -> None:
        """Records how it ended."""
        ...


class SyncRepository(Protocol):
    """Writes are one transaction each, so that a process may be killed between any two; they wait for other writers of
    the archive. All raise what the archive raises (STORAGE_FULL, STORAGE_DAMAGED, SERVICE_UNAVAILABLE).

    Arrivals come before disappearances: a message that moved is placed anew before its old place is given up.
    """

    async def mailboxes(self, account: str) -> tuple[KnownMailbox, ...]: ...

    async def begin(self, account: str, name: str, key: str, role: MailboxRole, uid_validity: int) -> UidSet:
        """Makes the mailbox known, and gives the UIDs that are stored of it. Where `uid_validity` is another than
        before, none are: what was stored is kept aside until `settle`, and its messages keep their places until
        then."""
        ...

    async def set_aside(self, account: str, mailbox: str) -> None:
        """As `begin` does where the UIDVALIDITY is another: for a server that gives UIDs a second time under the same
        one."""
        ...

    async def known(self, fingerprints: Sequence[bytes]) -> set[bytes]:
        """Those of `fingerprints` that are stored already."""
        ...

    async def by_content(self, account: str, content_ids: Sequence[str]) -> Mapping[str, bytes]:
        """The fingerprints of messages of this account that are stored already, whole, by their `content_id`."""
        ...

    async def like(self, account: str, message_id: str, header: bytes) -> bytes | None:
        """The fingerprint of a stored message with this Message-ID whose header is `header` but for what storing
        changes (`domain.identity`): for messages that are too large to be fetched to be compared."""
        ...

    async def add(
        self,
        account: str,
        mailbox: str,
        arrivals: Sequence[Arrival],
        messages: Sequence[PreparedMessage],
        problems: Sequence[SourceProblem],
    ) -> int:
        """Stores all of it; how many messages are new. A UID that is known already is left as it is. Messages that were
        marked as gone and are back lose the mark."""
        ...

    async def flags(self, account: str, mailbox: str, uids: UidSet) -> Mapping[int, Flag]:
        """As stored, of those UIDs that are known."""
        ...

    async def set_flags(self, account: str, mailbox: str, changes: Sequence[Arrival]) -> int:
        """Brings flags and labels up to date, by UID (the fingerprint is not looked at); how many differed. UIDs that
        are not known are passed over."""
        ...

    async def missing(self, account: str, mailbox: str, present: UidSet) -> "Missing":
        """What is stored and not in `present`, which is all that the server has."""
        ...

    async def settle(self, account: str, mailbox: str, present: UidSet, when_gone: WhenGone) -> int:
        """Gives up what is not in `present`, and what was kept aside. A message that lies in no other mailbox of the
        account is treated as `when_gone` says; how many those were."""
        ...

    async def ask(self, account: str, mailbox: str, missing: int, messages: int) -> None:
        """Records that deletions wait for an answer."""
        ...

    async def answer(self, account: str, mailbox: str, *, accepted: bool) -> bool:
        """Accepted: the next synchronisation follows the server, this once. Refused: it keeps what is missing, marked
        as gone and not hidden. Whether there was a question."""
        ...

    async def accepted(self, account: str, mailbox: str) -> bool:
        """Whether the question about deletions was answered, either way, and the answer was not followed yet: `settle`
        follows it."""
        ...

    async def finish(self, account: str, known: KnownMailbox) -> None:
        """Records how far the mailbox is known, and that it was read just now."""
        ...

    async def looked(self, account: str, known: KnownMailbox) -> None:
        """Records what is known of the mailbox while it is still being read."""
        ...

    async def unchanged(self, account: str, mailboxes: Sequence[str]) -> None:
        """Records that the mailboxes were looked at just now, and were as they are known."""
        ...

    async def set_role(self, account: str, mailbox: str, role: MailboxRole) -> None:
        """Of a mailbox that messages lie in by a label. It is added where it is missing."""
        ...

    async def drop(self, account: str, mailbox: str, when_gone: WhenGone) -> int:
        """The mailbox is no more, or not synchronised any more: as `settle` with nothing present. Where no message is
        left in it, it goes away."""
        ...

    async def put_in_order(self) -> None:
        """Joins threads and merges the index, after messages were added."""
        ...


class PartialRepository(Protocol):
    """Messages of which only the header and the text parts are stored."""

    async def whereabouts(self, key: int) -> tuple[Whereabouts, ...]:
        """Where the message with this key (`domain.handles`) lies on servers, and `partial` ones only."""
        ...

    async def complete(self, key: int, message: PreparedMessage) -> None:
        """Puts the whole message in the place of the one of which only a part was stored; its id stays. `CONFLICT`
        where it is whole already."""
        ...


@dataclass(frozen=True, slots=True)
class Missing:
    """`stored` messages of a mailbox are in the archive, `missing` of them are not on the server any more, and
    `unplaced` of those lie in no other mailbox of the account."""

    stored: int
    missing: int
    unplaced: int
