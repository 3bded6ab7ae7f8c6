import re
from collections.abc import Iterator
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from mailquery.cli.app import app

FENCED = re.compile(r"```\n(.*?)```", re.DOTALL)


def leaves(command: Any, *path: str) -> Iterator[tuple[tuple[str, ...], str]]:
    """Every command below, with its help as it is written."""
    if not hasattr(command, "commands"):
        yield path, command.help or ""
        return
    for name, below in command.commands.items():
        yield from leaves(below, *path, name)


COMMANDS = dict(leaves(typer.main.get_command(app)))


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_example_stands_on_a_line_of_its_own(path: tuple[str, ...]) -> None:
    (examples,) = FENCED.findall(COMMANDS[path])
    shown = CliRunner().invoke(app, [*path, "--help"], terminal_width=200, env={"COLUMNS": "200"})
    lines = [line.strip() for line in shown.output.splitlines()]
    for example in examples.splitlines():
        assert example in lines


def test_what_stands_for_a_name_is_not_lost() -> None:
    shown = CliRunner().invoke(app, ["config", "--help"], env={"COLUMNS": "200"})
    assert "config/<environment>.yaml" in shown.output
