"""mailquery search"""

import sys
from collections.abc import Iterator
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.text import Text

from mailquery.cli.archive import EVERYTHING, with_archive
from mailquery.cli.output import shapes
from mailquery.cli.output.printing import JsonFlag, console, local_time, note, print_json, print_rows
from mailquery.domain.counts import plural
from mailquery.domain.handles import attachment_handle, message_handle
from mailquery.repositories.records import Sort
from mailquery.services.attachments.attachment_matches import AttachmentMatch
from mailquery.services.explaining import Explained
from mailquery.services.filters import Filters
from mailquery.services.searching import MARKS, MOST_ROWS, Found, Hit
from mailquery.settings import load_settings
from mcpkit.security.untrusted import clean_line

HELP = """Find messages.

The search language is Gmail's: words, "phrases", prefix\\*, OR, -not, (groups), and fields such as from: to: subject:
after: before: has:attachment filename: in: is:unread larger:. Where a query begins with a minus, -- goes before it.

Examples:

```
mailquery search 'from:lee invoice after:2024-03'
mailquery search '"flight confirmation" OR itinerary' --limit 5
mailquery search 'from:lee -is:read larger:1M' --explain
mailquery search --limit 5 -- '-draft in:inbox'
mailquery search 계약서 --json | jq -r '.messages[].id'
```
"""


def register(app: typer.Typer) -> None:
    app.command("search", help=HELP)(search)


def search(
    query: Annotated[list[str], typer.Argument(help="The query; several arguments are joined by spaces.")],
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=MOST_ROWS, help="How many messages to show.")] = 20,
    sort: Annotated[
        Sort | None, typer.Option("--sort", help="The order; by default relevance where there are words, else newest.")
    ] = None,
    cursor: Annotated[str | None, typer.Option("--cursor", help="Go on after an earlier answer.")] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Say how the query was read, what serves it, and what took how long.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    filters, settings = Filters(query=" ".join(query)), load_settings()
    found = with_archive(
        lambda application: application.services.search_messages(
            EVERYTHING, filters, sort=sort, limit=limit, cursor=cursor, explain=explain, secrets=True
        ),
        settings,
    )
    if as_json:
        print_json(_as_shape(found))
        return
    if sys.stdout.isatty():
        _print_hits(found, settings.zone)
    else:
        print_rows((), [_fields(hit, settings.zone) for hit in found.hits])
    for remark in found.reading.notes:
        note(remark)
    for word, meant in found.did_you_mean:
        note(f'No message has "{clean_line(word)}". Did you mean "{meant}"?')
    if found.meaning_unused:
        note(f"Not all was looked for by meaning: {found.meaning_unused}")
    note(_summary(found))
    if found.explanation is not None:
        note("\n".join(_explained(found.explanation)))


def _explained(explanation: Explained) -> Iterator[str]:
    yield from (part.as_line() for part in explanation.parts)
    yield f"Driven by: {explanation.driven_by}"
    yield from (f"Besides: {condition}" for condition in explanation.besides)
    yield from (f"Engine: {line}" for line in explanation.engine)
    yield from (f"{step.seconds * 1000:8.2f} ms  {step.name}" for step in explanation.steps)
    yield f"{explanation.seconds * 1000:8.2f} ms  in all"


def _explanation_shape(explanation: Explained) -> shapes.Shape:
    return {
        "read_as": [
            {"level": part.level, "words": part.words, "index": part.index or None, "use": part.use}
            for part in explanation.parts
        ],
        "driven_by": explanation.driven_by,
        "besides": list(explanation.besides),
        "engine": list(explanation.engine),
        "steps": [{"step": step.name, "ms": round(step.seconds * 1000, 3)} for step in explanation.steps],
        "total_ms": round(explanation.seconds * 1000, 3),
    }


def _as_shape(found: Found) -> shapes.Shape:
    coverage = found.reading.coverage
    return {
        "messages": [
            {**shapes.row(hit.row), "snippet": hit.snippet, **_standing(hit), **_matches(hit)} for hit in found.hits
        ],
        "total": {"value": found.total.value, "exact": found.total.exact},
        "near": found.near,
        "did_you_mean": dict(found.did_you_mean),
        "meaning_unused": found.meaning_unused or None,
        "sort": found.sort.value,
        "read_as": found.reading.read_as,
        "notes": list(found.reading.notes),
        "coverage": {
            "accounts": list(coverage.accounts),
            "mailboxes": list(coverage.mailboxes),
            "messages": coverage.messages,
            "refreshed": shapes.moment(coverage.refreshed),
        },
        "cursor": found.cursor_after(len(found.hits)) if found.more else None,
        **({"explanation": _explanation_shape(found.explanation)} if found.explanation else {}),
    }


def _standing(hit: Hit) -> shapes.Shape:
    standing = hit.standing
    return {"matches": not standing.missing, "missing": list(standing.missing)}


def _matches(hit: Hit) -> shapes.Shape:
    return {
        "attachment_matches": [
            {
                "id": attachment_handle(hit.row.key, match.attachment.part),
                "filename": match.attachment.filename,
                "place": match.place or None,
                "snippet": match.snippet,
            }
            for match in hit.attachment_matches
        ]
    }


def _fields(hit: Hit, zone: ZoneInfo) -> tuple[str, ...]:
    fields = message_handle(hit.row.key), local_time(hit.row.date, zone), _sender(hit), hit.row.subject
    return (*fields, f"lacks {', '.join(hit.standing.missing)}") if hit.standing.missing else fields


def _sender(hit: Hit) -> str:
    return ", ".join(each.name or each.address for each in hit.row.from_) or "(no sender)"


def _print_hits(found: Found, zone: ZoneInfo) -> None:
    screen = console()
    for hit in found.hits:
        heading = Text.assemble(
            (message_handle(hit.row.key), "cyan"),
            f"  {local_time(hit.row.date, zone)}  ",
            (clean_line(_sender(hit)), "green"),
            "  ",
            (clean_line(hit.row.subject) or "(no subject)", "bold"),
            no_wrap=True,
            overflow="ellipsis",
        )
        if hit.standing.missing:
            heading.append(f"  lacks {clean_line(', '.join(hit.standing.missing))}", style="yellow")
        screen.print(heading)
        screen.print(_marked(clean_line(hit.snippet)))
        for match in hit.attachment_matches:
            screen.print(_marked(clean_line(f"{_place(match)}: {match.snippet}")))


def _place(match: AttachmentMatch) -> str:
    return f"{match.attachment.filename}, {match.place}" if match.place else match.attachment.filename


def _marked(snippet: str) -> Text:
    """The words that were found in colour. A snippet of the sender's own marks stays as it is."""
    pieces = snippet.split(MARKS[0])
    if len(pieces) % 2 == 0:
        pieces = [snippet]
    text = Text("    ", style="dim", no_wrap=True, overflow="ellipsis")
    for index, piece in enumerate(pieces):
        text.append(piece, style="not dim bold yellow" if index % 2 else None)
    return text


def _summary(found: Found) -> str:
    if not found.hits and not found.given_before:
        searched = plural(found.reading.coverage.messages, "message")
        return f"Nothing found among {searched}. Read as: {found.reading.read_as}"
    shown = found.given_before + len(found.hits)
    least, total = "" if found.total.exact else "at least ", found.total.value
    more = f" More: --cursor {found.cursor_after(len(found.hits))}" if found.more else ""
    if found.near:
        return f"{least}{total:,} with every word, {found.near:,} more that lack some or all; {shown:,} shown.{more}"
    return f"{shown:,} of {least}{plural(total, 'message')}.{more}"
