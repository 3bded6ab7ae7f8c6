"""Which module has which command. A command's module is imported when it is asked for: what all of them need together
takes longer to import than most of them take to run."""

from collections.abc import Iterator, MutableMapping
from importlib import import_module
from typing import Any

import typer

from mailquery.cli.output.exits import MEANINGS

# The order is that of `mailquery --help`.
MODULES = {
    "import": "importing",
    "sync": "synchronising",
    "accounts": "accounts.commands",
    "embed": "embedding",
    "extract": "extracting",
    "reindex": "upkeep.rebuilding",
    "search": "mail.searching",
    "show": "mail.reading",
    "thread": "mail.reading",
    "export": "mail.exporting",
    "attachments": "mail.attachments",
    "stats": "mail.statistics",
    "response-times": "mail.conversations",
    "awaiting": "mail.conversations",
    "serve": "server.serving",
    "health": "server.health",
    "keys": "access.keys",
    "backup": "upkeep.backing_up",
    "restore": "upkeep.restoring",
    "verify": "upkeep.verifying",
    "status": "upkeep.status",
    "doctor": "upkeep.doctoring",
    "problems": "upkeep.problems",
    "policy": "access.policy",
    "audit": "access.auditing",
    "config": "configuration",
    "consent": "access.consent",
    "defaults": "defaults",
}


class Commands(MutableMapping[str, Any]):
    """The commands by their names, each made when it is looked up. What typer makes of them has no public type."""

    def __init__(self) -> None:
        self._made: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._made:
            self._made |= _commands_of(MODULES[name])
        return self._made[name]

    def __setitem__(self, name: str, command: Any) -> None:
        self._made[name] = command

    def __delitem__(self, name: str) -> None:
        del self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(MODULES)

    def __len__(self) -> int:
        return len(MODULES)


def _commands_of(module: str) -> dict[str, Any]:
    family = typer.Typer(rich_markup_mode="markdown", pretty_exceptions_enable=False, add_completion=False)
    import_module(f"mailquery.cli.{module}").register(family)
    _add_exit_codes(family)
    return dict(typer.main.get_group(family).commands)


def _add_exit_codes(to: typer.Typer) -> None:
    """Behind the examples: they would lose their indentation, and run together, if nothing less indented followed."""
    for command in to.registered_commands:
        command.help = f"{(command.help or '').rstrip()}\n\n{MEANINGS}"
    for group in to.registered_groups:
        if group.typer_instance is not None:
            _add_exit_codes(group.typer_instance)
