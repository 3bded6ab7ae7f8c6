"""One synchronisation of one account."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from typing import Protocol

from mailquery.domain.accounts import AccountState, MailAccount
from mailquery.repositories.synchronising import AccountRepository, Outcome, SyncRepository
from mailquery.services.new_messages import Preparers
from mailquery.services.parser_pool import ParserPool
from mailquery.services.synchronising.reports import SyncOptions, SyncProgress, SyncSummary
from mailquery.services.synchronising.run import Run
from mailquery.sources.remote import MailServer
from mcpkit.errors import ErrorCode, Fault

logger = logging.getLogger(__name__)

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
        *,
        pool_of: Callable[[int], Preparers] = ParserPool,
    ) -> None:
        """`server_of` gives the server of an account, with its retries and its circuit breaker; `pool_of` what parses
        messages, in as many processes as it is told."""
        self._accounts = accounts
        self._sync = sync
        self._server_of = server_of
        self._locks = locks
        self._options = options or SyncOptions()
        self._pool_of = pool_of

    async def __call__(self, name: str, progress: Callable[[SyncProgress], None] | None = None) -> SyncSummary:
        """`name` is the account's. `progress` is called after every write.

        Raises Fault: NOT_FOUND where there is no such account on a server; CONFLICT where another process synchronises
        it; what the server raises (`sources.remote`; SERVICE_UNAVAILABLE while its host is left alone); what the
        archive raises. What was written until then stays. A refused login is recorded as the account's state.
        """
        await self._account(name)
        async with self._locks.hold(name):
            account = await self._account(name)  # as it is now that nobody else changes it
            await self._accounts.begun(name)
            try:
                summary = await self._run(account, progress)
            except Fault as fault:
                await self._failed(name, fault)
                raise
            except BaseException as error:
                # An error of the program's own is none of the account's; it is logged where it is caught.
                if isinstance(error, Exception):
                    await self._ended(name, Outcome.FAILED, f"An error of the program ({type(error).__name__}).")
                else:
                    await self._ended(name, Outcome.STOPPED)
                raise
            await self._accounts.ended(name, Outcome.DONE)
            if account.state is AccountState.NEEDS_LOGIN:
                await self._set_state(name, AccountState.ACTIVE)
            standing = await self._accounts.standing(name)
            return replace(summary, questions=standing.questions)

    async def answer(self, name: str, mailbox: str, *, accepted: bool) -> None:
        """Answers the question about what is missing of a mailbox; the next synchronisation follows. Raises Fault
        NOT_FOUND where there is no such account, or no question about a mailbox of this name."""
        await self._account(name)
        if not await self._sync.answer(name, mailbox, accepted=accepted):
            questions = (await self._accounts.standing(name)).questions
            asked = ", ".join(each.mailbox for each in questions)
            raise Fault(
                ErrorCode.NOT_FOUND,
                f"Nothing is asked about this mailbox of {name}."
                + (" There is a question about:" if asked else " Nothing is asked about any other either."),
                others=asked,
            )

    async def _account(self, name: str) -> MailAccount:
        account = await self._accounts.get(name)
        if account is None:
            raise Fault(
                ErrorCode.NOT_FOUND,
                f"There is no account {name} on a mail server. Run: mailquery accounts list",
                details={"account": name},
            )
        return account

    async def _run(self, account: MailAccount, progress: Callable[[SyncProgress], None] | None) -> SyncSummary:
        pool = self._pool_of(self._options.workers)
        run = Run(account, self._sync, self._server_of(account), self._options, pool, progress)
        try:
            await self._within_its_time(run)
        except BaseException:
            try:
                await run.close()
            except Fault as fault:
                logger.warning("what was fetched last of %s is not stored: %s", account.name, fault.told_here)
            raise
        await run.close()
        return run.summary()

    async def _within_its_time(self, run: Run) -> None:
        """Raises Fault TIMEOUT; what was stored until then stays."""
        try:
            async with asyncio.timeout(self._options.longest) as limit:
                await run()
        except TimeoutError:
            if not limit.expired():
                raise
            raise Fault(
                ErrorCode.TIMEOUT,
                f"It took longer than {self._options.longest:,.0f} s (sync.longest_seconds). What came until then is "
                "stored, and the same synchronisation again goes on.",
                details={"seconds": self._options.longest},
            ) from None

    async def _failed(self, name: str, fault: Fault) -> None:
        if fault.code is ErrorCode.LOGIN_FAILED:
            await self._set_state(name, AccountState.NEEDS_LOGIN, fault.message)
        await self._ended(name, Outcome.FAILED, fault.message, fault.code.name)

    async def _set_state(self, name: str, state: AccountState, reason: str = "") -> None:
        """Unless the user paused it meanwhile: it stays paused."""
        account = await self._accounts.get(name)
        if account is not None and account.state is not AccountState.PAUSED:
            await self._accounts.set_state(name, state, reason)

    async def _ended(self, name: str, outcome: Outcome, error: str = "", error_code: str = "") -> None:
        try:
            await self._accounts.ended(name, outcome, error, error_code)
        except Fault as fault:  # a full disk, which is why it ended: that is what the caller is told
            logger.warning("how the synchronisation of %s ended is not recorded: %s", name, fault.told_here)
