import pkgutil
import subprocess
import sys
from importlib import import_module

import typer

import mailquery.cli
from mailquery.cli.families import MODULES, Commands


def test_every_command_of_a_module_is_in_the_table_and_no_other() -> None:
    for module in sorted(set(MODULES.values())):
        family = typer.Typer()
        import_module(f"mailquery.cli.{module}").register(family)
        family.callback()(lambda: None)
        registered = set(typer.main.get_group(family).commands)
        assert registered == {name for name, its in MODULES.items() if its == module}


def test_every_module_with_commands_is_in_the_table() -> None:
    below_others = {"master_key", "signing_in"}
    prefix = "mailquery.cli."
    names = [found.name for found in pkgutil.walk_packages(mailquery.cli.__path__, prefix)]
    registering = {name.removeprefix(prefix) for name in names if hasattr(import_module(name), "register")}
    commands = {name for name in registering if name.rpartition(".")[2] not in below_others}
    assert commands == set(MODULES.values())


def test_a_command_is_made_once() -> None:
    commands = Commands()
    assert commands["show"] is commands["show"]
    assert list(commands) == list(MODULES)


def test_looking_for_a_command_that_there_is_not_imports_none() -> None:
    code = (
        "import sys\n"
        "from mailquery.cli.app import run\n"
        "try:\n    run(['serch'])\n"
        "except SystemExit as ended:\n    assert ended.code == 2\n"
        "assert 'mailquery.bootstrap' not in sys.modules and 'mailquery.cli.mail.searching' not in sys.modules\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert "Did you mean 'search'" in ended.stderr
