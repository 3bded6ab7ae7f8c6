"""mailquery problems"""

from typing import Annotated

import typer

from mailquery.cli.archive import EVERYTHING, with_archive
from mailquery.cli.output import shapes
from mailquery.cli.output.printing import JsonFlag, local_time, note, print_json, print_rows
from mailquery.domain.handles import message_handle
from mailquery.services.status import MOST_PROBLEMS
from mailquery.settings import load_settings

HELP = """List what an import could not read, or could read in part only, with the place and the reason.

Examples:

```
mailquery problems
mailquery problems --limit 500 --json
```
"""


def register(app: typer.Typer) -> None:
    app.command("problems", help=HELP)(problems)


def problems(
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=MOST_PROBLEMS, help="How many to list.")] = 50,
    as_json: JsonFlag = False,
) -> None:
    settings = load_settings()
    page = with_archive(lambda application: application.services.list_problems(EVERYTHING, limit=limit), settings)
    if as_json:
        print_json({"problems": [shapes.recorded_problem(each) for each in page.problems], "total": page.total})
        return
    print_rows(
        ("recorded", "message", "reason", "place", "detail"),
        [
            (
                local_time(each.recorded, settings.zone),
                "-" if each.key is None else message_handle(each.key),
                each.problem.code.value,
                each.locator,
                each.problem.detail,
            )
            for each in page.problems
        ],
        flexible="detail",
    )
    note(f"{len(page.problems):,} of {page.total:,}." if page.total else "Nothing: every message was read in full.")
