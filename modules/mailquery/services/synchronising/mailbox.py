"""A mailbox of a server, as one synchronisation comes to know it."""

from dataclasses import dataclass, field

from mailquery.domain.uids import UidSet
from mailquery.repositories.synchronising import KnownMailbox
from mailquery.sources.remote import MailboxState, RemoteMailbox


@dataclass(slots=True)
class Mailbox:
    """`name` is the archive's. `known` is what earlier synchronisations knew, None where it is new.

    From the moment it was looked at: `state`, the UIDs that were `stored` of it, those `present` on the server, and how
    many of these are `left`: not in the archive yet.
    """

    remote: RemoteMailbox
    name: str
    known: KnownMailbox | None
    state: MailboxState | None = None
    stored: UidSet = field(default_factory=UidSet)
    present: UidSet = field(default_factory=UidSet)
    left: int = 0
    uid_next: int = 0  # as last seen
    counted: bool = True  # the server gave as many UIDs as it says that there are messages
    is_new_numbering: bool = False  # its UIDs are others than before
    flags_known: bool = False  # as of `state`
    failure: str = ""  # why it could not be read in full

    @property
    def key(self) -> str:
        return self.remote.key

    def is_as_known(self, state: MailboxState | None) -> bool:
        """Whether nothing is to do. A server that counts no changes says nothing of flags."""
        known = self.known
        return (
            state is not None
            and known is not None
            and known.complete
            and state.highest_modseq > 0
            and (known.uid_validity, known.uid_next, known.messages, known.highest_modseq)
            == (state.uid_validity, state.uid_next, state.messages, state.highest_modseq)
        )

    @property
    def missing(self) -> UidSet:
        """UIDs that are stored and not on the server."""
        return self.stored - self.present

    @property
    def arrived(self) -> int:
        """How many messages came to it; 0 where they have other numbers, and may be those that it had."""
        return 0 if self.is_new_numbering else len(self.present - self.stored)

    @property
    def needs_settling(self) -> bool:
        """Whether something is stored that the server may not have any more, now or since an earlier
        synchronisation."""
        was_settled = self.known is None or self.known.complete
        return bool(self.missing.ranges) or self.is_new_numbering or not was_settled

    def fail(self, reason: str) -> None:
        """The first reason is the one that is told."""
        self.failure = self.failure or reason

    def read(self, count: int) -> None:
        """So many are stored now, or not on the server any more."""
        self.left -= count

    def as_known(self, *, complete: bool) -> KnownMailbox:
        """What the next synchronisation is to know. Only for one that was looked at."""
        assert self.state is not None
        modseq = self.state.highest_modseq
        if not self.flags_known:
            modseq = self.known.highest_modseq if self.known is not None and not self.is_new_numbering else 0
        return KnownMailbox(
            name=self.name,
            key=self.key,
            uid_validity=self.state.uid_validity,
            uid_next=self.state.uid_next,
            messages=self.state.messages,
            highest_modseq=modseq,
            complete=complete,
        )
