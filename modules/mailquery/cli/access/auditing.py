"""mailquery audit"""

import asyncio
import getpass
import json
import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from mailquery.cli.archive import check_begun
from mailquery.cli.output.exits import ExitCode
from mailquery.cli.output.printing import JsonFlag, local_time, note, print_json, print_rows
from mailquery.domain.counts import plural
from mailquery.settings import Settings, load_settings
from mcpkit.database.connections import connect
from mcpkit.database.faults import translated
from mcpkit.errors import ErrorCode, Fault
from mcpkit.security.audit.chain import Chain, Link
from mcpkit.security.audit.exporting import csv_line, lines_after
from mcpkit.security.audit.head import Head
from mcpkit.security.audit.retention import prune as prune_records
from mcpkit.security.audit.retention import restart as restart_chain
from mcpkit.security.audit.store import HEAD_NAME
from mcpkit.security.audit.table import sequence_before_last
from mcpkit.security.audit.verifying import Verdict
from mcpkit.security.audit.verifying import verify as verify_chain
from mcpkit.security.control import open_control
from mcpkit.security.secrets.key_files import load_private_key

HELP = """The record of every call that an assistant made: who, what, what was decided, which messages were shown."""

TAIL_HELP = """Show the newest records of the audit.

Examples:

```
mailquery audit tail
mailquery audit tail -n 5 --follow
mailquery audit tail --head           # the place of the newest record, to be noted elsewhere
```
"""

VERIFY_HELP = """Check that no record of the audit was changed, removed, put in or moved. Exit code 4 where one was.

With --head, that the records noted before are still the same: what `mailquery audit tail --head` had said.

Examples:

```
mailquery audit verify
mailquery audit verify --head 1042:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
```
"""

EXPORT_HELP = """Write the audit to standard output, oldest first, as lines of JSON or as CSV.

Examples:

```
mailquery audit export > audit.jsonl
mailquery audit export --since 2026-01-01 --until 2026-02-01 --format csv > january.csv
```
"""

PRUNE_HELP = """Remove the records older than a day, after exporting them. The rest can still be verified.

Examples:

```
mailquery audit export --until 2026-01-01 > audit-2025.jsonl
mailquery audit prune --before 2026-01-01 --yes
```
"""

RESTART_HELP = """Remove every record and begin a new chain: where the audit was damaged or its key is lost. Keep a copy
of control.db first.

Examples:

```
mailquery audit restart --yes
```
"""

_POLL = 0.25  # seconds between looks for new records
_LINK = re.compile(r"(\d{1,18}):([0-9a-f]{64})")

Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


class Format(StrEnum):
    JSONL = "jsonl"
    CSV = "csv"


def register(app: typer.Typer) -> None:
    audit = typer.Typer(name="audit", help=HELP, no_args_is_help=True)
    audit.command("tail", help=TAIL_HELP)(tail)
    audit.command("verify", help=VERIFY_HELP)(verify)
    audit.command("export", help=EXPORT_HELP)(export)
    audit.command("prune", help=PRUNE_HELP)(prune)
    audit.command("restart", help=RESTART_HELP)(restart)
    app.add_typer(audit)


def tail(
    count: Annotated[int, typer.Option("-n", "--lines", min=0, help="How many to show.")] = 20,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with those that come, until Ctrl-C.")] = False,
    head: Annotated[bool, typer.Option("--head", help="Show only the place of the newest: SEQUENCE:HASH.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print a line of JSON for each record.")] = False,
) -> None:
    with _opened() as (settings, connection):
        if head:
            _print_place(connection, as_json)
            return
        last = _show(connection, sequence_before_last(connection, count), settings.zone, as_json)
        while follow:
            time.sleep(_POLL)
            last = _show(connection, last, settings.zone, as_json)


def verify(
    heads: Annotated[list[str] | None, typer.Option("--head", help="A place noted before: SEQUENCE:HASH.")] = None,
    as_json: JsonFlag = False,
) -> None:
    expected = [_link(each) for each in heads or ()]
    settings = load_settings()
    check_begun(settings)
    head = _head(settings).read()  # before the transaction, so that it names nothing that came after it
    with _opened(settings) as (_, connection):
        connection.execute("BEGIN")
        verdict = verify_chain(connection, _chain(settings), head, expected)
    if as_json:
        print_json(_shape(verdict))
    else:
        _print_verdict(verdict)
    if not verdict.is_sound:
        raise typer.Exit(ExitCode.UNAVAILABLE)


def export(
    since: Annotated[str | None, typer.Option("--since", help="From this day or moment on (ISO 8601).")] = None,
    until: Annotated[str | None, typer.Option("--until", help="Before this day or moment (ISO 8601).")] = None,
    form: Annotated[Format, typer.Option("--format", help="Lines of JSON, or CSV.")] = Format.JSONL,
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format jsonl.")] = False,
) -> None:
    as_csv = form is Format.CSV and not as_json
    with _opened() as (settings, connection):
        earliest, latest = _moment(since, settings), _moment(until, settings)
        if as_csv:
            print(csv_line(None))
        connection.execute("BEGIN")
        for _, line in lines_after(connection, -(1 << 62), earliest, latest):
            print(csv_line(line) if as_csv else line)


