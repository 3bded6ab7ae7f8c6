"""The tools that bring in new mail, and tell how the accounts on mail servers do. None takes a credential, or the name
of a server: accounts are the operator's, and are made on the command line alone."""

import asyncio
import shlex

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr

from mailquery.domain.counts import plural
from mailquery.mcp import shown
from mailquery.mcp.arguments import READ, SYNC, SizedArguments, visibility
from mailquery.services.background.freshness import remedy
from mailquery.services.background.refreshing import Refreshed
from mailquery.services.background.sync_runs import ProgressListener, SyncProgress
from mailquery.services.background.sync_status import AccountSync, SyncOverview
from mailquery.services.inventory import Services
from mcpkit.errors import ErrorCode
from mcpkit.protocol.calls import Call
from mcpkit.protocol.declarations import Tool, Truncated, UntrustedResult
from mcpkit.security.untrusted import safe_line, untrusted

WAIT_SECONDS = 45.0  # less than clients wait for an answer
_BETWEEN_REPORTS = 0.5  # seconds
_REASON_CHARS = 500
_MOST_QUESTIONS = 20


class SyncAccountArguments(SizedArguments):
    account: str | None = Field(default=None, max_length=300, description="Only this one.")


class SyncStatusArguments(SizedArguments):
    pass


class DeletionShown(BaseModel):
    model_config = ConfigDict(frozen=True)

    mailbox: str
    missing: int | None = Field(default=None, description="Messages of it that are on the server no more.")
    messages: int | None = Field(default=None, description="Messages that it had.")
    follow: str = Field(description="The command by which its user says that it is meant.")
    keep: str = Field(description="The command by which its user keeps the mail.")


class SyncShown(BaseModel):
    model_config = ConfigDict(frozen=True)

    account: str
    state: str = Field(description="active, paused or needs_login")
    synchronising: bool | None = Field(default=None, description="True where it is under way, and goes on.")
    stored: int | None = Field(default=None, description="Messages fetched of `wanted`, by what is under way.")
    wanted: int | None = None
    new: int | None = Field(default=None, description="Messages that this call brought in.")
    synchronised: str | None = Field(default=None, description="When the archive was last in step with the server.")
    messages: int | None = Field(default=None, description="Messages on the server, as last seen.")
    pending: int | None = Field(default=None, description="Those of them that are not in the archive yet.")
    next: str | None = Field(default=None, description="When it is synchronised next.")
    problem: str | None = Field(default=None, description="Why its mail does not come in, and what helps.")
    questions: list[DeletionShown] | None = Field(
        default=None, description="Deletions that wait: only its user answers, by one of the commands."
    )

    @classmethod
    def of(cls, account: AccountSync, done: Refreshed | None = None, *, counted: bool = True) -> "SyncShown":
        """Without numbers of messages where it is not to be `counted`."""
        problem = remedy(account)
        failed = done is not None and done.fault is not None
        if done is not None and done.fault is not None and done.fault.code is not ErrorCode.TIMEOUT and not problem:
            problem = done.fault.message
        questions = [
            DeletionShown(
                mailbox=shown.mailboxes((each.mailbox,))[0],
                missing=each.missing if counted else None,
                messages=each.messages if counted else None,
                follow=_command(account.account, "--accept-deletions", each.mailbox),
                keep=_command(account.account, "--keep-deleted", each.mailbox),
            )
            for each in account.questions[:_MOST_QUESTIONS]
        ]
        return cls(
            account=shown.mailboxes((account.account,))[0],
            state=account.state.value,
            synchronising=account.running or None,
            stored=account.stored if account.running and counted else None,
            wanted=account.wanted if account.running and counted else None,
            new=None if done is None or failed or not counted else done.added,
            synchronised=shown.maybe_when(account.succeeded),
            messages=account.messages if counted else None,
            pending=(account.pending if counted else 0) or None,
            next=shown.maybe_when(account.next_run),
            problem=safe_line(problem, _REASON_CHARS) or None,
            questions=questions or None,
        )

    def as_text(self) -> str:
        facts = [self.account, None if self.state == "active" else self.state]
        if self.new is not None:
            facts.append(f"{self.new:,} new")
        if self.synchronising:
            far = f", {self.stored:,} of {plural(self.wanted, 'message')}" if self.wanted else ""
            facts.append(f"being synchronised{far}; it goes on")
        facts.append(f"in step with its server at {self.synchronised}" if self.synchronised else "never in step yet")
        if self.pending:
            facts.append(f"{plural(self.pending, 'message')} on the server only")
        if self.next:
            facts.append(f"next {self.next}")
        lines = [" | ".join(fact for fact in facts if fact)]
        if self.problem:
            lines.append(f"  {self.problem}")
        for question in self.questions or ():
            much = "Many messages of"
            if question.missing is not None and question.messages is not None:
                much = f"{question.missing:,} of {plural(question.messages, 'message')} of"
            lines.append(
                f"  {much} {question.mailbox} are on the server no more. Its user says whether that is meant: "
                f"{question.follow} or {question.keep}"
            )
        return "\n".join(lines)


