"""What can be done with accounts on mail servers, as it is set."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mailquery.domain.accounts import MailAccount
from mailquery.repositories.synchronising import AccountRepository
from mailquery.services.accounts.account_states import (
    ChangeAccount,
    CheckAccount,
    Hold,
    ListMailAccounts,
    Names,
    PauseAccount,
    RemoveAccount,
    RemoveMail,
    ResumeAccount,
)
from mailquery.services.accounts.adding import AddAccount, RenewLogin
from mailquery.services.accounts.credentials import AccountCredentials, AccountTokens, Secrets
from mailquery.services.accounts.login_checking import CheckLogin
from mailquery.settings.accounts import Discovery
from mailquery.settings.synchronising import SyncTimeouts
from mailquery.sources.certificates import presented_fingerprint
from mailquery.sources.credentials import CredentialSource
from mailquery.sources.password_command import password_of_command
from mailquery.sources.remote import MailServer

if TYPE_CHECKING:
    from mailquery.sources.discovery.finding import FindServers
    from mailquery.sources.imap.limits import Limits


@dataclass(frozen=True, slots=True)
class MailAccounts:
    add: AddAccount
    renew: RenewLogin
    list: ListMailAccounts
    check: CheckAccount
    change: ChangeAccount
    pause: PauseAccount
    resume: ResumeAccount
    remove: RemoveAccount
    credentials: AccountCredentials


def mail_accounts(
    accounts: AccountRepository,
    secrets: Secrets,
    timeouts: SyncTimeouts,
    archive_names: Names,
    remove_mail: RemoveMail,
    tokens: AccountTokens,
    hold: Hold,
) -> MailAccounts:
    credentials = AccountCredentials(secrets, password_of_command, tokens)

    def connect(account: MailAccount, source: CredentialSource) -> MailServer:
        return imap_server(account, source, timeouts)

    check = CheckLogin(connect, presented_fingerprint)
    return MailAccounts(
        add=AddAccount(accounts, credentials, check, archive_names),
        renew=RenewLogin(accounts, credentials, check),
        list=ListMailAccounts(accounts),
        check=CheckAccount(accounts, credentials, check),
        change=ChangeAccount(accounts),
        pause=PauseAccount(accounts),
        resume=ResumeAccount(accounts),
        remove=RemoveAccount(accounts, credentials, archive_names, remove_mail, hold),
        credentials=credentials,
    )


def imap_server(
    account: MailAccount, source: CredentialSource, timeouts: SyncTimeouts, *, largest: int = 0
) -> MailServer:
    """`largest` is in bytes, of a message that is fetched whole when it is asked for."""
    from mailquery.sources.imap.server import ImapServer

    limits = imap_limits(timeouts, max(largest, account.largest))
    return ImapServer(account.server, account.username, source, limits)


def imap_limits(timeouts: SyncTimeouts, largest: int) -> "Limits":
    """With room for a message of `largest` bytes, by what its server says."""
    from mailquery.sources.imap.limits import Limits

    usual = Limits()
    message = max(usual.message, largest + largest // 8)  # servers announce sizes that are nearly right
    return Limits(
        connect=timeouts.connect,
        read=timeouts.read,
        command=timeouts.command,
        idle=timeouts.idle,
        message=message,
        batch=max(usual.batch, message),
    )


def find_servers(chosen: Discovery) -> "FindServers":
    """By the settings; what it needs for asking the DNS and the web is imported only here."""
    from mailquery.sources.discovery.finding import FindServers, Ways
    from mailquery.sources.discovery.lookups import Lookups

    lookups = Lookups(chosen.nameservers, timeout=chosen.seconds / 2)
    return FindServers(Ways(lookups, chosen.seconds, chosen.database))
