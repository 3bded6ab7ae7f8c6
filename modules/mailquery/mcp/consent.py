"""Consent to use mail: what a call touches, and in which words its owner is asked, none of them from mail."""

import shlex
from collections.abc import Awaitable, Callable, Mapping, Sequence

from mailquery.mcp.arguments import visibility
from mailquery.mcp.capabilities import CAPABILITIES
from mailquery.repositories.records import Visibility
from mcpkit.errors import ErrorCode, Fault
from mcpkit.protocol.calls import Call
from mcpkit.protocol.stages.consenting import Question, Touched
from mcpkit.security.consent.consents import Choice
from mcpkit.security.untrusted import clean_line

_SHOWN_ACCOUNTS = 12
_NAME_CHARS = 80

AccountNames = Callable[[Visibility], Awaitable[Sequence[str]]]


class MailTerms:
    """Resources are accounts, by name. A call whose arguments name none may touch every one that its principal may see:
    an id tells nothing of the account before it is looked up."""

    capabilities = frozenset(CAPABILITIES)
    title = "Your answer"

    def __init__(self, account_names: AccountNames, days: int) -> None:
        self._account_names = account_names
        self.choices: Mapping[str, Choice] = {
            "Allow once": Choice.ONCE,
            "Allow for this day": Choice.DAY,
            f"Allow for {days} days": Choice.LONG,
            "No": Choice.NO,
        }
        self._days = days

    async def touched(self, call: Call) -> Touched:
        visible = tuple(await self._account_names(visibility(call)))
        given = call.given.get("account") if isinstance(call.given, dict) else getattr(call.given, "account", None)
        wanted = str(given or "").strip().casefold()
        return Touched(visible, next((name for name in visible if name.casefold() == wanted), None))

    def message(self, question: Question) -> str:
        what = _joined([CAPABILITIES[capability] for capability in question.capabilities])
        asked = f"May the assistant {what}? This is about {_accounts(question.resources)}."
        if question.fresh:
            asked += (
                " It was shown mail before this, and what others write in mail can make an assistant do things that "
                "you did not ask for. Allow it only if you expect it."
            )
        return asked

    def required(self, question: Question) -> Fault:
        """CONSENT_REQUIRED. `details` hold the capabilities, accounts, why (`undecided`, `refused` or `stale`) and the
        command."""
        command = grant_command(question.user, question.capabilities, question.resources, f"{self._days}d")
        why = "refused" if question.refused else "stale" if question.fresh else "undecided"
        reason = {
            "undecided": "Nobody has consented",
            "refused": "The owner of the mail does not consent",
            "stale": "Since mail was shown to this client, nobody has consented anew",
        }[why]
        lasts = ", until mail is shown again" if why == "stale" else ""
        return Fault(
            ErrorCode.CONSENT_REQUIRED,
            f"{reason} to {', '.join(question.capabilities)} for {_accounts(question.resources)}. The owner can allow "
            f"it where the server runs{lasts}: {command}",
            details={
                "capabilities": list(question.capabilities),
                "accounts": [clean_line(name, _NAME_CHARS) for name in question.resources],
                "why": why,
                "command": command,
            },
        )


def grant_command(user: str, capabilities: Sequence[str], accounts: Sequence[str], duration: str) -> str:
    """As it is pasted into a shell."""
    words = ["mailquery", "consent", "grant", "--user", user]
    for capability in capabilities:
        words += ["--capability", capability]
    for account in accounts:
        words += ["--account", account]
    return shlex.join([*words, "--for", duration])


def _accounts(names: Sequence[str]) -> str:
    shown = [f"“{clean_line(name, _NAME_CHARS)}”" for name in names[:_SHOWN_ACCOUNTS]]
    if len(names) > len(shown):
        shown.append(f"{len(names) - len(shown)} more")
    return f"the account{'' if len(names) == 1 else 's'} {_joined(shown)}"


def _joined(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
