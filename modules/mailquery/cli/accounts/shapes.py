"""Accounts on mail servers, as the commands show them. Nothing of it is secret."""

from zoneinfo import ZoneInfo

from mailquery.cli.output.printing import local_time
from mailquery.cli.output.shapes import Shape, moment
from mailquery.domain.accounts import AccountState, Login, MailAccount, Security
from mailquery.repositories.synchronising import SyncStanding
from mailquery.services.accounts.account_states import MailAccountStanding

_SECURITY = {Security.TLS: "TLS", Security.STARTTLS: "STARTTLS", Security.NONE: "not encrypted"}
_LOGIN = {Login.PASSWORD: "with a stored password", Login.COMMAND: "with a password command", Login.OAUTH: "by OAuth"}
_STATES = {AccountState.ACTIVE: "active", AccountState.PAUSED: "paused", AccountState.NEEDS_LOGIN: "needs login"}


def server_words(account: MailAccount) -> str:
    server = account.server
    pinned = ", certificate pinned" if server.pinned else ""
    return f"{server.host}:{server.port} ({_SECURITY[server.security]}{pinned})"


def login_words(account: MailAccount) -> str:
    return _LOGIN[account.login]


def state_words(account: MailAccount) -> str:
    return _STATES[account.state]


def account_row(each: MailAccountStanding, zone: ZoneInfo) -> tuple[str, ...]:
    account, standing = each.account, each.standing
    return (
        account.name,
        account.address,
        server_words(account),
        state_words(account),
        local_time(standing.succeeded, zone) if standing.succeeded else "never",
        account.state_reason or standing.error or _asks(standing),
    )


def _asks(standing: SyncStanding) -> str:
    mailboxes = ", ".join(each.mailbox for each in standing.questions)
    return f"much is missing of {mailboxes}: mailquery status" if mailboxes else ""


def account_shape(account: MailAccount) -> Shape:
    server = account.server
    return {
        "name": account.name,
        "address": account.address,
        "host": server.host,
        "port": server.port,
        "security": server.security.value,
        "pinned": server.pinned or None,
        "username": account.username,
        "login": account.login.value,
        "password_command": account.password_command or None,
        "oauth": account.oauth.provider if account.oauth else None,
        "include": list(account.include),
        "exclude": list(account.exclude),
        "when_gone": account.when_gone.value,
        "largest": account.largest,
        "state": account.state.value,
        "state_reason": account.state_reason or None,
    }


def standing_shape(each: MailAccountStanding) -> Shape:
    standing = each.standing
    return {
        **account_shape(each.account),
        "sync": {
            "outcome": standing.outcome.value,
            "succeeded": moment(standing.succeeded),
            "finished": moment(standing.finished),
            "error": standing.error or None,
            "failures": standing.failures,
            "mailboxes": standing.mailboxes,
            "messages": standing.messages,
            "pending": standing.pending,
            "questions": len(standing.questions),
        },
    }
