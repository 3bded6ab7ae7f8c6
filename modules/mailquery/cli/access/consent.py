"""mailquery consent"""

import difflib
import re
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from mailquery.application import Application
from mailquery.cli.archive import EVERYTHING, with_application, with_archive
from mailquery.cli.output.printing import JsonFlag, local_time, note, print_json, print_rows
from mailquery.domain.counts import plural
from mailquery.mcp.capabilities import CAPABILITIES
from mailquery.settings import load_settings
from mcpkit.errors import ErrorCode, Fault
from mcpkit.security.consent.consents import next_midnight
from mcpkit.security.consent.store import EVERY, Decision, Way
from mcpkit.security.identity import login_name

HELP = """Who may let an assistant use which mail: consents, given in a dialog, by these commands, or by a setting. A
running server follows from its next call on."""

LIST_HELP = """List the consents that hold, and the refusals that are remembered, newest first.

Examples:

```
mailquery consent list
mailquery consent list --user ana --all --json
```
"""

GRANT_HELP = """Give consent to a capability for some accounts or, where none is named, for every account.

Examples:

```
mailquery consent grant --capability mail:read --for 30d
mailquery consent grant --user ana --capability mail:read --account work --for today --reason "the audit"
```
"""

REVOKE_HELP = """End consents at once: those for the capabilities and accounts that are named, or all of a user's.

Examples:

```
mailquery consent revoke --capability mail:attachments
mailquery consent revoke --user ana --account work
```
"""

_UNITS = {"m": 60, "h": 3_600, "d": 86_400, "w": 7 * 86_400}
_LONGEST = 10 * 365 * 86_400  # seconds

User = Annotated[str | None, typer.Option("--user", help="Whose mail; the default is the local user.")]
Capabilities = Annotated[list[str], typer.Option("--capability", "-c", help=f"One of {', '.join(CAPABILITIES)}.")]
Accounts = Annotated[list[str] | None, typer.Option("--account", "-a", help="An account; the default is every one.")]
Reason = Annotated[str, typer.Option("--reason", help="Why, for the record.")]


def register(app: typer.Typer) -> None:
    consent = typer.Typer(name="consent", help=HELP, no_args_is_help=True)
    consent.command("list", help=LIST_HELP)(list_consents)
    consent.command("grant", help=GRANT_HELP)(grant)
    consent.command("revoke", help=REVOKE_HELP)(revoke)
    app.add_typer(consent)


def list_consents(
    user: Annotated[str | None, typer.Option("--user", help="Only this user's.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Also those that ended.")] = False,
    as_json: JsonFlag = False,
) -> None:
    now, settings = time.time(), load_settings()
    found = with_archive(
        lambda application: application.consent_store.listed(user, now, everything=everything), settings
    )
    _print(found, now, settings.zone, as_json)
    if not found and not as_json:
        note("No consents are on record.")


def grant(
    capability: Capabilities,
    account: Accounts = None,
    user: User = None,
    duration: Annotated[
        str, typer.Option("--for", help="How long: 90m, 8h, 30d, 4w, or today (until midnight).")
    ] = "30d",
    reason: Reason = "",
    as_json: JsonFlag = False,
) -> None:
    capabilities = [_known(each, CAPABILITIES, "capability") for each in capability]
    now, settings = time.time(), load_settings()

    async def store(application: Application) -> list[Decision]:
        accounts = await _accounts(application, account)
        until = _until(duration, now, application)
        template = Decision(
            application.local_user if user is None else user,
            "",
            "",
            granted=True,
            decided=now,
            expires=until,
            decided_by=login_name(),
            way=Way.COMMAND,
            reason=reason,
        )
        made = [replace(template, capability=each, resource=name) for each in capabilities for name in accounts]
        await application.consent_store.record(made)
        return made

    _print(with_application(store, settings), now, settings.zone, as_json)


