"""One synchronisation under way."""

import time
from collections.abc import Callable, Mapping, Sequence

from mailquery.domain.accounts import MailAccount
from mailquery.domain.mailboxes import MailboxRole
from mailquery.domain.uids import UidSet
from mailquery.repositories.synchronising import KnownMailbox, SyncRepository
from mailquery.services.new_messages import NewMessages, Preparers
from mailquery.services.synchronising.arrivals import ArrivalRules, FetchArrivals
from mailquery.services.synchronising.choosing import Choice, choose, rank
from mailquery.services.synchronising.crew import Crew
from mailquery.services.synchronising.deletions import Candidate, Deletions
from mailquery.services.synchronising.flags import CompareFlags, Flags
from mailquery.services.synchronising.mailbox import Mailbox
from mailquery.services.synchronising.reports import MailboxFailure, SyncOptions, SyncProgress, SyncSummary
from mailquery.services.synchronising.storing import Storing
from mailquery.services.synchronising.survey import SecondLook, Survey
from mailquery.sources.patterns import is_wanted
from mailquery.sources.remote import MailboxState, MailConnection, MailServer, RemoteMailbox

# The first messages of a mailbox are few, so that they can be found at once.
_FIRST = 100
_AT_ONCE = 1_000
_SECOND_LOOKS = 5

# The order of the work. Within each, mailboxes come by their rank, and messages from the newest.
_LOOK_AT_INBOX, _NEWEST_OF_INBOX, _LOOK, _NEWEST, _FLAGS, _REST = range(6)

ProgressListener = Callable[[SyncProgress], None]


