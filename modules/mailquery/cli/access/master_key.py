"""mailquery keys rotate-master"""

import asyncio

import typer

from mailquery.callers import key_keeper
from mailquery.cli.archive import check_begun
from mailquery.cli.output.printing import JsonFlag, print_json
from mailquery.settings import load_settings
from mcpkit.security.control import open_control
from mcpkit.security.secrets.store import Rotated, SecretStore

ROTATE_HELP = """Seal all stored credentials with a new master key. Where that was interrupted, run it again: nothing is
lost, and it goes on where it was.

A key in MAILQUERY_MASTER_KEY is changed by you: set the new one there and the old one in
MAILQUERY_PREVIOUS_MASTER_KEY, run this, then remove the old one.

Examples:

```
mailquery keys rotate-master
```
"""


def register(keys: typer.Typer) -> None:
    """Among the commands of `mailquery keys`."""
    keys.command("rotate-master", help=ROTATE_HELP)(rotate_master)


def rotate_master(as_json: JsonFlag = False) -> None:
    settings = load_settings()
    check_begun(settings)  # the records of callers alone would look like those of an archive that is gone

    async def rotate() -> Rotated:
        async with await open_control(settings.control_path) as control:
            return await SecretStore(control, key_keeper(settings)).rotate()

    rotated = asyncio.run(rotate())
    if as_json:
        print_json({"key": rotated.current, "resealed": rotated.resealed})
    else:
        print(f"The master key is {rotated.current} now; {rotated.resealed:,} secrets were sealed anew.")
