"""mailquery verify"""

import typer


def register(app: typer.Typer) -> None:
    app.command("verify")(verify)


def verify() -> None: ...
