"""Looking at a mailbox: what came, what changed, what is missing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mailquery.domain.accounts import WhenGone
from mailquery.domain.uids import UidSet
from mailquery.repositories.synchronising import SyncRepository
from mailquery.services.synchronising.crew import Job, Line, MailboxChanged
from mailquery.services.synchronising.deletions import is_alarming
from mailquery.services.synchronising.flags import Flags
from mailquery.services.synchronising.mailbox import Mailbox
from mailquery.sources.remote import MailboxState, MailConnection, Reason
from mcpkit.errors import Fault

_TRIES = 2
# Messages that may come between opening a mailbox and asking for its UIDs.
_MEANWHILE = 10_000

Arrived = Callable[[Mailbox, UidSet], None]


@dataclass(slots=True)
class Survey:
    """Opens a mailbox, brings the flags of what is stored up to date where the server says what changed, and tells what
    `arrived`, and which UIDs are to be `compared` where it does not."""

    mailbox: Mailbox
    order: tuple[int, ...]
    account: str
    sync: SyncRepository
    flags: Flags
    arrived: Arrived
    compared: Arrived
    tries: int = 0

    @property
    def weight(self) -> int:
        return 20

    async def __call__(self, line: Line) -> None:
        mailbox, known = self.mailbox, self.mailbox.known
        state = await line.look(mailbox)
        stored = await self.sync.begin(self.account, mailbox.name, mailbox.key, mailbox.remote.role, state.uid_validity)
        if known is not None and known.uid_validity == state.uid_validity and state.uid_next < known.uid_next:
            # The server gives UIDs a second time, which it may not (RFC 9051, section 2.3.1.1): after a backup was
            # restored, say. None of them means anything any more. Content decides, and nothing is lost meanwhile.
            if is_alarming(len(stored) - state.messages, len(stored)):
                await self.sync.set_aside(self.account, mailbox.name)
            else:
                await self.sync.settle(self.account, mailbox.name, UidSet(), WhenGone.KEEP)
            mailbox.is_new_numbering, stored = True, UidSet()
        mailbox.is_new_numbering |= known is not None and known.uid_validity != state.uid_validity
        mailbox.present = await self._present(line.connection, state, stored)
        mailbox.state, mailbox.stored, mailbox.uid_next = state, stored, state.uid_next
        mailbox.counted = len(mailbox.present) >= state.messages
        if not mailbox.counted:
            mailbox.fail(
                f"The server says that {mailbox.name} has {state.messages:,} messages, and names only "
                f"{len(mailbox.present):,} of them. Nothing is taken for deleted."
            )
        arrivals = mailbox.present - stored
        mailbox.left = len(arrivals)
        await self._bring_flags(line.connection, state, stored & mailbox.present)
        if mailbox.flags_known and (arrivals.ranges or mailbox.missing.ranges):
            await self.sync.looked(self.account, mailbox.as_known(complete=False))
        if arrivals.ranges:
            self.arrived(mailbox, arrivals)

    def again(self, fault: Fault) -> Sequence[Job]:
        self.tries += 1
        if self.tries < _TRIES and fault.details.get("reason") != Reason.REFUSED:
            return (self,)
        self.mailbox.fail(f"{self.mailbox.name} could not be read: {fault.message}")
        return ()

    async def _present(self, connection: MailConnection, state: MailboxState, stored: UidSet) -> UidSet:
        known = self.mailbox.known
        if (
            known is not None
            and known.complete
            and (known.uid_validity, known.uid_next, known.messages)
            == (state.uid_validity, state.uid_next, state.messages)
            and len(stored) == state.messages
        ):
            return stored  # nothing came, and so nothing can have gone
        return await _uids(connection, state)

    async def _bring_flags(self, connection: MailConnection, state: MailboxState, here: UidSet) -> None:
        mailbox, known = self.mailbox, self.mailbox.known
        since = known.highest_modseq if known is not None and not mailbox.is_new_numbering else 0
        if not here.ranges or (0 < since == state.highest_modseq):
            mailbox.flags_known = True
        elif connection.counts_changes and 0 < since < state.highest_modseq:
            changes = await connection.changed_since(since)
            await self.flags.change(mailbox, [each for each in changes if each.uid in here])
            mailbox.flags_known = True
        else:
            self.compared(mailbox, here)


@dataclass(slots=True)
class SecondLook:
    """Looks once more for what came to a mailbox, and not for what went: it was looked at already."""

    mailbox: Mailbox
    order: tuple[int, ...]
    arrived: Arrived
    tries: int = 0

    @property
    def weight(self) -> int:
        return 20

    async def __call__(self, line: Line) -> None:
        mailbox = self.mailbox
        assert mailbox.state is not None
        state = await line.look(mailbox)
        if state.uid_validity != mailbox.state.uid_validity:
            raise MailboxChanged("its UIDVALIDITY changed while it was read")
        arrivals = await _uids(line.connection, state) - mailbox.present
        mailbox.uid_next = state.uid_next
        mailbox.present |= arrivals
        mailbox.left += len(arrivals)
        if arrivals.ranges:
            self.arrived(mailbox, arrivals)

    def again(self, fault: Fault) -> Sequence[Job]:
        self.tries += 1
        if self.tries < _TRIES:
            return (self,)
        self.mailbox.fail(f"{self.mailbox.name} could not be read: {fault.message}")
        return ()


async def _uids(connection: MailConnection, state: MailboxState) -> UidSet:
    uids = await connection.uids()
    if len(uids) > state.messages + _MEANWHILE:
        raise MailboxChanged(
            f"the server says that it has {state.messages:,} messages, and names {len(uids):,} of them"
        )
    return uids
