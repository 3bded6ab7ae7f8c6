"""How a command that failed says so: one clear line and an exit code, never a stack trace."""

import contextlib
import secrets
import sys
import textwrap
import traceback
from collections.abc import Iterator, Sequence

from mailquery.cli.output.exits import ExitCode, exit_code_for
from mailquery.cli.output.plain import safe_json
from mcpkit.errors import ErrorCode, Fault
from mcpkit.security.untrusted import clean_block
from mcpkit.shortage import is_lack_of_memory, too_little_memory


@contextlib.contextmanager
def reporting(arguments: Sequence[str]) -> Iterator[None]:
    """Runs a command. `--json` among the arguments gives errors as JSON on standard error, `--debug` a stack trace for
    errors of the program's own."""
    as_json = "--json" in arguments
    try:
        yield
    except Fault as fault:
        _print_fault(fault, as_json)
        sys.exit(exit_code_for(fault.code))
    except KeyboardInterrupt:
        sys.exit(ExitCode.INTERRUPTED)
    except Exception as error:  # noqa: BLE001 - the last stop: whatever it is, the user gets a sentence
        if is_lack_of_memory(error):
            lacking = too_little_memory()
            _print_fault(lacking, as_json)
            sys.exit(exit_code_for(lacking.code))
        _print_unexpected(error, as_json, debug="--debug" in arguments)
        sys.exit(ExitCode.FAILURE)


def _print_fault(fault: Fault, as_json: bool) -> None:
    if as_json:
        print(safe_json({"error": {**fault.as_dict(), "message": fault.told_here}}), file=sys.stderr)
        return
    print(f"mailquery: {clean_block(f'{fault.told_here} {fault.others}'.rstrip())}", file=sys.stderr)
    pointer = fault.details.get("pointer")
    if fault.code is ErrorCode.QUERY_SYNTAX and isinstance(pointer, str):
        print(textwrap.indent(clean_block(pointer), "  "), file=sys.stderr)


def _print_unexpected(error: Exception, as_json: bool, *, debug: bool) -> None:
    error_id = secrets.token_hex(4)
    if debug:
        from mcpkit.redaction import redact_text  # on the way of every start

        print(redact_text("".join(traceback.format_exception(error))), file=sys.stderr, end="")
    message = (
        f"An unexpected {type(error).__name__} occurred (error {error_id}). Nothing that was stored is lost. "
        "Run the command again with --debug for the details."
    )
    _print_fault(Fault(ErrorCode.INTERNAL_ERROR, message, details={"error_id": error_id}), as_json)