def prune(
    before: Annotated[str, typer.Option("--before", help="What is older than this day or moment goes (ISO 8601).")],
    yes: Yes = False,
    as_json: JsonFlag = False,
) -> None:
    with _opened(read_only=False) as (settings, connection):
        moment = _moment(before, settings)
        assert moment is not None
        _confirm(yes, f"Remove the audit's records from before {moment.isoformat()}? Export them first.")
        removed = prune_records(connection, _chain(settings), _head(settings), moment, _user(settings))
    if as_json:
        print_json({"removed": removed.records, "through": str(removed.through) if removed.records else None})
    elif removed.records:
        print(f"{plural(removed.records, 'record')} removed, through {removed.through.sequence}.")
    else:
        print("Nothing is that old.")


def restart(yes: Yes = False, as_json: JsonFlag = False) -> None:
    with _opened(read_only=False) as (settings, connection):
        _confirm(yes, "Remove every record of the audit and begin a new chain?")
        removed = restart_chain(connection, _chain(settings), _head(settings), _user(settings))
    if as_json:
        print_json({"removed": removed.records})
    else:
        print(f"{plural(removed.records, 'record')} removed; a new chain has begun.")


@contextmanager
def _opened(
    settings: Settings | None = None, *, read_only: bool = True
) -> Iterator[tuple[Settings, sqlite3.Connection]]:
    settings = settings or load_settings()
    check_begun(settings)
    path = settings.control_path

    async def prepare() -> None:
        async with await open_control(path):
            """Made, or brought up to date."""

    asyncio.run(prepare())
    with translated(path), closing(connect(path, read_only=read_only)) as connection:
        yield settings, connection


def _chain(settings: Settings) -> Chain:
    return Chain(load_private_key(settings.audit_key_path))


def _head(settings: Settings) -> Head:
    return Head(settings.control_path.with_name(HEAD_NAME), _chain(settings))


def _user(settings: Settings) -> str:
    return settings.user or getpass.getuser()


def _confirm(yes: bool, question: str) -> None:
    if not yes and not typer.confirm(question, err=True):
        raise typer.Exit(ExitCode.USAGE)


def _link(written: str) -> Link:
    match = _LINK.fullmatch(written)
    if match is None:
        raise typer.BadParameter(f"{written!r} is not what `mailquery audit tail --head` says: SEQUENCE:HASH.")
    return Link(int(match[1]), bytes.fromhex(match[2]))


def _moment(written: str | None, settings: Settings) -> datetime | None:
    """A day or a moment without an offset is the user's."""
    if written is None:
        return None
    try:
        moment = datetime.fromisoformat(written)
    except ValueError:
        raise Fault(
            ErrorCode.INVALID_FORMAT, "A moment is written like 2026-01-31 or 2026-01-31T14:00:00+09:00."
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=settings.zone)


def _show(connection: sqlite3.Connection, sequence: int, zone: ZoneInfo, as_json: bool) -> int:
    """Prints what comes after `sequence`; the newest sequence that was printed."""
    rows = []
    for number, line in lines_after(connection, sequence):
        sequence = number
        if as_json:
            print(line, flush=True)
        else:
            rows.append(_columns(json.loads(line), zone))
    if rows:
        print_rows(
            ("sequence", "time", "user", "client", "call", "decision", "shown", "characters", "why"),
            rows,
            right=("sequence", "shown", "characters"),
            flexible="why",
        )
    return sequence


def _columns(record: dict[str, Any], zone: ZoneInfo) -> tuple[str, ...]:
    return (
        str(record["sequence"]),
        local_time(datetime.fromisoformat(record["time"]), zone),
        record.get("user", ""),
        record.get("client", "") or record.get("credential", "") or record.get("address", ""),
        f"{record['kind']} {record['name']}",
        record["decision"],
        str(len(record.get("disclosed", ()))),
        str(record.get("characters", 0)),
        " ".join(filter(None, (record.get("error", ""), record.get("reason", "")))),
    )


def _print_place(connection: sqlite3.Connection, as_json: bool) -> None:
    place = None
    for _, line in lines_after(connection, sequence_before_last(connection, 1)):
        record = json.loads(line)
        place = f"{record['sequence']}:{record['hash']}"
    if as_json:
        print_json({"head": place})
    elif place is None:
        note("There are no records yet.")
    else:
        print(place)


def _shape(verdict: Verdict) -> dict[str, object]:
    problem = verdict.problem
    return {
        "sound": verdict.is_sound,
        "records": verdict.records,
        "end": str(verdict.end) if verdict.end else None,
        "problem": None if problem is None else {"sequence": problem.sequence, "what": problem.what},
        "gaps": list(verdict.gaps),
        "unchecked": [str(link) for link in verdict.unchecked],
    }


def _print_verdict(verdict: Verdict) -> None:
    for gap in verdict.gaps:
        print(f"Record {gap} says that records were missing when it was written.")
    for link in verdict.unchecked:
        print(f"Nothing can be said of record {link.sequence}: it was removed as too old.")
    if verdict.problem is not None:
        print(f"Record {verdict.problem.sequence} {verdict.problem.what}. {verdict.records:,} records before it hold.")
    elif verdict.end is None or not verdict.records:
        print("There are no records yet.")
    else:
        print(f"All {verdict.records:,} records hold, through {verdict.end}.")
