"""mailquery restore"""

import time
from pathlib import Path
from typing import Annotated

import typer

from mailquery.backups import restore as restoration
from mailquery.cli.output.ending import run_until_ended, says_when_ended
from mailquery.cli.output.printing import JsonFlag, file_size, local_time, note, print_json
from mailquery.cli.output.progress import progress
from mailquery.cli.upkeep.backing_up import shape
from mailquery.domain.counts import plural
from mailquery.services.upkeep.restoring import Restored
from mailquery.settings import load_settings
from mcpkit.security.untrusted import clean_line

HELP = """Put a backup back. It is copied beside the archive, verified and brought up to date before it becomes the
archive; until then nothing is touched. Where there is an archive already, --replace is needed, and that one is kept in
a folder beside the new one. Servers and assistants that use the archive must be stopped.

Examples:

```
mailquery restore /media/disk/mailquery/mailquery-20260301T020000Z
mailquery restore /media/disk/mailquery/mailquery-20260301T020000Z --replace
```
"""


def register(app: typer.Typer) -> None:
    app.command("restore", help=HELP)(restore)


def restore(
    backup: Annotated[Path, typer.Argument(metavar="BACKUP", help="A folder that `mailquery backup` made.")],
    replace: Annotated[
        bool, typer.Option("--replace", help="Also where there is an archive, which is kept aside.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    settings = load_settings()
    shown = progress()
    started = time.monotonic()

    def show(done: int, total: int) -> None:
        shown.show(done, total, f"{file_size(total // 2)} to restore")

    async def work() -> Restored:
        return await restoration(settings)(backup, replace=replace, progress=show)

    with says_when_ended("Nothing was restored, and nothing has changed."), shown:
        done = run_until_ended(work)
    seconds = time.monotonic() - started
    standing = done.standing
    if as_json:
        print_json(
            {
                "home": str(done.home),
                **shape(done.manifest),
                "replaced": str(done.replaced) if done.replaced else None,
                "credentials_open": standing.opens,
                "audit_problem": standing.audit or None,
                "seconds": round(seconds, 3),
            }
        )
        return
    made = done.manifest
    messages, when = plural(made.contents.messages, "message"), local_time(made.made, settings.zone)
    print(f"{messages} of {when} restored to {clean_line(str(done.home))} in {seconds:,.1f} s.")
    if done.replaced is not None:
        print(clean_line(f"What was there before is in {done.replaced}; remove it when you do not need it any more."))
    if standing.opens is False:
        note(
            f"The stored passwords and sign-ins are sealed with the master key {made.contents.key}, which is not in "
            f"{standing.key_place}. Put it there, or give them anew: mailquery accounts login NAME"
        )
    if standing.audit:
        note(f"The audit does not hold: {standing.audit}")
