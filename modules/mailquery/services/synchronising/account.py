"""One synchronisation of one account."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from mailquery.domain.accounts import MailAccount
from mailquery.repositories.synchronising import AccountRepository, SyncRepository
from mailquery.services.synchronising.reports import SyncOptions, SyncProgress, SyncSummary
from mailquery.sources.remote import MailServer

ServerOf = Callable[[MailAccount], MailServer]


class AccountLocks(Protocol):
    """Keeps accounts from being synchronised twice at a time, across processes."""

    def hold(self, name: str) -> AbstractAsyncContextManager[None]:
        """Holds the lock of this account. Raises Fault CONFLICT where any holds it already."""
        ...


class SyncAccount:
    """Brings the archive up to date with an account's server, once.

    What is written is complete: a synchronisation that was stopped, in whatever way, is completed by the next one.
    """

    def __init__(
        self,
        accounts: AccountRepository,
        sync: SyncRepository,
        server_of: ServerOf,
        locks: AccountLocks,
        options: SyncOptions | None = None,
    ) -> None:
        """`server_of` gives the server of an account, with its retries and its circuit breaker."""
        self._accounts = accounts
        self._sync = sync
        self._server_of = server_of
        self._locks = locks
        self._options = options or SyncOptions()

    async def __call__(self, name: str, progress: Callable[[SyncProgress], None] | None = None) -> SyncSummary:
        """`name` is the account's. `progress` is called after every write.

        Raises Fault: NOT_FOUND where there is no such account on a server; CONFLICT where another process synchronises
        it; what the server raises (`sources.remote`; SERVICE_UNAVAILABLE while its host is left alone); what the
        archive raises. What was written until then stays. A refused login is recorded as the account's state.
        """
        raise NotImplementedError

    async def answer(self, name: str, mailbox: str, *, accepted: bool) -> None:
        """Answers the question about what is missing of a mailbox; the next synchronisation follows. Raises Fault
        NOT_FOUND where there is no such account, or no question about a mailbox of this name."""
        raise NotImplementedError
