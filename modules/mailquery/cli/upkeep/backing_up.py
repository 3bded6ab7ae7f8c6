"""mailquery backup"""

import time
from pathlib import Path
from typing import Annotated

import typer

from mailquery.backups import back_up
from mailquery.cli.output.ending import run_until_ended, says_when_ended
from mailquery.cli.output.printing import JsonFlag, file_size, note, print_json
from mailquery.cli.output.progress import progress
from mailquery.domain.counts import plural
from mailquery.repositories.backups import Manifest
from mailquery.services.upkeep.backing_up import Made
from mailquery.settings import load_settings
from mcpkit.security.untrusted import clean_line

HELP = """Make a backup of the archive: mail, index, accounts, consents, audit, as they were at one moment. Servers,
imports and synchronisations go on meanwhile. It becomes a folder of its own, with the time in its name, in the folder
that is given; nothing that is there is written to.

The master key, without which stored passwords and sign-ins cannot be opened, is not in it unless --with-key: keep a
copy of that elsewhere, or sign in again after a restoration.

Examples:

```
mailquery backup /media/disk/mailquery
mailquery backup /media/disk/mailquery --keep 7
mailquery backup /media/disk/mailquery --with-key --json
```
"""


def register(app: typer.Typer) -> None:
    app.command("backup", help=HELP)(backup)


def backup(
    target: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where backups are put; made where it is missing.")],
    with_key: Annotated[
        bool, typer.Option("--with-key", help="Also the master key: whoever has the backup has the passwords.")
    ] = False,
    keep: Annotated[
        int | None,
        typer.Option("--keep", min=1, help="Keep so many backups of this archive there, and remove older ones."),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    settings = load_settings()
    shown = progress()
    started = time.monotonic()

    def show(done: int, total: int) -> None:
        shown.show(done, total, f"{file_size(total // 3)} to back up")

    async def work() -> Made:
        return await back_up(settings)(target, with_key=with_key, keep=keep, progress=show)

    with says_when_ended("No backup was made, and what was written of it was removed."), shown:
        made = run_until_ended(work)
    seconds = time.monotonic() - started
    if as_json:
        removed = [str(path) for path in made.removed]
        print_json({"path": str(made.path), **shape(made.manifest), "removed": removed, "seconds": round(seconds, 3)})
        return
    found = made.manifest
    print(clean_line(str(made.path)))
    print(f"{plural(found.contents.messages, 'message')}, {file_size(found.bytes)} in {seconds:,.1f} s.")
    if made.removed:
        print(f"{plural(len(made.removed), 'older backup')} removed.")
    if found.has_key:
        note("The master key is in it: whoever has the backup has the stored passwords. Keep it as you keep those.")
    elif found.contents.key:
        note(
            "The stored passwords are in it, sealed; the master key that opens them is not. Keep a copy of that "
            "elsewhere (--with-key takes it along), or sign in again after a restoration."
        )


def shape(found: Manifest) -> dict[str, object]:
    return {
        "made": found.made.isoformat(),
        "program": found.program,
        "messages": found.contents.messages,
        "accounts": found.contents.accounts,
        "bytes": found.bytes,
        "with_key": found.has_key,
        "key": found.contents.key or None,
        "files": [{"name": file.name, "bytes": file.bytes, "sha256": file.sha256} for file in found.files],
    }