class Run:
    """Looks at the mailboxes, brings in what came, and then gives up what went."""

    def __init__(
        self,
        account: MailAccount,
        sync: SyncRepository,
        server: MailServer,
        options: SyncOptions,
        pool: Preparers,
        progress: ProgressListener | None,
    ) -> None:
        self._account = account
        self._sync = sync
        self._server = server
        self._progress = progress
        self._started = time.monotonic()
        self._crew = Crew(server, options.connections)
        self._storing = Storing(sync, account.name, NewMessages(sync.known, pool), self._report)
        self._rules = ArrivalRules(account.name, account.server.host, account.largest, options.batch_bytes, self._label)
        self._flags = Flags(sync, self._rules)
        self._deletions = Deletions(sync, account)
        self._mailboxes: dict[str, Mailbox] = {}  # by key, those that are synchronised
        self._by_labels = False
        self._roles: Mapping[str, MailboxRole] = {}
        self._unchanged: set[str] = set()  # keys
        self._known: tuple[KnownMailbox, ...] = ()
        self._wanted = 0

    async def __call__(self) -> None:
        """Raises Fault. What was written until then stays."""
        self._known = await self._sync.mailboxes(self._account.name)
        choice, states = await self._look()
        self._by_labels, self._roles = choice.by_labels, choice.roles
        for mailbox in choice.mailboxes:
            self._mailboxes[mailbox.key] = mailbox
            if mailbox.is_as_known(states.get(mailbox.key)):
                self._unchanged.add(mailbox.key)
                mailbox.uid_next = states[mailbox.key].uid_next
            else:
                self._survey(mailbox)
        if len(self._unchanged) < len(self._mailboxes):
            await self._name_labels()
        await self._work()
        if self._deletions_are_due(choice):
            await self._follow_deletions(choice)
        await self._finish()

    async def close(self) -> None:
        """Stores what is at hand. Raises what storing raises."""
        try:
            await self._crew.close()
        finally:
            await self._storing.close()

    def summary(self) -> SyncSummary:
        """Without the questions, which the archive knows."""
        return SyncSummary(
            account=self._account.name,
            added=self._storing.added,
            placed=self._storing.placed,
            flags=self._flags.changed,
            moved=self._deletions.moved,
            gone=self._deletions.gone,
            partial=self._storing.partial,
            problems=self._storing.problems.total(),
            mailboxes=len(self._mailboxes),
            unchanged=len(self._unchanged),
            failed=tuple(MailboxFailure(each.name, each.failure) for each in self._mailboxes.values() if each.failure),
            bytes_received=self._server.bytes_received,
            seconds=time.monotonic() - self._started,
        )

    # Looking

    async def _look(self) -> tuple[Choice, Mapping[str, MailboxState]]:
        choice = await self._choose()
        return choice, await self._states([each.key for each in choice.mailboxes])

    async def _choose(self) -> Choice:
        async def ask(connection: MailConnection) -> tuple[Sequence[RemoteMailbox], bool]:
            return await connection.mailboxes(), connection.has_labels

        listed, has_labels = await self._crew.ask(ask)
        return choose(listed, self._known, self._is_wanted, has_labels=has_labels)

    async def _states(self, keys: Sequence[str]) -> Mapping[str, MailboxState]:
        return await self._crew.ask(lambda connection: connection.states(keys))

    def _is_wanted(self, name: str, role: MailboxRole) -> bool:
        return is_wanted(name, self._account.include, self._account.exclude, role)

    def _survey(self, mailbox: Mailbox) -> None:
        urgency = _LOOK_AT_INBOX if mailbox.remote.role is MailboxRole.INBOX else _LOOK
        self._unchanged.discard(mailbox.key)
        self._crew.add(
            Survey(
                mailbox,
                (urgency, rank(mailbox)),
                account=self._account.name,
                sync=self._sync,
                flags=self._flags,
                arrived=self._arrived,
                compared=self._compare,
            )
        )

    def _arrived(self, mailbox: Mailbox, uids: UidSet) -> None:
        self._wanted += len(uids)
        newest = uids.newest(_FIRST)
        urgency = _NEWEST_OF_INBOX if mailbox.remote.role is MailboxRole.INBOX else _NEWEST
        self._fetch(mailbox, (urgency, rank(mailbox)), newest)
        for number, part in enumerate((uids - newest).split(_AT_ONCE)):
            self._fetch(mailbox, (_REST, rank(mailbox), number), part)

    def _fetch(self, mailbox: Mailbox, order: tuple[int, ...], uids: UidSet) -> None:
        self._crew.add(FetchArrivals(mailbox, order, uids, self._rules, self._sync, self._storing))

    def _compare(self, mailbox: Mailbox, uids: UidSet) -> None:
        self._crew.add(CompareFlags(mailbox, (_FLAGS, rank(mailbox)), uids, self._flags))

    async def _work(self) -> None:
        await self._crew.work()
        await self._storing.settle()

    # Labels

    async def _name_labels(self) -> None:
        """So that the archive knows what they are for, as it does of mailboxes."""
        for name, role in self._roles.items():
            if role is not MailboxRole.NONE and self._label(name) is not None:
                await self._sync.set_role(self._account.name, name, role)

    def _label(self, name: str) -> str | None:
        """The archive's name of a label; None where it is not wanted, or is synchronised as a mailbox."""
        if not self._by_labels or any(each.remote.name == name for each in self._mailboxes.values()):
            return None
        return name if self._is_wanted(name, self._roles.get(name, MailboxRole.NONE)) else None

    # Deletions

    def _deletions_are_due(self, choice: Choice) -> bool:
        return bool(self._candidates() or choice.gone)

    def _candidates(self) -> list[Mailbox]:
        return [
            each
            for each in self._mailboxes.values()
            if each.state is not None and each.counted and not each.left and each.needs_settling
        ]

    async def _follow_deletions(self, choice: Choice) -> None:
        gone = await self._really_gone(choice)
        is_complete = await self._look_again() and not self._is_hindered()
        candidates = [
            *(Candidate(each.name, each.present, each.arrived) for each in self._candidates()),
            *(Candidate(each.name, UidSet(), is_gone=True) for each in gone),
        ]
        named = {each.name for each in candidates}
        others = sum(each.messages for each in self._known if each.name not in named)
        await self._deletions.follow(candidates, elsewhere=others, complete=is_complete)

    async def _look_again(self) -> bool:
        """Brings in what came since the mailboxes were looked at: what moved meanwhile is missing in its old mailbox,
        and must not count as gone. Whether nothing comes any more."""
        for _ in range(_SECOND_LOOKS):
            choice = await self._choose()
            states = await self._states([each.key for each in choice.mailboxes])
            changed = [each for each in choice.mailboxes if self._has_arrivals(each, states.get(each.key))]
            if not changed:
                return True
            for mailbox in changed:
                seen = self._mailboxes.setdefault(mailbox.key, mailbox)
                if seen.state is None:
                    self._survey(seen)
                else:
                    self._crew.add(SecondLook(seen, (_LOOK, rank(seen)), self._arrived))
            await self._work()
        return False

    def _has_arrivals(self, mailbox: Mailbox, state: MailboxState | None) -> bool:
        seen = self._mailboxes.get(mailbox.key)
        if seen is None:
            return True
        if seen.failure or state is None:
            return False  # it hinders deletions anyway, or cannot be asked about
        return state.uid_next != seen.uid_next

    def _is_hindered(self) -> bool:
        """Whether mail that is missing may lie in a mailbox that could not be read. One that could never be opened is
        one that the user cannot read either."""
        return any(
            each.left or (each.failure and (each.known is not None or each.state is not None))
            for each in self._mailboxes.values()
        )

    async def _really_gone(self, choice: Choice) -> Sequence[KnownMailbox]:
        """Those that the server does not list, and does not know when it is asked for them."""
        if not choice.gone or not choice.has_inbox:
            return ()
        states = await self._states([each.key for each in choice.gone])
        return [each for each in choice.gone if each.key not in states]

    # The end

    async def _finish(self) -> None:
        name = self._account.name
        for mailbox in self._mailboxes.values():
            if mailbox.state is not None:
                await self._sync.finish(name, mailbox.as_known(complete=self._is_complete(mailbox)))
        unchanged = [each.name for each in self._mailboxes.values() if each.key in self._unchanged]
        if unchanged:
            await self._sync.unchanged(name, unchanged)
        if self._storing.placed:
            await self._sync.put_in_order()

    def _is_complete(self, mailbox: Mailbox) -> bool:
        if mailbox.failure or mailbox.left or not mailbox.flags_known:
            return False
        return not mailbox.needs_settling or mailbox.name in self._deletions.settled

    def _report(self, mailbox: Mailbox) -> None:
        if self._progress is not None:
            self._progress(
                SyncProgress(
                    account=self._account.name,
                    mailbox=mailbox.name,
                    stored=self._storing.placed,
                    wanted=self._wanted,
                    added=self._storing.added,
                    bytes_received=self._server.bytes_received,
                    seconds=time.monotonic() - self._started,
                )
            )
