"""Asking the person at the terminal. Questions go to standard error: standard output is the answer of the command."""

import getpass
import sys
import warnings

from mailquery.cli.output.printing import note
from mcpkit.errors import ErrorCode, Fault
from mcpkit.security.untrusted import clean_line


def can_ask() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()


def ask(question: str, default: str = "") -> str:
    """One line, without white space around it. Raises Fault VALIDATION_ERROR at the end of the input."""
    shown = f" [{clean_line(default)}]" if default else ""
    print(f"{clean_line(question)}{shown}: ", file=sys.stderr, end="", flush=True)
    return _line().strip() or default


def ask_yes(question: str) -> bool:
    """Only a clear yes is one."""
    while True:
        answer = ask(f"{question} (y/n)").casefold()
        if answer in ("y", "yes"):
            return True
        if answer in ("n", "no", ""):
            return False
        note("Please answer y or n.")


def ask_password(question: str) -> str:
    """Without showing what is typed. Raises Fault VALIDATION_ERROR where that is not possible."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", getpass.GetPassWarning)
            return getpass.getpass(f"{clean_line(question)}: ", stream=sys.stderr)
    except getpass.GetPassWarning:
        raise Fault(
            ErrorCode.VALIDATION_ERROR, "This terminal would show the password. Give it with --password-stdin."
        ) from None
    except EOFError:
        raise _nothing() from None


def _line() -> str:
    line = sys.stdin.readline()
    if not line:
        raise _nothing()
    return line


def _nothing() -> Fault:
    return Fault(ErrorCode.VALIDATION_ERROR, "Nothing was entered, and nothing was changed.")
