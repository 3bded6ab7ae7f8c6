"""The audit's records for people and other programs."""

import csv
import io
import json
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime

from mcpkit.security.audit.chain import Link
from mcpkit.security.audit.store import with_place
from mcpkit.security.audit.table import rows_after

_COLUMNS = (
    "sequence", "time", "kind", "name", "user", "credential", "address", "client", "transport", "request_id",
    "protocol_version", "decision", "reason", "arguments", "values", "disclosed", "characters", "duration", "error",
    "error_id", "hash",
)  # fmt: skip
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet would run


def lines_after(
    connection: sqlite3.Connection, sequence: int, since: datetime | None = None, until: datetime | None = None
) -> Iterator[tuple[int, str]]:
    """Each record after `sequence` with its sequence, as a line of JSON. `since` is included, `until` is not. Records
    that somebody damaged are passed over: `verify` names them."""
    earliest, latest = _written(since), _written(until)
    for row in rows_after(connection, sequence):
        if row.record is None or row.hash is None:
            continue
        if earliest or latest:
            time = _time(row.record)
            if (earliest and time < earliest) or (latest and time >= latest):
                continue
        yield row.sequence, with_place(Link(row.sequence, row.hash), row.record)


def csv_line(line: str | None) -> str:
    """A line of JSON as a line of CSV (RFC 4180); None gives the heading. What is no text or number stays JSON."""
    out = io.StringIO()
    writer = csv.writer(out)
    if line is None:
        writer.writerow(_COLUMNS)
    else:
        record = json.loads(line)
        writer.writerow([_cell(record.get(column, "")) for column in _COLUMNS])
    return out.getvalue().rstrip("\r\n")


def _cell(value: object) -> object:
    if isinstance(value, dict | list):
        return json.dumps(value, separators=(",", ":"))
    if isinstance(value, str):
        text = value.replace("\r", " ").replace("\n", " ")
        return f"'{text}" if text.startswith(_FORMULA) else text
    return value


def _written(moment: datetime | None) -> str:
    if moment is None:
        return ""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _time(record: str) -> str:
    try:
        return str(json.loads(record).get("time", ""))
    except (ValueError, AttributeError):  # edited
        return ""
