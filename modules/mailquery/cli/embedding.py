"""mailquery embed"""

import sys
import time
from typing import Self

import typer
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from mailquery.bootstrap import Application
from mailquery.cli.archive import with_application
from mailquery.cli.exits import ExitCode
from mailquery.cli.output import JsonFlag, console, note, print_json
from mailquery.repositories.records import EmbeddingProgress
from mailquery.settings import load_settings
from mcpkit.errors import ErrorCode, Fault

HELP = """Make the vectors that search by meaning needs, for messages that have none yet. An import does it at its end,
and a server in the background; this is for an archive that neither has finished.

Examples:

    mailquery embed
    mailquery embed --json
"""

_PLAIN_INTERVAL = 5.0  # seconds between the lines of progress where there is no terminal


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
    shown = _Bar() if sys.stderr.isatty() else _Lines()
    started = time.monotonic()

    async def work(application: Application) -> Embedded:
        now = await application.embed_mail(shown.show)
        return Embedded(await application.vectors.progress(), now, time.monotonic() - started)

    try:
        with shown:
            return with_application(work)
    except KeyboardInterrupt:
        print("Interrupted. What was embedded stays; `mailquery embed` or a server goes on with it.", file=sys.stderr)
        raise typer.Exit(ExitCode.INTERRUPTED) from None


def embed_after_import() -> None:
    """The same at the end of an import, which has succeeded whatever happens here: it is said and no failure."""
    if not load_settings().meaning.enabled:
        return
    try:
        found = run_embedding()
    except Fault as fault:
        remedy = "" if fault.code is ErrorCode.CONFLICT else " `mailquery embed` tries it again."
        note(f"Not embedded for search by meaning: {fault.message}{remedy}")
        return
    if found.now:
        note(_summary(found))


def _summary(found: Embedded) -> str:
    rate = f" in {found.seconds:,.1f} s ({found.now / found.seconds:,.0f} messages/s)" if found.now else ""
    return (
        f"{found.now:,} messages embedded{rate}; {found.progress.messages:,} of {found.progress.total:,} can be found "
        "by their meaning."
    )


class _Lines:
    """Progress for a log: a line every few seconds."""

    def __init__(self) -> None:
        self._next = time.monotonic() + _PLAIN_INTERVAL

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...

    def show(self, progress: EmbeddingProgress) -> None:
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + _PLAIN_INTERVAL
        share = progress.messages / progress.total if progress.total else 1.0
        print(f"{share:4.0%}  {progress.messages:,} messages embedded", file=sys.stderr, flush=True)


class _Bar:
    """Progress on a terminal."""

    def __init__(self) -> None:
        self._progress = Progress(
            TextColumn("{task.percentage:>3.0f}%", markup=False),
            BarColumn(),
            TextColumn("{task.completed:,} messages embedded", markup=False),
            TimeRemainingColumn(elapsed_when_finished=True),
            console=console(stderr=True),
            transient=True,
        )
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def show(self, progress: EmbeddingProgress) -> None:
        if self._task is None:
            self._task = self._progress.add_task("", total=progress.total)
        self._progress.update(self._task, completed=progress.messages, total=progress.total)
