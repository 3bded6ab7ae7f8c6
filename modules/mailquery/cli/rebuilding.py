"""mailquery reindex"""

import sys
import time

import typer

from mailquery.bootstrap import Application
from mailquery.cli.archive import with_application
from mailquery.cli.exits import ExitCode
from mailquery.cli.output import JsonFlag, print_json
from mailquery.cli.progress import progress
from mailquery.repositories.records import RebuildProgress

HELP = """Make the search index anew out of the stored messages: after an upgrade whose notes ask for it, so that older
mail is found as new mail is. Searching goes on meanwhile, importing waits. Where it was interrupted, the same command
goes on.

Examples:

```
mailquery reindex
mailquery reindex --json
```
"""


def register(app: typer.Typer) -> None:
    app.command("reindex", help=HELP)(reindex)


def reindex(as_json: JsonFlag = False) -> None:
    shown = progress()
    started = time.monotonic()

    def show(found: RebuildProgress) -> None:
        shown.show(found.messages, found.total, f"{found.messages:,} messages indexed")

    async def work(application: Application) -> int:
        return await application.rebuild_index(show)

    try:
        with shown:
            count = with_application(work)
    except KeyboardInterrupt:
        print("Interrupted. The old index stays in use; `mailquery reindex` goes on.", file=sys.stderr)
        raise typer.Exit(ExitCode.INTERRUPTED) from None
    seconds = time.monotonic() - started
    if as_json:
        print_json({"indexed": count, "seconds": round(seconds, 3)})
    else:
        print(f"{count:,} messages indexed anew in {seconds:,.1f} s.")
