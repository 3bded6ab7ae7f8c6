"""mailquery doctor"""

import sys
from collections.abc import Iterator
from typing import Annotated

import typer
from rich.text import Text

from mailquery.cli.output.exits import ExitCode
from mailquery.cli.output.printing import JsonFlag, console, print_json
from mailquery.cli.upkeep.checks import Check, Status, all_checks, readiness
from mcpkit.security.untrusted import clean_line

HELP = """Check that everything is in order: Python, SQLite, the archive's folder, its disk, the database. Each line
says what is wrong and what to do. The exit code is 4 if something does not work. With --json there is also what a
server would say at /ready.

Examples:

```
mailquery doctor
mailquery doctor --full
mailquery doctor --json
```
"""

_MARKS = {Status.OK: ("ok     ", "green"), Status.WARNING: ("warning", "yellow"), Status.ERROR: ("error  ", "red")}


def register(app: typer.Typer) -> None:
    app.command("doctor", help=HELP)(doctor)


def doctor(
    full: Annotated[bool, typer.Option("--full", help="Read the whole database, however long it takes.")] = False,
    as_json: JsonFlag = False,
) -> None:
    checks = _printing(all_checks(full=full)) if not as_json else all_checks(full=full)
    done = list(checks)
    failed = any(check.status is Status.ERROR for check in done)
    if as_json:
        ready = readiness()
        print_json({"ok": not failed, "checks": [check.as_shape() for check in done], "readiness": ready})
    if failed:
        raise typer.Exit(ExitCode.UNAVAILABLE)


def _printing(checks: Iterator[Check]) -> Iterator[Check]:
    """Each result as soon as it is known: the later checks can take a while."""
    screen = console()
    for check in checks:
        mark, colour = _MARKS[check.status]
        line = clean_line(check.finding)
        screen.print(Text.assemble((mark, colour if sys.stdout.isatty() else ""), f"  {check.name}: {line}"))
        if check.remedy:
            screen.print(Text(f"         {clean_line(check.remedy)}"))
        yield check
