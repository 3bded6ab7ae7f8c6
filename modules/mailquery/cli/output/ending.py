"""How a command is ended from outside."""

import asyncio
import signal
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import typer

from mailquery.cli.output.exits import ExitCode

T = TypeVar("T")


def run_until_ended(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Runs `work`. SIGTERM does what Ctrl-C does: what is under way is kept, and said. Raises what `work` raises, and
    KeyboardInterrupt."""

    async def run() -> T:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, signal.raise_signal, signal.SIGINT)
        return await work()

    return asyncio.run(run())


@contextmanager
def says_when_ended(words: str | Callable[[], str]) -> Iterator[None]:
    """What is under way in it and is ended from outside ends the command: it was "Interrupted", and what `words` say of
    what was done until then. The exit code is INTERRUPTED."""
    try:
        yield
    except KeyboardInterrupt:
        said = words if isinstance(words, str) else words()
        print(f"Interrupted. {said}".rstrip(), file=sys.stderr)
        raise typer.Exit(ExitCode.INTERRUPTED) from None
