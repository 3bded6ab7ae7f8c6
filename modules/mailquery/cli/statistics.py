"""mailquery stats"""

from typing import Annotated

import typer

from mailquery.cli import shapes
from mailquery.cli.archive import EVERYTHING, with_application
from mailquery.cli.output import JsonFlag, file_size, local_time, note, print_json, print_rows
from mailquery.repositories.records import GroupBy
from mailquery.services.filters import Filters
from mailquery.services.statistics import MOST_GROUPS

HELP = """Count messages, all of them or those that a query finds.

Examples:

    mailquery stats
    mailquery stats --by month 'from:billing@example.com'
    mailquery stats --by domain --limit 50 --json
"""


def register(app: typer.Typer) -> None:
    app.command("stats", help=HELP)(stats)


def stats(
    query: Annotated[list[str] | None, typer.Argument(help="Only what this query finds.")] = None,
    by: Annotated[GroupBy, typer.Option("--by", help="What to group by.")] = GroupBy.SENDER,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=MOST_GROUPS, help="How many groups.")] = 20,
    as_json: JsonFlag = False,
) -> None:
    filters = Filters(query=" ".join(query or ()))
    counted = with_application(
        lambda application: application.services.mail_statistics(EVERYTHING, filters, group_by=by, limit=limit)
    )
    if as_json:
        print_json(
            {
                "group_by": by.value,
                "groups": [
                    {
                        "key": group.key,
                        **({"account": group.account} if group.account else {}),
                        "messages": group.messages,
                        "bytes": group.bytes,
                        "unread": group.unread,
                        "first": shapes.moment(group.first),
                        "last": shapes.moment(group.last),
                    }
                    for group in counted.groups
                ],
                "group_count": counted.group_count,
                "messages": counted.messages,
                "bytes": counted.bytes,
            }
        )
        return
    print_rows(
        (by.value, "messages", "unread", "size", "first", "last"),
        [
            (
                f"{group.account}: {group.key}" if group.account else group.key or "(none)",
                f"{group.messages:,}",
                f"{group.unread:,}",
                file_size(group.bytes),
                local_time(group.first),
                local_time(group.last),
            )
            for group in counted.groups
        ],
        right=("messages", "unread", "size"),
        flexible=by.value,
    )
    for remark in counted.reading.notes:
        note(remark)
    note(
        f"{len(counted.groups):,} of {counted.group_count:,} groups; "
        f"{counted.messages:,} messages, {file_size(counted.bytes)} in all."
    )
