"""Bringing the flags of stored messages up to date."""

from collections.abc import Sequence
from dataclasses import dataclass

from mailquery.domain.uids import UidSet
from mailquery.repositories.synchronising import Arrival, SyncRepository
from mailquery.services.synchronising.arrivals import ArrivalRules
from mailquery.services.synchronising.crew import Job, Line
from mailquery.services.synchronising.mailbox import Mailbox
from mailquery.sources.remote import FlagChange, Reason
from mcpkit.errors import Fault

_AT_ONCE = 5_000
_TRIES = 2


class Flags:
    """Of one account. `changed` counts the UIDs that had other flags or labels."""

    def __init__(self, sync: SyncRepository, rules: ArrivalRules) -> None:
        self._sync = sync
        self._rules = rules
        self.changed = 0

    async def change(self, mailbox: Mailbox, changes: Sequence[FlagChange]) -> None:
        if changes:
            arrivals = [Arrival(each.uid, b"", each.flags, labels=self._rules.named(each.labels)) for each in changes]
            self.changed += await self._sync.set_flags(self._rules.account, mailbox.name, arrivals)

    async def compare(self, mailbox: Mailbox, uids: UidSet, found: Sequence[FlagChange], *, labels: bool) -> None:
        """`found` is what the server has of `uids`; where it has `labels`, too, those are not compared here."""
        if labels:
            await self.change(mailbox, found)
            return
        stored = await self._sync.flags(self._rules.account, mailbox.name, uids)
        await self.change(mailbox, [each for each in found if stored.get(each.uid, each.flags) != each.flags])


@dataclass(slots=True)
class CompareFlags:
    """Looks at the flags of `uids`, because the server does not say which changed."""

    mailbox: Mailbox
    order: tuple[int, ...]
    uids: UidSet
    flags: Flags
    tries: int = 0

    @property
    def weight(self) -> int:
        return len(self.uids) // 50

    async def __call__(self, line: Line) -> None:
        await line.open(self.mailbox)
        for part in self.uids.split(_AT_ONCE):
            found = await line.connection.flags(part)
            await self.flags.compare(self.mailbox, part, found, labels=line.connection.has_labels)
            self.uids -= part
        self.mailbox.flags_known = True

    def again(self, fault: Fault) -> Sequence[Job]:
        self.tries += 1
        if self.tries < _TRIES and fault.details.get("reason") != Reason.REFUSED:
            return (self,)
        self.mailbox.fail(f"The flags of {self.mailbox.name} could not be read: {fault.message}")
        return ()
