"""mailquery import"""

import gc
import sys
from pathlib import Path
from typing import Annotated

import typer

from mailquery.application import Application
from mailquery.cli.archive import with_application
from mailquery.cli.embedding import embed_after_import
from mailquery.cli.output import shapes
from mailquery.cli.output.ending import says_when_ended
from mailquery.cli.output.exits import ExitCode
from mailquery.cli.output.printing import JsonFlag, print_json
from mailquery.cli.output.progress import progress
from mailquery.domain.counts import plural
from mailquery.services.importing import DEFAULT_ACCOUNT, ImportProgress, ImportSummary
from mailquery.sources.detection import FORMATS
from mcpkit.security.untrusted import clean_line

HELP = """Import mail from files into the archive. What is there already stays as it is: running an import again,
also one that was interrupted, only adds what is missing.

Reads mbox files (plain, .gz, .zip, .tgz; Google Takeout), Maildir folders, folders of .eml or .emlx files, and single
messages. A message that cannot be read in full is kept and listed by `mailquery problems`.

Examples:

```
mailquery import ~/Mail
mailquery import takeout.zip --account work@example.com
mailquery import old.mbox --mailbox Archive/2009 --json
```
"""

_SOURCE_CHARS = 40


def register(app: typer.Typer) -> None:
    app.command("import", help=HELP)(import_mail)


def import_mail(
    # Whether they can be read is found out where the reason is told, and the exit code given, like every other.
    paths: Annotated[list[Path], typer.Argument(help="Files or folders of mail.", readable=False)],
    account: Annotated[str, typer.Option("--account", help="The account that the mail belongs to.")] = DEFAULT_ACCOUNT,
    mailbox: Annotated[
        str | None, typer.Option("--mailbox", help="The mailbox it goes to, whatever the source names.")
    ] = None,
    format: Annotated[
        str | None, typer.Option("--format", help=f"What the files are, if not recognised: {', '.join(FORMATS)}.")
    ] = None,
    no_embed: Annotated[
        bool,
        typer.Option("--no-embed", help="Leave the vectors for search by meaning to a server or `mailquery embed`."),
    ] = False,
    mend: Annotated[
        bool,
        typer.Option("--mend", help="Also replace the bytes of messages that are damaged in the archive."),
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    # An import makes no cycles to speak of, and looking for them takes a tenth of its time.
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    shown = progress()

    def show(found: ImportProgress) -> None:
        source = clean_line(Path(found.source).name, _SOURCE_CHARS)
        shown.show(found.bytes_read, found.bytes_total, _counts(found), source)

    async def work(application: Application) -> tuple[ImportSummary, int]:
        imports = application.mending_imports if mend else application.imports
        done = await application.import_mail_into(imports)(
            paths, account=account, mailbox=mailbox, format=format, progress=show
        )
        return done, imports.mended

    with says_when_ended("What was stored stays; the same command again completes the import."), shown:
        summary, mended = with_application(work, anew=True)
    if as_json:
        print_json({**_as_shape(summary), **({"mended": mended} if mend else {})})
    else:
        _print_summary(summary)
        if mend:
            print(f"{plural(mended, 'damaged message')} mended.")
    if summary.found_nothing:
        print("mailquery: No mail was found in it.", file=sys.stderr)
        raise typer.Exit(ExitCode.USAGE)
    if not no_embed:
        embed_after_import()


def _as_shape(summary: ImportSummary) -> shapes.Shape:
    return {
        "imported": summary.imported,
        "already_there": summary.already_there,
        "problems": summary.problems,
        "problems_by_reason": summary.by_code,
        "problem_list": [
            {"where": found.locator, "reason": found.problem.code.value, "detail": found.problem.detail}
            for found in summary.listed
        ],
        "seconds": round(summary.seconds, 3),
        "messages_per_second": round(summary.messages_per_second, 1),
    }


def _print_summary(summary: ImportSummary) -> None:
    print(
        f"{plural(summary.imported, 'message')} imported, {summary.already_there:,} were there already, "
        f"in {summary.seconds:,.1f} s ({summary.messages_per_second:,.0f} messages/s)."
    )
    if not summary.problems:
        return
    by_count = sorted(summary.by_code.items(), key=lambda item: -item[1])
    reasons = ", ".join(f"{count:,} {code}" for code, count in by_count)
    print(f"{plural(summary.problems, 'problem')} ({reasons}). All of them: mailquery problems")
    for problem in summary.listed[:5]:
        print(f"  {clean_line(problem.locator)}: {problem.problem.code.value}, {clean_line(problem.problem.detail)}")


def _counts(progress: ImportProgress) -> str:
    messages = progress.imported + progress.already_there
    rate = messages / progress.seconds if progress.seconds else 0.0
    text = f"{plural(messages, 'message')}, {rate:,.0f}/s"
    return f"{text}, {plural(progress.problems, 'problem')}" if progress.problems else text
