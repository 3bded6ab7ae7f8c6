"""Where a command's answer goes: tables and colours on a terminal, plain lines into a pipe, JSON where asked for."""

import sys
from collections.abc import Sequence
from datetime import datetime, tzinfo
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from mailquery.cli.output.plain import safe_json
from mcpkit.security.untrusted import clean_block, clean_line

Columns = tuple[str, ...]
JsonFlag = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]


def console(*, stderr: bool = False) -> Console:
    """Without rich's markup and highlighting, which would read them into text from mail."""
    return Console(stderr=stderr, markup=False, highlight=False, emoji=False, soft_wrap=not sys.stdout.isatty())


def print_json(value: object) -> None:
    print(safe_json(value, indent=2 if sys.stdout.isatty() else None))


def table(columns: Columns, right: Columns, flexible: str) -> Table:
    """A table without rules. `right` columns hold numbers; the `flexible` one gives way on a narrow terminal."""
    made = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for name in columns:
        justify: Literal["left", "right"] = "right" if name in right else "left"
        ratio = 1 if name == flexible else None
        made.add_column(name, justify=justify, no_wrap=True, overflow="ellipsis", ratio=ratio)
    return made


def print_rows(columns: Columns, rows: Sequence[Columns], *, right: Columns = (), flexible: str = "") -> None:
    """A table on a terminal; else one line for each row, its fields separated by tabs, without a heading."""
    cleaned = [tuple(clean_line(field) for field in row) for row in rows]
    if not sys.stdout.isatty():
        for row in cleaned:
            print("\t".join(row))
        return
    made = table(columns, right, flexible)
    for row in cleaned:
        made.add_row(*(Text(field) for field in row))
    console().print(made)


def note(text: str) -> None:
    """A remark about the answer, which is no part of it."""
    console(stderr=True).print(Text(clean_block(text), style="dim"))


def local_time(moment: datetime, zone: tzinfo) -> str:
    """A moment on the clock of `zone`, the user's, to the minute."""
    return moment.astimezone(zone).strftime("%Y-%m-%d %H:%M")


def file_size(size: int) -> str:
    """Bytes in a person's units, of 1000."""
    amount = float(size)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "B" or amount >= 100 else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} TB"
