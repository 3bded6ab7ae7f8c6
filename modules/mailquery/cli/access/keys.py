"""mailquery keys create | list | revoke, and what `master_key` adds to them"""

import difflib
import re
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from mailquery.application import Application
from mailquery.cli.access import master_key
from mailquery.cli.archive import EVERYTHING, with_application, with_archive
from mailquery.cli.output.printing import JsonFlag, local_time, note, print_json, print_rows
from mailquery.cli.output.shapes import Shape, moment
from mailquery.mcp.arguments import READ, SCOPES
from mailquery.settings import load_settings
from mcpkit.errors import ErrorCode, Fault
from mcpkit.security.authentication.accounts import AccountAccess
from mcpkit.security.authentication.key_store import ApiKey
from mcpkit.security.untrusted import clean_line

CREATE_HELP = """Make an API key for a user of the HTTP server. It is shown once and kept as a hash.

Scopes: mail:read, mail:attachments, mail:statistics, mail:sync, admin. A key opens no account that `auth.users` does
not give its user.

Examples:

```
mailquery keys create --user ana --scope mail:read --expires 90d
mailquery keys create --user ana --scope mail:read --scope mail:attachments --account work --label laptop
```
"""
LIST_HELP = """API keys: their visible beginning, whose they are, what they open, and when they were last used (to the
minute).

Examples:

```
mailquery keys list
mailquery keys list --user ana --json
```
"""
REVOKE_HELP = """Revoke an API key, named by its beginning. Running servers refuse it from the next request on.

Example:

```
mailquery keys revoke mq_kq3mzt5wd2u6y
```
"""

_LONGEST_NAME = 200
_SECONDS = {"h": 3600, "d": 86_400, "w": 7 * 86_400, "y": 365 * 86_400}
_DURATION = re.compile(r"(\d{1,5})([hdwy])")
_NEVER = "never"


def register(app: typer.Typer) -> None:
    group = typer.Typer(name="keys", help="API keys for the HTTP server, and the master key.", no_args_is_help=True)
    group.command("create", help=CREATE_HELP)(create)
    group.command("list", help=LIST_HELP)(list_keys)
    group.command("revoke", help=REVOKE_HELP)(revoke)
    master_key.register(group)
    app.add_typer(group)


def create(
    user: Annotated[str, typer.Option("--user", help="Whose key it is.")],
    scope: Annotated[list[str] | None, typer.Option("--scope", help=f"What it opens; the default is {READ}.")] = None,
    expires: Annotated[str, typer.Option("--expires", help="After 12h, 90d, 8w, 1y, or never.")] = "90d",
    account: Annotated[list[str] | None, typer.Option("--account", help="Only this account of the user's.")] = None,
    label: Annotated[str, typer.Option("--label", help="What it is for.")] = "",
    as_json: JsonFlag = False,
) -> None:
    name = _name(user, "--user")
    scopes = [_known("scope", each, tuple(SCOPES)) for each in scope or [READ]]
    until = _expiry(expires)

    async def make(application: Application) -> tuple[str, ApiKey, str]:
        known = [each.name for each in await application.services.list_accounts(EVERYTHING)]
        accounts = [_known("account", each, known) for each in account] if account else None
        made = await application.api_keys.create(
            name, scopes, label=clean_line(label, _LONGEST_NAME), accounts=accounts, expires=until
        )
        return *made, _remarks(application, name)

    settings = load_settings()
    key, kept, remark = with_application(make, settings)
    if as_json:
        print_json({"key": key, **_shape(kept)})
    else:
        print(key)
        ends = f"until {_when(until, settings.zone)}" if until else "with no end"
        note(f"The key of {name}, {ends}. It is not shown again. Send it as `Authorization: Bearer ...`.")
    if remark:
        note(remark)


