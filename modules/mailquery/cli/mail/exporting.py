"""mailquery export"""

import sys
from pathlib import Path
from typing import Annotated

import typer

from mailquery.cli.archive import EVERYTHING, with_archive
from mailquery.cli.output.printing import note
from mcpkit.errors import ErrorCode, Fault

HELP = """Give a message back byte for byte as it was imported.

Examples:

```
mailquery export m4hq0v7d2k8xn > message.eml
mailquery export m4hq0v7d2k8xn -o message.eml
```
"""


def register(app: typer.Typer) -> None:
    app.command("export", help=HELP)(export)


def export(
    id: Annotated[str, typer.Argument(help="The message's id, as a search shows it.")],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="A new file to write to.")] = None,
) -> None:
    if output is None and sys.stdout.isatty():
        # Raw mail can hold commands to the terminal, and here nothing may be cleaned.
        raise Fault(
            ErrorCode.VALIDATION_ERROR,
            "A raw message is not written to a terminal. Give a file (-o FILE) or redirect; `mailquery show` reads it.",
        )
    raw = with_archive(lambda application: application.services.export_message(EVERYTHING, id))
    if output is None:
        sys.stdout.buffer.write(raw)
        sys.stdout.buffer.flush()
        return
    try:
        with output.open("xb") as file:
            file.write(raw)
    except FileExistsError as error:
        raise Fault(ErrorCode.VALIDATION_ERROR, f"{output} is there already; nothing was written.") from error
    except OSError as error:
        raise Fault(ErrorCode.VALIDATION_ERROR, f"{output} could not be written: {error.strerror}.") from error
    note(f"{len(raw):,} bytes written to {output}.")
