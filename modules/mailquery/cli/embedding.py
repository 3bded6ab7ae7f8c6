"""mailquery embed"""

import time

import typer

from mailquery.application import Application
from mailquery.cli.archive import with_archive
from mailquery.cli.output.ending import says_when_ended
from mailquery.cli.output.printing import JsonFlag, note, print_json
from mailquery.cli.output.progress import progress
from mailquery.domain.counts import plural
from mailquery.repositories.records import EmbeddingProgress
from mailquery.settings import load_settings
from mcpkit.errors import ErrorCode, Fault

HELP = """Make the vectors that search by meaning needs, for messages that have none yet. An import does it at its end,
and a server in the background; this is for an archive that neither has finished.

Examples:

```
mailquery embed
mailquery embed --json
```
"""


def register(app: typer.Typer) -> None:
    app.command("embed", help=HELP)(embed)


def embed(as_json: JsonFlag = False) -> None:
    found = run_embedding()
    if as_json:
        print_json({"embedded_now": found.now, "embedded": found.progress.messages, "messages": found.progress.total})
    else:
        print(_summary(found))


class Embedded:
    """How far it is, and how many messages were embedded just now."""

    def __init__(self, progress: EmbeddingProgress, now: int, seconds: float) -> None:
        self.progress = progress
        self.now = now
        self.seconds = seconds


def run_embedding() -> Embedded:
    """Embeds everything that is pending, with progress on standard error. On Ctrl-C what is done stays, and the command
    ends. Raises what `EmbedMail` raises."""
    shown = progress()
    started = time.monotonic()

    def show(found: EmbeddingProgress) -> None:
        shown.show(found.messages, found.total, f"{plural(found.messages, 'message')} embedded")

    async def work(application: Application) -> Embedded:
        now = await application.embed_mail(show)
        return Embedded(await application.vectors.progress(), now, time.monotonic() - started)

    with says_when_ended("What was embedded stays; `mailquery embed` or a server goes on with it."), shown:
        return with_archive(work)


def embed_after_import() -> None:
    """The same at the end of an import, which has succeeded whatever happens here: it is said and no failure."""
    if not load_settings().meaning.enabled:
        return
    try:
        found = run_embedding()
    except Fault as fault:
        remedy = "" if fault.code is ErrorCode.CONFLICT else " `mailquery embed` tries it again."
        note(f"Not embedded for search by meaning: {fault.told_here}{remedy}")
        return
    if found.now:
        note(_summary(found))


def _summary(found: Embedded) -> str:
    rate = f" in {found.seconds:,.1f} s ({found.now / found.seconds:,.0f} messages/s)" if found.now else ""
    return (
        f"{plural(found.now, 'message')} embedded{rate}; {found.progress.messages:,} of {found.progress.total:,} can "
        "be found by their meaning."
    )
