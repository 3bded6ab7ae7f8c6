"""mailquery response-times, mailquery awaiting"""

from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from mailquery.cli.archive import EVERYTHING, with_archive
from mailquery.cli.output import shapes
from mailquery.cli.output.printing import JsonFlag, local_time, note, print_json, print_rows
from mailquery.domain.answers import Answer
from mailquery.domain.counts import plural
from mailquery.domain.handles import message_handle
from mailquery.domain.spans import readable
from mailquery.repositories.records import Side
from mailquery.services.awaiting import MOST_DAYS, MOST_THREADS, Awaited, Direction, Waiting
from mailquery.services.filters import Filters
from mailquery.services.response_times import MOST_PAIRS, MOST_PEOPLE, Correspondent, Pace, Responses
from mailquery.settings import load_settings

RESPONSES_HELP = """How fast you answer each person, and they you.

Whose mail it is comes from the setting `me` (MAILQUERY_ME), else from the senders of sent mail.

Examples:

```
mailquery response-times
mailquery response-times 'with:kim after:2026-01'
mailquery response-times --slowest 20 --json 'with:ana@example.com'
```
"""
AWAITING_HELP = """Conversations that wait for an answer: from you, or from others.

Examples:

```
mailquery awaiting
mailquery awaiting --direction us 'newer_than:30d'
mailquery awaiting --direction them --days 7 --json
```
"""


def register(app: typer.Typer) -> None:
    app.command("response-times", help=RESPONSES_HELP)(response_times)
    app.command("awaiting", help=AWAITING_HELP)(awaiting)


def response_times(
    query: Annotated[list[str] | None, typer.Argument(help="Only where this finds the question or answer.")] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=MOST_PEOPLE, help="How many people.")] = 20,
    slowest: Annotated[
        int, typer.Option("--slowest", min=1, max=MOST_PAIRS, help="Slowest answers of each person in --json.")
    ] = 2,
    lists: Annotated[bool, typer.Option("--lists", help="Count mail from mailing lists too.")] = False,
    as_json: JsonFlag = False,
) -> None:
    filters, settings = Filters(query=" ".join(query or ())), load_settings()
    found = with_archive(
        lambda application: application.services.response_times(
            EVERYTHING, filters, limit=limit, slowest=slowest, lists=lists
        ),
        settings,
    )
    if as_json:
        print_json(_responses(found))
        return
    print_rows(
        ("person", "we answer", "median", "90 %", "slowest", "they answer", "median", "90 %", "slowest"),
        [(person.address, *_pace_fields(person.ours), *_pace_fields(person.theirs)) for person in found.people],
        right=("we answer", "they answer"),
        flexible="person",
    )
    for remark in found.reading.notes:
        note(remark)
    more = found.person_count - len(found.people)
    rest = f" Not shown: {more:,} with {plural(found.left_over(len(found.people)), 'answer')}." if more else ""
    back_to = local_time(found.back_to, settings.zone) if found.back_to else ""
    old = f" There was too much to look at messages before {back_to}." if back_to else ""
    note(
        f"{len(found.people):,} of {plural(found.person_count, 'person', 'people')}, for {', '.join(found.me)}.{rest} "
        f"Not counted: {plural(found.left_out, 'message')} of lists and programs.{old}"
    )


def awaiting(
    query: Annotated[list[str] | None, typer.Argument(help="Only where this finds the last message.")] = None,
    direction: Annotated[Direction, typer.Option("--direction", help="Whose answer is missing.")] = Direction.BOTH,
    days: Annotated[
        int | None, typer.Option("--days", min=0, max=MOST_DAYS, help="Least age of what you wrote, in days.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=MOST_THREADS, help="How many threads.")] = 20,
    cursor: Annotated[str | None, typer.Option("--cursor", help="Go on after an earlier answer.")] = None,
    as_json: JsonFlag = False,
) -> None:
    filters, settings = Filters(query=" ".join(query or ())), load_settings()
    found = with_archive(
        lambda application: application.services.awaiting_reply(
            EVERYTHING, filters, direction=direction, days=days, limit=limit, cursor=cursor
        ),
        settings,
    )
    if as_json:
        print_json(_awaited(found))
        return
    print_rows(
        ("id", "since", "waits for", "who", "subject", "asks"),
        [_waiting_fields(each, settings.zone) for each in found.threads],
        flexible="asks",
    )
    for remark in found.reading.notes:
        note(remark)
    more = f" More: --cursor {found.cursor_after(len(found.threads))}" if found.more else ""
    threads = plural(len(found.threads), "thread")
    note(f"{threads}, of {plural(found.read, 'last message')} looked at. Mail of lists and programs is left out.{more}")


def _pace_fields(pace: Pace | None) -> tuple[str, ...]:
    if pace is None:
        return ("0", "", "", "")
    return f"{pace.count:,}", *(readable(each.seconds) for each in (pace.median, pace.p90, pace.slowest[0]))


def _waiting_fields(waiting: Waiting, zone: ZoneInfo) -> tuple[str, ...]:
    row = waiting.row
    people = row.from_ if waiting.side is Side.US else row.to
    who = ", ".join(each.name or each.address for each in people[:3])
    return message_handle(row.key), local_time(row.date, zone), waiting.side.value, who, row.subject, waiting.sentence


def _responses(found: Responses) -> shapes.Shape:
    return {
        "ours": list(found.me),
        "we_answer": _pace(found.ours),
        "they_answer": _pace(found.theirs),
        "people": [_person(person) for person in found.people],
        "person_count": found.person_count,
        "not_shown": {
            "people": found.person_count - len(found.people),
            "answers": found.left_over(len(found.people)),
        },
        "not_counted": found.left_out,
        "back_to": shapes.moment(found.back_to),
    }


def _person(person: Correspondent) -> shapes.Shape:
    return {"address": person.address, "we_answer": _pace(person.ours), "they_answer": _pace(person.theirs)}


def _pace(pace: Pace | None) -> shapes.Shape | None:
    if pace is None:
        return None
    return {
        "answers": pace.count,
        "median": _answer(pace.median),
        "p90": _answer(pace.p90),
        "fastest": _answer(pace.fastest),
        "slowest": [_answer(each) for each in pace.slowest],
    }


def _answer(found: Answer) -> shapes.Shape:
    question, answer = message_handle(found.question.key), message_handle(found.answer.key)
    return {"seconds": found.seconds, "question": question, "answer": answer}


def _awaited(found: Awaited) -> shapes.Shape:
    return {
        "ours": list(found.me),
        "threads": [
            {**shapes.row(each.row), "waits_for": each.side.value, "asks": each.sentence or None}
            for each in found.threads
        ],
        "looked_at": found.read,
        "back_to": shapes.moment(found.read_to),
        "cursor": found.cursor_after(len(found.threads)) if found.more else None,
    }
