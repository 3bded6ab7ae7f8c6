"""What is missing on the server: whether the archive follows, or asks first.

An archive must not lose mail because a server misbehaved. So deletions of a mailbox wait for an answer where

- ten messages or more are missing, and
- they are more than half of what the mailbox had.

What lies in another mailbox of the account, because it was moved there, counts neither as missing nor as what the
mailbox had, and what has just come was not had before. The same holds for the account as a whole: where it lacks ten
messages or more, and more than half of what it had, every mailbox that lacks some asks. Deletions are followed at all
only when everything that came was stored.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from mailquery.domain.accounts import MailAccount
from mailquery.domain.uids import UidSet
from mailquery.repositories.synchronising import Missing, SyncRepository

FEWEST = 10  # missing messages that are asked about


def is_alarming(missing: int, had: int) -> bool:
    return missing >= FEWEST and 2 * missing > had


@dataclass(frozen=True, slots=True)
class Candidate:
    """A mailbox of which something may be missing. `arrived` is how many messages have just come to it; `is_gone`
    whether the server does not have it any more."""

    name: str
    present: UidSet
    arrived: int = 0
    is_gone: bool = False

    def had(self, missing: Missing) -> int:
        """Messages, without those that moved."""
        return missing.stored - self.arrived - (missing.missing - missing.unplaced)


class Deletions:
    """Of one account. `settled` are the names of mailboxes that are as the server has them now."""

    def __init__(self, sync: SyncRepository, account: MailAccount) -> None:
        self._sync = sync
        self._account = account
        self.moved = 0
        self.gone = 0
        self.asked = 0
        self.settled: set[str] = set()

    async def missing(self, candidate: Candidate) -> Missing:
        return await self._sync.missing(self._account.name, candidate.name, candidate.present)

    async def follow(self, candidates: Sequence[Candidate], *, elsewhere: int, complete: bool) -> None:
        """`elsewhere` are the stored messages of the account's other mailboxes. Unless the arrivals are `complete`,
        only what lies in another mailbox is given up."""
        unplaced, had = 0, 0
        for candidate in candidates:
            missing = await self.missing(candidate)
            unplaced, had = unplaced + missing.unplaced, had + candidate.had(missing)
        everywhere = is_alarming(unplaced, elsewhere + had)
        for candidate in candidates:
            # Counted anew: what lay in two mailboxes lies in one when the other was settled.
            missing = await self.missing(candidate)
            if missing.unplaced and not complete:
                continue
            alarming = everywhere or is_alarming(missing.unplaced, candidate.had(missing))
            if missing.unplaced and alarming and not await self._is_answered(candidate):
                await self._sync.ask(self._account.name, candidate.name, missing.unplaced, candidate.had(missing))
                self.asked += 1
                continue
            await self._settle(candidate, missing)

    async def _is_answered(self, candidate: Candidate) -> bool:
        return await self._sync.accepted(self._account.name, candidate.name)

    async def _settle(self, candidate: Candidate, missing: Missing) -> None:
        name, when_gone = self._account.name, self._account.when_gone
        if candidate.is_gone:
            gone = await self._sync.drop(name, candidate.name, when_gone)
        else:
            gone = await self._sync.settle(name, candidate.name, candidate.present, when_gone)
        self.gone += gone
        self.moved += missing.missing - missing.unplaced
        self.settled.add(candidate.name)
