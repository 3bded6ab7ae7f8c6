"""mailquery config"""

import typer

from mailquery.cli.output.printing import JsonFlag, print_json, print_rows
from mailquery.settings import load_settings_with_layers

HELP = """The settings. They are read from config/base.yaml and `config/<environment>.yaml`, a file .env in the current
folder, and environment variables (MAILQUERY_...); what comes later wins."""

SHOW_HELP = """Show every setting, its value, and where that came from. Secrets are not shown.

Examples:

```
mailquery config show
mailquery config show --json
```
"""


def register(app: typer.Typer) -> None:
    config = typer.Typer(name="config", help=HELP, no_args_is_help=True)
    config.command("show", help=SHOW_HELP)(show)
    app.add_typer(config)


def show(as_json: JsonFlag = False) -> None:
    effective = load_settings_with_layers().effective()
    if as_json:
        print_json(
            {"settings": [{"name": each.key, "value": _plain(each.value), "source": each.layer} for each in effective]}
        )
        return
    print_rows(("setting", "value", "from"), [(each.key, str(_plain(each.value)), each.layer) for each in effective])


def _plain(value: object) -> object:
    """As it would be written in a file."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return str(value)
