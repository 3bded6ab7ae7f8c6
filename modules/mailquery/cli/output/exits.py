"""What the exit code of a command means."""

from enum import IntEnum

from mcpkit.errors import ErrorCode


class ExitCode(IntEnum):
    OK = 0
    FAILURE = 1  # an error of the program's own
    USAGE = 2  # an argument, a query or a setting that cannot be used
    NOT_FOUND = 3  # no such file, folder, message, thread, account or server
    UNAVAILABLE = 4  # the archive (in use by another import, damaged, too new, its disk full); a login is refused
    INTERRUPTED = 130  # Ctrl-C


# Where a line is needed in --help.
MEANINGS = (
    "Exit codes: 0 done, 1 program error, 2 wrong usage (argument, query, setting), 3 not found "
    "(also a server that cannot be reached), 4 archive unavailable (busy, damaged, disk full) or login refused, "
    "130 interrupted."
)

_BY_ERROR = {
    ErrorCode.VALIDATION_ERROR: ExitCode.USAGE,
    ErrorCode.INVALID_FORMAT: ExitCode.USAGE,
    ErrorCode.QUERY_SYNTAX: ExitCode.USAGE,
    ErrorCode.TOO_LARGE: ExitCode.USAGE,
    ErrorCode.CONFIGURATION: ExitCode.USAGE,
    ErrorCode.UNAUTHORIZED: ExitCode.USAGE,
    ErrorCode.FORBIDDEN: ExitCode.USAGE,
    ErrorCode.CONSENT_REQUIRED: ExitCode.USAGE,
    ErrorCode.NOT_FOUND: ExitCode.NOT_FOUND,
    ErrorCode.SOURCE_UNAVAILABLE: ExitCode.NOT_FOUND,
    ErrorCode.INTERNAL_ERROR: ExitCode.FAILURE,
}


def exit_code_for(error: ErrorCode) -> ExitCode:
    return _BY_ERROR.get(error, ExitCode.UNAVAILABLE)
