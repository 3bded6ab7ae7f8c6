"""mailquery reindex"""

import time

import typer

from mailquery.application import Application
from mailquery.cli.archive import with_archive
from mailquery.cli.output.ending import says_when_ended
from mailquery.cli.output.printing import JsonFlag, note, print_json
from mailquery.cli.output.progress import progress
from mailquery.domain.counts import plural
from mailquery.repositories.records import RebuildProgress
from mailquery.services.upkeep.rebuilding import Rebuilt

HELP = """Make the search index anew out of the stored messages, and all else that is derived of them: after an upgrade
whose notes ask for it, so that older mail is found as new mail is, or where `mailquery verify` found it damaged.
Searching goes on meanwhile, importing waits. Where it was interrupted, the same command goes on.

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
        shown.show(found.messages, found.total, f"{plural(found.messages, 'message')} indexed")

    async def work(application: Application) -> Rebuilt:
        return await application.rebuild_index(show)

    with says_when_ended("The old index stays in use; `mailquery reindex` goes on."), shown:
        done = with_archive(work)
    seconds = time.monotonic() - started
    if as_json:
        print_json({"indexed": done.indexed, "damaged": done.damaged, "seconds": round(seconds, 3)})
        return
    print(f"{plural(done.indexed, 'message')} indexed anew in {seconds:,.1f} s.")
    if done.damaged:
        note(
            f"The bytes of {done.damaged:,} of them are damaged: they are found by what was read in them before. "
            "`mailquery verify` names them."
        )
