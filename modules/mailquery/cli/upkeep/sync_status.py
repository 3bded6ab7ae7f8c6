"""How the accounts on mail servers do, in words and as JSON."""

import shlex
from zoneinfo import ZoneInfo

from mailquery.cli.output import shapes
from mailquery.cli.output.printing import local_time
from mailquery.domain.accounts import AccountState
from mailquery.domain.counts import plural
from mailquery.domain.spans import ago
from mailquery.repositories.synchronising import DeletionQuestion
from mailquery.services.background.sync_status import AccountSync, SyncOverview
from mcpkit.security.untrusted import clean_line

_OPEN = frozenset({"open", "half-open"})


def in_words(account: AccountSync, zone: ZoneInfo) -> str:
    """One line."""
    match account.state:
        case AccountState.PAUSED:
            return f"paused; {_freshness(account)}"
        case AccountState.NEEDS_LOGIN:
            return f"needs a login: {account.reason or account.error} {_capitalised(_freshness(account))}"
    parts = []
    if account.running_since is not None:
        far = f", {account.stored:,} of {plural(account.wanted, 'message')}" if account.wanted else ""
        parts.append(f"being synchronised since {local_time(account.running_since, zone)}{far}")
    elif account.failures:
        times = "once" if account.failures == 1 else f"{account.failures:,} times in a row"
        parts.append(f"failed {times}: {account.error.rstrip('.')}")
    parts.append(_freshness(account))
    if account.pending and not account.wanted:
        parts.append(f"{plural(account.pending, 'message')} still on the server only")
    if account.host is not None and account.host.state in _OPEN:
        until = f" until {local_time(account.host.next_try, zone)}" if account.host.next_try is not None else ""
        parts.append(f"{account.host.host} is left alone{until}")
    if account.watched:
        parts.append("new mail is announced by the server")
    elif account.next_run is not None:
        parts.append(f"next at {local_time(account.next_run, zone)}")
    return "; ".join(parts)


def question_in_words(question: DeletionQuestion) -> str:
    return (
        f"{question.missing:,} of {plural(question.messages, 'message')} of {question.mailbox} are not on the server "
        "any more. They are kept until you say whether that is meant."
    )


def answers(account: str, question: DeletionQuestion) -> str:
    """The commands that answer it."""
    command, mailbox = f"mailquery sync {shlex.quote(account)}", shlex.quote(clean_line(question.mailbox))
    return f"If it is: {command} --accept-deletions {mailbox} - to keep the mail: {command} --keep-deleted {mailbox}"


def _freshness(account: AccountSync) -> str:
    if account.age is None:
        return "never in step with the server yet"
    return f"in step with the server {ago(account.age)}"


def _capitalised(text: str) -> str:
    return text[:1].upper() + text[1:] + "."


def overview_shape(found: SyncOverview) -> shapes.Shape:
    return {"background": found.background, "accounts": [_shape(account) for account in found.accounts]}


def _shape(account: AccountSync) -> shapes.Shape:
    return {
        "account": account.account,
        "state": account.state.value,
        "reason": account.reason or None,
        "running_since": shapes.moment(account.running_since),
        "stored": account.stored if account.running else None,
        "wanted": account.wanted if account.running else None,
        "last_success": shapes.moment(account.succeeded),
        "seconds_since": round(account.age) if account.age is not None else None,
        "failures": account.failures,
        "error": {"code": account.error_code, "message": account.error} if account.failures else None,
        "mailboxes": account.mailboxes,
        "messages": account.messages,
        "pending": account.pending,
        "next_run": shapes.moment(account.next_run),
        "watched": account.watched,
        "questions": [
            {
                "mailbox": question.mailbox,
                "missing": question.missing,
                "messages": question.messages,
                "asked": shapes.moment(question.asked),
            }
            for question in account.questions
        ],
        "host": {
            "name": account.host.host,
            "breaker": account.host.state,
            "failures": account.host.failures,
            "next_try": shapes.moment(account.host.next_try),
        }
        if account.host is not None
        else None,
    }
