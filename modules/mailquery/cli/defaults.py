"""mailquery defaults"""

from typing import Annotated

import typer

from mailquery.application import Application
from mailquery.cli.archive import with_application, with_archive
from mailquery.cli.output.printing import JsonFlag, print_json, print_rows
from mcpkit.protocol.parameters import Preset

HELP = """What a tool's arguments are where a call leaves them out. A call's own arguments come first; then what is
stored for the user; then the environment, such as MAILQUERY_SEARCH_MESSAGES_LIMIT=50; then what the tool declares."""

LIST_HELP = """Show every argument that can be set, its value, and where that comes from.

Examples:

```
mailquery defaults list
mailquery defaults list --user ana --json
```
"""

SET_HELP = """Store a value for calls that leave the argument out.

Examples:

```
mailquery defaults set search_messages.limit 50
mailquery defaults set search_messages.account work --user ana
```
"""

UNSET_HELP = """Forget a stored value.

Examples:

```
mailquery defaults unset search_messages.limit
```
"""

Name = Annotated[str, typer.Argument(metavar="TOOL.ARGUMENT", help="Such as search_messages.limit.")]
User = Annotated[str | None, typer.Option("--user", help="Whose; the default is you.")]


def register(app: typer.Typer) -> None:
    defaults = typer.Typer(name="defaults", help=HELP, no_args_is_help=True)
    defaults.command("list", help=LIST_HELP)(list_)
    defaults.command("set", help=SET_HELP)(set_)
    defaults.command("unset", help=UNSET_HELP)(unset)
    app.add_typer(defaults)


def list_(user: User = None, as_json: JsonFlag = False) -> None:
    async def presets(application: Application) -> list[Preset]:
        return await application.parameters.presets(user or application.local_user)

    found = with_archive(presets)
    if as_json:
        print_json({"defaults": [_shown(preset) for preset in found]})
        return
    rows = [(f"{each.tool}.{each.argument}", _text(each.value), each.origin.value) for each in found]
    print_rows(("argument", "value", "from"), rows)


def set_(name: Name, value: str, user: User = None, as_json: JsonFlag = False) -> None:
    tool, argument = _parted(name)

    async def store(application: Application) -> Preset:
        return await application.parameters.store_text(user or application.local_user, tool, argument, value)

    stored = with_application(store)
    if as_json:
        print_json(_shown(stored))
    else:
        print(f"{name} is {_text(stored.value)} from now on, where a call does not say otherwise.")


def unset(name: Name, user: User = None, as_json: JsonFlag = False) -> None:
    tool, argument = _parted(name)

    async def forget(application: Application) -> bool:
        return await application.parameters.forget(user or application.local_user, tool, argument)

    forgotten = with_archive(forget)
    if as_json:
        print_json({"tool": tool, "argument": argument, "forgotten": forgotten})
    else:
        print(f"{name} is no longer stored." if forgotten else f"{name} was not stored.")


def _parted(name: str) -> tuple[str, str]:
    tool, dot, argument = name.partition(".")
    if not dot or not argument:
        raise typer.BadParameter("write it as TOOL.ARGUMENT, such as search_messages.limit", param_hint="TOOL.ARGUMENT")
    return tool, argument


def _shown(preset: Preset) -> dict[str, object]:
    return {"tool": preset.tool, "argument": preset.argument, "value": preset.value, "from": preset.origin.value}


def _text(value: object) -> str:
    return "" if value is None else str(value)