def list_keys(
    user: Annotated[str | None, typer.Option("--user", help="Only this user's.")] = None, as_json: JsonFlag = False
) -> None:
    settings = load_settings()
    found = with_archive(lambda application: application.key_store.list(user), settings)
    if as_json:
        print_json({"keys": [_shape(key) for key in found]})
        return
    print_rows(
        ("key", "user", "scopes", "accounts", "state", "created", "expires", "last used", "label"),
        [_row(key, settings.zone) for key in found],
        flexible="label",
    )
    if not found:
        note("There are no keys. Make one: mailquery keys create --user NAME")


def revoke(
    key: Annotated[str, typer.Argument(help="The beginning that `keys list` shows.")], as_json: JsonFlag = False
) -> None:
    now = int(time.time())

    async def end(application: Application) -> tuple[str, bool]:
        id = application.api_keys.name_of(key)
        revoked = await application.key_store.revoke(id, now)
        if not revoked and await application.key_store.find(id) is None:
            raise Fault(ErrorCode.NOT_FOUND, "There is no such key. `mailquery keys list` shows those that there are.")
        return id, revoked

    id, revoked = with_archive(end)
    if as_json:
        print_json({"id": id, "revoked": revoked})
    else:
        print(f"{id} is revoked." if revoked else f"{id} was revoked before.")


def _name(given: str, option: str) -> str:
    if not given or clean_line(given, _LONGEST_NAME) != given:
        raise Fault(ErrorCode.VALIDATION_ERROR, f"{option} must be a name of at most {_LONGEST_NAME} characters.")
    return given


def _known(what: str, given: str, known: Sequence[str]) -> str:
    """Raises VALIDATION_ERROR: what is written wrongly would open nothing, and nobody would see why."""
    if given in known:
        return given
    close = difflib.get_close_matches(given, known, n=1)
    hint = f"Did you mean {close[0]}?" if close else f"There is: {', '.join(known) or 'none yet, import mail first'}."
    raise Fault(ErrorCode.VALIDATION_ERROR, f"{given} is no {what}. {hint}", details={"allowed": list(known)})


def _expiry(given: str) -> int | None:
    """Unix seconds."""
    if given == _NEVER:
        return None
    written = _DURATION.fullmatch(given.strip().lower())
    if written is None or not int(written[1]):
        raise Fault(ErrorCode.INVALID_FORMAT, "--expires must be like 12h, 90d, 8w or 1y, or never.")
    return int(time.time()) + int(written[1]) * _SECONDS[written[2]]


def _remarks(application: Application, user: str) -> str:
    """What is still missing before the key opens anything."""
    auth = application.settings.auth
    allowed = AccountAccess(auth.users).of(user)
    remarks = []
    if allowed is not None and not allowed:
        remarks.append(f"{user} may see no account yet: name them in auth.users (MAILQUERY_AUTH__USERS).")
    if "api-keys" not in auth.strategies:
        remarks.append("API keys are off: add api-keys to auth.strategies (MAILQUERY_AUTH__STRATEGIES=api-keys).")
    return " ".join(remarks)


def _row(key: ApiKey, zone: ZoneInfo) -> tuple[str, ...]:
    return (
        key.id,
        key.user,
        " ".join(sorted(key.scopes)),
        "*" if key.accounts is None else " ".join(sorted(key.accounts)),
        _state(key),
        *(_when(time, zone) for time in (key.created, key.expires, key.used)),
        key.label,
    )


def _when(time: int | None, zone: ZoneInfo) -> str:
    return "never" if time is None else local_time(datetime.fromtimestamp(time, UTC), zone)


def _state(key: ApiKey) -> str:
    if key.revoked is not None:
        return "revoked"
    return "expired" if key.expires is not None and key.expires <= time.time() else "valid"


def _shape(key: ApiKey) -> Shape:
    times = {"created": key.created, "expires": key.expires, "revoked": key.revoked, "used": key.used}
    return {
        "id": key.id,
        "user": key.user,
        "label": key.label,
        "scopes": sorted(key.scopes),
        "accounts": None if key.accounts is None else sorted(key.accounts),
        "state": _state(key),
        **{name: None if time is None else moment(datetime.fromtimestamp(time, UTC)) for name, time in times.items()},
    }
