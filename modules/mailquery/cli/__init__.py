"""The command line.

An MCP client starts `mailquery serve` for every conversation and waits for it, so that case goes straight to the
server: nothing of the command line's own libraries is imported on its way.
"""

import sys
from collections.abc import Sequence

_STDIO = (["serve", "--transport", "stdio"], ["serve", "--transport=stdio"])


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs one command and exits with an `ExitCode`. Without arguments, where standard input is no terminal, it serves
    MCP over it: `uvx mailquery` is all that a client's configuration needs."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given in _STDIO or (given in ([], ["serve"]) and not sys.stdin.isatty()):
        from mailquery.cli.output.failures import reporting
        from mailquery.cli.server.servers import serve_stdio

        with reporting(given):
            serve_stdio()
        return

    from mailquery.cli.app import run

    run(given)
