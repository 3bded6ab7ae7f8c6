"""The command line: its options, and the commands of every family."""

import os
import sys
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from mailquery import __version__
from mailquery.cli.families import Commands
from mailquery.cli.output.exits import MEANINGS
from mailquery.cli.output.failures import reporting


class _Commands(TyperGroup):
    """Ends quietly where whoever read the output has seen enough (`| head`)."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = Commands()

    def invoke(self, ctx: Any) -> object:  # the class that it is declared with has no public name
        try:
            result: object = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:
            # Python must not complain either when it flushes at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit from None
        return result


app = typer.Typer(
    name="mailquery",
    cls=_Commands,
    help="Search and read your mail: from here, or from an AI assistant over the Model Context Protocol (MCP).",
    epilog=MEANINGS,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"mailquery {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Print a stack trace for program errors.")] = False,
) -> None:
    # `version` acts in its callback, and `--debug` is read by `reporting`, which must know of it before anything runs.
    del version, debug


def run(arguments: Sequence[str]) -> None:
    for stream in (sys.stdout, sys.stderr):
        # A terminal that is not UTF-8 gets escapes for what it cannot show, not an error.
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # both are TextIOWrapper here
    with reporting(arguments):
        typer.main.get_command(app).main(list(arguments), prog_name="mailquery")
