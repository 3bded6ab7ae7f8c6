"""mailquery stats"""

from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from mailquery.cli.archive import EVERYTHING, with_archive
from mailquery.cli.output import shapes
from mailquery.cli.output.printing import JsonFlag, file_size, local_time, note, print_json, print_rows
from mailquery.domain.counts import plural
from mailquery.repositories.groups import Group, GroupBy
from mailquery.services.filters import Filters
from mailquery.services.statistics import MOST_GROUPS, MOST_PARTS, Counted, parts_left_over

HELP = """Count messages, all of them or those that a query finds.

Examples:

```
mailquery stats
mailquery stats --by month 'from:billing@example.com'
mailquery stats --by domain --limit 50 --json
mailquery stats --by sender --then month 'in:inbox after:2026'
```
"""


def register(app: typer.Typer) -> None:
    app.command("stats", help=HELP)(stats)


def stats(
    query: Annotated[list[str] | None, typer.Argument(help="Only what this query finds.")] = None,
    by: Annotated[GroupBy, typer.Option("--by", help="What to group by.")] = GroupBy.SENDER,
    then: Annotated[GroupBy | None, typer.Option("--then", help="What to group each group by again.")] = None,
    limit: Annotated[
        int | None, typer.Option("--limit", "-n", min=1, max=MOST_GROUPS, help="How many groups (20).")
    ] = None,
    then_limit: Annotated[
        int, typer.Option("--then-limit", min=1, max=MOST_PARTS, help="How many of each group's own groups.")
    ] = 12,
    as_json: JsonFlag = False,
) -> None:
    filters = Filters(query=" ".join(query or ()))
    counted = with_archive(
        lambda application: application.services.mail_statistics(
            EVERYTHING, filters, group_by=by, limit=limit, then_by=then, then_limit=then_limit
        )
    )
    if as_json:
        print_json(_as_shape(counted))
        return
    print_rows(
        (by.value, *((then.value,) if then else ()), "messages", "unread", "size", "first", "last"),
        [row for group in counted.groups for row in _rows(group, counted.zone, divided=then is not None)],
        right=("messages", "unread", "size"),
        flexible=by.value,
    )
    for remark in counted.reading.notes:
        note(remark)
    found = counted.found
    more = found.group_count - len(found.groups)
    left = counted.left_over(len(found.groups))
    of_them = f" with {plural(left, 'message')}" if left else ""
    remainder = f" Not shown: {plural(more, 'group')}{of_them}." if more else ""
    note(
        f"{len(found.groups):,} of {plural(found.group_count, 'group')}; "
        f"{plural(found.messages, 'message')}, {found.unread:,} unread, {file_size(found.bytes)} in all.{remainder}"
    )


def _rows(group: Group, zone: ZoneInfo, *, divided: bool) -> list[tuple[str, ...]]:
    """The group's line, and those of its parts: of each group the number of parts that are not shown is its own."""
    name = _name(group)
    if not divided:
        return [(name, *_figures(group, zone))]
    more = group.part_count - len(group.parts)
    rows = [(name, f"({more:,} more)" if more else "", *_figures(group, zone))]
    return rows + [(name, _name(part), *_figures(part, zone)) for part in group.parts]


def _name(group: Group) -> str:
    return f"{group.account}: {group.key}" if group.account else group.key or "(none)"


def _figures(group: Group, zone: ZoneInfo) -> tuple[str, ...]:
    return (
        f"{group.messages:,}",
        f"{group.unread:,}",
        file_size(group.bytes),
        local_time(group.first, zone),
        local_time(group.last, zone),
    )


def _as_shape(counted: Counted) -> shapes.Shape:
    found = counted.found
    shape: shapes.Shape = {
        "group_by": counted.group_by.value,
        "groups": [_group(group) | (_parts(group) if counted.then_by else {}) for group in found.groups],
        "group_count": found.group_count,
        "not_shown": {
            "groups": found.group_count - len(found.groups),
            "messages": counted.left_over(len(found.groups)),  # null where messages stand in several groups
        },
        "messages": found.messages,
        "bytes": found.bytes,
        "unread": found.unread,
        "first": shapes.moment(found.first),
        "last": shapes.moment(found.last),
    }
    if counted.then_by is not None:
        shape["then_by"] = counted.then_by.value
    return shape


def _group(group: Group) -> shapes.Shape:
    return {
        "key": group.key,
        **({"account": group.account} if group.account else {}),
        "messages": group.messages,
        "bytes": group.bytes,
        "unread": group.unread,
        "first": shapes.moment(group.first),
        "last": shapes.moment(group.last),
    }


def _parts(group: Group) -> shapes.Shape:
    return {
        "parts": [_group(part) for part in group.parts],
        "part_count": group.part_count,
        "parts_not_shown": {
            "groups": group.part_count - len(group.parts),
            "messages": parts_left_over(group, len(group.parts)),
        },
    }