def revoke(
    capability: Annotated[
        list[str] | None, typer.Option("--capability", "-c", help="One of these; the default is all.")
    ] = None,
    account: Accounts = None,
    user: User = None,
    reason: Reason = "",
    as_json: JsonFlag = False,
) -> None:
    capabilities = [_known(each, CAPABILITIES, "capability") for each in capability or ()]
    now = time.time()

    async def end(application: Application) -> int:
        owner = application.local_user if user is None else user
        chosen: list[str | None] = [*capabilities] or [None]
        accounts: list[str | None] = [*await _accounts(application, account)] if account else [None]
        ended = 0
        for each in chosen:
            for name in accounts:
                ended += await application.consent_store.revoke(owner, each, name, login_name(), reason, now)
        return ended

    ended = with_archive(end)
    if not ended:
        raise Fault(ErrorCode.NOT_FOUND, "No such consent holds. `mailquery consent list` shows those that do.")
    if as_json:
        print_json({"revoked": ended})
    else:
        print(f"{plural(ended, 'consent')} revoked")


def _print(decisions: Sequence[Decision], now: float, zone: ZoneInfo, as_json: bool) -> None:
    if as_json:
        print_json({"consents": [_shape(each, now) for each in decisions]})
        return
    print_rows(
        ("user", "capability", "account", "decision", "until", "by", "reason"),
        [
            (
                each.user,
                each.capability,
                each.resource,
                _state(each, now),
                local_time(_moment(each.expires), zone) if each.expires is not None else "-",
                f"{each.decided_by} ({each.way.value})",
                each.reason,
            )
            for each in decisions
        ],
        flexible="reason",
    )


def _state(decision: Decision, now: float) -> str:
    if decision.revoked is not None:
        return "revoked"
    if not decision.holds(now):
        return "ended"
    return "granted" if decision.granted else "refused"


def _shape(decision: Decision, now: float) -> dict[str, object]:
    return {
        "user": decision.user,
        "capability": decision.capability,
        "account": decision.resource,
        "decision": "granted" if decision.granted else "refused",
        "holds": decision.holds(now),
        "decided": _moment(decision.decided).isoformat(),
        "expires": None if decision.expires is None else _moment(decision.expires).isoformat(),
        "revoked": None if decision.revoked is None else _moment(decision.revoked).isoformat(),
        "revoked_by": decision.revoked_by or None,
        "by": decision.decided_by,
        "way": decision.way.value,
        "reason": decision.reason or None,
    }


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


async def _accounts(application: Application, given: Sequence[str] | None) -> list[str]:
    """As the archive spells them: a consent for an account that there is not would be for nothing, silently."""
    if not given:
        return [EVERY]
    names = await application.services.account_names(EVERYTHING)
    return [each if each == EVERY else _known(each, names, "account") for each in given]


def _known(given: str, known: Iterable[str], what: str) -> str:
    by_folded = {each.casefold(): each for each in known}
    found = by_folded.get(given.strip().casefold())
    if found is not None:
        return found
    near = difflib.get_close_matches(given.casefold(), by_folded, n=1)
    hint = f" Did you mean {by_folded[near[0]]}?" if near else f" There is: {', '.join(by_folded.values()) or 'none'}."
    raise Fault(ErrorCode.VALIDATION_ERROR, f"--{what} {given} is no {what}.{hint}", details={"argument": what})


def _until(duration: str, now: float, application: Application) -> float:
    if duration.strip().casefold() == "today":
        return next_midnight(now, application.settings.zone)
    found = re.fullmatch(r"([0-9]{1,6})([mhdw])", duration.strip().casefold())
    seconds = int(found[1]) * _UNITS[found[2]] if found else 0
    if not 0 < seconds <= _LONGEST:
        raise Fault(
            ErrorCode.VALIDATION_ERROR,
            "--for takes a number with its unit, such as 90m, 8h, 30d or 4w (ten years at most), or today.",
            details={"argument": "for"},
        )
    return now + seconds