class SyncResult(UntrustedResult):
    """Names of mailboxes, and what servers said, are the servers' words."""

    total: int
    accounts: list[SyncShown]
    background: bool = Field(description="Whether mail is synchronised by itself too.")
    truncated: Truncated | None = None

    _all: list[SyncShown] = PrivateAttr()

    @classmethod
    def of(cls, found: SyncOverview, done: dict[str, Refreshed] | None = None) -> "SyncResult":
        chosen = [each for each in found.accounts if done is None or each.account in done]
        rows = [SyncShown.of(each, (done or {}).get(each.account), counted=found.may_be_counted) for each in chosen]
        result = cls(total=len(rows), accounts=rows, background=found.background)
        result._all = rows
        return result

    def units(self) -> int:
        return len(self._all) + 1

    def keep(self, units: int) -> "SyncResult":
        count = max(0, min(units - 1, len(self._all)))
        left = len(self._all) - count
        truncated = None
        if left:
            truncated = Truncated(unit="accounts", returned=count, omitted=left, next="a larger max_chars")
        return self.model_copy(update={"accounts": self._all[:count], "truncated": truncated})

    def as_text(self) -> str:
        if not self.total:
            return "No account is on a mail server: the user adds one with `mailquery accounts add`."
        lines = [untrusted("\n".join(each.as_text() for each in self.accounts))]
        if not self.background:
            lines.append("Nothing is synchronised by itself now.")
        if self.truncated:
            lines.append(f"{self.truncated.omitted:,} more accounts: {self.truncated.next}")
        return "\n".join(lines)


def sync_account(services: Services) -> Tool[SyncAccountArguments, SyncResult]:
    async def handler(call: Call, arguments: SyncAccountArguments) -> SyncResult:
        visible = visibility(call)
        reports = _Reports(call)
        counted = (await services.sync_status(visible)).may_be_counted
        refresh = services.refresh_accounts
        telling = asyncio.create_task(reports())
        try:
            if arguments.account is None:
                done = await refresh.all(visible, WAIT_SECONDS, listen=reports.listener if counted else None)
            else:
                listener = reports.listener(arguments.account) if counted else None
                done = (await refresh.one(visible, arguments.account, WAIT_SECONDS, listener),)
        finally:
            telling.cancel()
            await asyncio.gather(telling, return_exceptions=True)  # a client that takes no reports gets its answer
        found = await services.sync_status(visible)
        return SyncResult.of(found, {each.account: each for each in done})

    # Not read-only: the archive is another one afterwards. Not destructive: what it does to the archive is what the
    # owner did at the mail server and chose for the account, and what the next run by itself does; much that is missing
    # is asked about. The mail server is read only.
    return Tool(
        name="sync_account",
        title="Fetch new mail",
        description=(
            "Fetch what is new on the mail servers. Waits 45 seconds at most; the rest goes on. Gives new messages, "
            "problems with their remedy, and deletions that only the user answers."
        ),
        arguments=SyncAccountArguments,
        result=SyncResult,
        permission=SYNC,
        handler=handler,
        sensitive=True,
        read_only=False,
        open_world=True,
    )


def sync_status(services: Services) -> Tool[SyncStatusArguments, SyncResult]:
    async def handler(call: Call, arguments: SyncStatusArguments) -> SyncResult:
        return SyncResult.of(await services.sync_status(visibility(call)))

    return Tool(
        name="sync_status",
        title="Synchronisation status",
        description="How fresh each account on a mail server is, what is under way, what failed and what helps.",
        arguments=SyncStatusArguments,
        result=SyncResult,
        permission=READ,
        handler=handler,
    )


class _Reports:
    """How far the runs are, together, told to the client at a bounded rate: they tell after every write."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._far: dict[str, tuple[int, int]] = {}
        self._news = asyncio.Event()

    def listener(self, account: str) -> ProgressListener:
        def listen(progress: SyncProgress) -> None:
            self._far[account] = progress.stored, progress.wanted
            self._news.set()

        return listen

    async def __call__(self) -> None:
        """Until it is cancelled. Progress grows with every report, as the protocol asks."""
        told = -1
        while True:
            await self._news.wait()
            self._news.clear()
            stored = sum(stored for stored, _ in self._far.values())
            wanted = sum(wanted for _, wanted in self._far.values())
            if stored > told:
                told = stored
                await self._call.report(stored, max(wanted, stored), f"{stored:,} of {plural(wanted, 'message')}")
            await asyncio.sleep(_BETWEEN_REPORTS)


def _command(account: str, option: str, mailbox: str) -> str:
    return safe_line(shlex.join(["mailquery", "sync", account, option, mailbox]), _REASON_CHARS)
