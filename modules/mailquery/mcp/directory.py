"""The tools that list accounts and mailboxes."""

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr

from mailquery.domain.accounts import AccountState
from mailquery.domain.counts import plural
from mailquery.mcp import shown
from mailquery.mcp.arguments import READ, SizedArguments, visibility
from mailquery.repositories.records import AccountSummary, MailboxSummary
from mailquery.services.directory import ListAccounts, ListMailboxes
from mcpkit.protocol.calls import Call
from mcpkit.protocol.declarations import Tool, Truncated, UntrustedResult
from mcpkit.security.untrusted import clean_line, untrusted

_LONGEST_REASON = 300  # characters


class ListAccountsArguments(SizedArguments):
    pass


class ListMailboxesArguments(SizedArguments):
    account: str | None = Field(default=None, max_length=300, description="Only those of this account.")


class AccountShown(BaseModel):
    model_config = ConfigDict(frozen=True)

    name: str
    mailboxes: int
    messages: int = Field(description="A message in two mailboxes counts once.")
    unread: int
    oldest: str | None = None
    newest: str | None = None
    refreshed: str | None = Field(default=None, description="When mail was last imported or synchronised.")
    stopped: str | None = Field(default=None, description="Why nothing new comes from its mail server, if so.")

    @classmethod
    def of(cls, account: AccountSummary) -> "AccountShown":
        return cls(
            name=shown.mailboxes((account.name,))[0],
            mailboxes=account.mailboxes,
            messages=account.messages,
            unread=account.unread,
            oldest=shown.maybe_when(account.oldest),
            newest=shown.maybe_when(account.newest),
            refreshed=shown.maybe_when(account.refreshed),
            stopped=_stopped(account),
        )

    def as_text(self) -> str:
        facts = [self.name, plural(self.messages, "message"), f"{self.unread:,} unread"]
        facts.append(plural(self.mailboxes, "mailbox", "mailboxes"))
        if self.oldest and self.newest:
            facts.append(f"{self.oldest} to {self.newest}")
        facts.append(f"refreshed {self.refreshed}" if self.refreshed else "never read to its end")
        if self.stopped:
            facts.append(self.stopped)
        return " | ".join(facts)


def _stopped(account: AccountSummary) -> str | None:
    if account.state is None or account.state is AccountState.ACTIVE:
        return None
    state = "paused" if account.state is AccountState.PAUSED else "needs a login"
    return clean_line(f"{state}: {account.state_reason}" if account.state_reason else state, _LONGEST_REASON)


class MailboxShown(BaseModel):
    model_config = ConfigDict(frozen=True)

    name: str
    account: str
    role: str | None = None
    messages: int
    unread: int
    newest: str | None = None
    refreshed: str | None = Field(default=None, description="When mail was last imported or synchronised.")

    @classmethod
    def of(cls, mailbox: MailboxSummary) -> "MailboxShown":
        name, account = shown.mailboxes((mailbox.name, mailbox.account))
        return cls(
            name=name,
            account=account,
            role=mailbox.role.value or None,
            messages=mailbox.messages,
            unread=mailbox.unread,
            newest=shown.maybe_when(mailbox.newest),
            refreshed=shown.maybe_when(mailbox.refreshed),
        )

    def as_text(self) -> str:
        facts = [f"{self.account}: {self.name}", self.role, plural(self.messages, "message")]
        facts += [f"{self.unread:,} unread", f"newest {self.newest}" if self.newest else None]
        facts.append(f"refreshed {self.refreshed}" if self.refreshed else "never read to its end")
        return " | ".join(fact for fact in facts if fact)


class AccountList(UntrustedResult):
    total: int
    accounts: list[AccountShown]
    truncated: Truncated | None = None

    _all: list[AccountShown] = PrivateAttr()

    @classmethod
    def of(cls, accounts: tuple[AccountSummary, ...]) -> "AccountList":
        result = cls(total=len(accounts), accounts=[AccountShown.of(account) for account in accounts])
        result._all = result.accounts
        return result

    def units(self) -> int:
        """A step without rows, then the rows."""
        return len(self._all) + 1

    def keep(self, units: int) -> "AccountList":
        count = max(0, min(units - 1, len(self._all)))
        truncated = _rows_left_out("accounts", count, len(self._all), "a larger max_chars")
        return self.model_copy(update={"accounts": self._all[:count], "truncated": truncated})

    def as_text(self) -> str:
        if not self.total:
            return "No accounts: the archive is empty. Import mail first."
        lines = [f"{plural(self.total, 'account')}:"]
        lines.append(untrusted("\n".join(account.as_text() for account in self.accounts)))
        return "\n".join([*filter(None, lines), *_left_out_lines(self.truncated)])


class MailboxList(UntrustedResult):
    total: int
    mailboxes: list[MailboxShown]
    truncated: Truncated | None = None

    _all: list[MailboxShown] = PrivateAttr()

    @classmethod
    def of(cls, mailboxes: tuple[MailboxSummary, ...]) -> "MailboxList":
        result = cls(total=len(mailboxes), mailboxes=[MailboxShown.of(mailbox) for mailbox in mailboxes])
        result._all = result.mailboxes
        return result

    def units(self) -> int:
        """A step without rows, then the rows."""
        return len(self._all) + 1

    def keep(self, units: int) -> "MailboxList":
        count = max(0, min(units - 1, len(self._all)))
        following = "`account` for one account, or a larger max_chars"
        truncated = _rows_left_out("mailboxes", count, len(self._all), following)
        return self.model_copy(update={"mailboxes": self._all[:count], "truncated": truncated})

    def as_text(self) -> str:
        if not self.total:
            return "No mailboxes: the archive is empty. Import mail first."
        lines = [f"{plural(self.total, 'mailbox', 'mailboxes')}:"]
        lines.append(untrusted("\n".join(mailbox.as_text() for mailbox in self.mailboxes)))
        return "\n".join([*filter(None, lines), *_left_out_lines(self.truncated)])


def _rows_left_out(unit: str, returned: int, total: int, following: str) -> Truncated | None:
    if returned == total:
        return None
    return Truncated(unit=unit, returned=returned, omitted=total - returned, next=following)


def _left_out_lines(truncated: Truncated | None) -> list[str]:
    return [f"{truncated.omitted:,} more {truncated.unit}: {truncated.next}"] if truncated else []


def list_accounts(listing: ListAccounts) -> Tool[ListAccountsArguments, AccountList]:
    async def handler(call: Call, arguments: ListAccountsArguments) -> AccountList:
        return AccountList.of(await listing(visibility(call)))

    return Tool(
        name="list_accounts",
        title="List accounts",
        description="The mail accounts in the archive: names, counts, unread, first and newest date, freshness.",
        arguments=ListAccountsArguments,
        result=AccountList,
        permission=READ,
        handler=handler,
    )


def list_mailboxes(listing: ListMailboxes) -> Tool[ListMailboxesArguments, MailboxList]:
    async def handler(call: Call, arguments: ListMailboxesArguments) -> MailboxList:
        return MailboxList.of(await listing(visibility(call), arguments.account))

    return Tool(
        name="list_mailboxes",
        title="List mailboxes",
        description=(
            "The mailboxes (folders and labels): names for `mailbox` and in:, roles, counts, unread, newest date, "
            "and how fresh they are."
        ),
        arguments=ListMailboxesArguments,
        result=MailboxList,
        permission=READ,
        preset=("account",),
        handler=handler,
    )
