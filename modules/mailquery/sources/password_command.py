"""A command that prints a password, such as `pass show mail`."""

import asyncio
import os
import signal
from contextlib import suppress

from mcpkit.errors import ErrorCode, Fault
from mcpkit.redaction import redact_text
from mcpkit.security.untrusted import clean_line

_SHELL = "/bin/sh"
_LONGEST_PASSWORD = 16_384  # bytes
_LONGEST_ERRORS = 4_096  # bytes of standard error that are read
_SHOWN_ERRORS = 300  # characters of it that are told
_NOT_FOUND = 127  # how a shell ends that knows no such command (POSIX, Shell & Utilities, section 2.8.2)


async def password_of_command(command: str, *, seconds: float = 60.0) -> str:
    """The first line that the command prints, without its end.

    The shell runs it, as a line typed on a terminal: what works there works here, pipes and `~` too. It is the user's
    own line, and nothing is put into it. It reads nothing, and sees no variable of ours, which may hold secrets. What
    it prints is in no error.

    Raises:
        Fault: SOURCE_UNAVAILABLE where it cannot be run, fails, or prints no password; TIMEOUT after `seconds`, when it
            is ended with all that it started.
    """
    environment = {name: value for name, value in os.environ.items() if not name.upper().startswith("MAILQUERY_")}
    try:
        process = await asyncio.create_subprocess_exec(
            _SHELL,
            "-c",
            command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=environment,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        raise _useless("cannot be run") from error
    try:
        async with asyncio.timeout(seconds):
            printed, errors = await _read(process)
            code = await process.wait()
    except TimeoutError:
        raise Fault(
            ErrorCode.TIMEOUT,
            f"The password command did not end within {seconds:g} s. If it asks for something, unlock what it reads "
            "from first.",
        ) from None
    finally:
        await _end(process)
    if code != 0:
        raise _failed(code, errors)
    return _first_line(printed)


async def _read(process: asyncio.subprocess.Process) -> tuple[bytes, bytes]:
    assert process.stdout is not None
    assert process.stderr is not None
    printed, errors = await asyncio.gather(
        _beginning(process.stdout, _LONGEST_PASSWORD + 2), _beginning(process.stderr, _LONGEST_ERRORS)
    )
    return printed, errors


async def _beginning(stream: asyncio.StreamReader, limit: int) -> bytes:
    """The first bytes; the rest is read and forgotten, so that who writes it need not wait."""
    kept = bytearray()
    while chunk := await stream.read(8_192):
        kept += chunk[: limit - len(kept)]
    return bytes(kept)


async def _end(process: asyncio.subprocess.Process) -> None:
    """With all that it started and that is still there."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()


def _first_line(printed: bytes) -> str:
    line = printed.split(b"\n", 1)[0].removesuffix(b"\r")
    if not line:
        raise _useless("printed nothing, or an empty first line")
    if len(line) > _LONGEST_PASSWORD:
        raise _useless(f"printed a first line of more than {_LONGEST_PASSWORD:,} bytes")
    try:
        password = line.decode()
    except UnicodeDecodeError:
        raise _useless("printed what is no UTF-8") from None
    if "\0" in password or "\r" in password:
        raise _useless("printed characters that no password may have")
    return password


def _failed(code: int, errors: bytes) -> Fault:
    said = clean_line(redact_text(errors.decode(errors="replace")), _SHOWN_ERRORS)
    how = f"was ended by signal {-code}" if code < 0 else f"failed (exit code {code})"
    if code == _NOT_FOUND:
        how = "names a program that is not there (exit code 127)"
    return _useless(how, exit_code=code, others=f"It said: {said}" if said else "")


def _useless(how: str, *, exit_code: int | None = None, others: str = "") -> Fault:
    return Fault(
        ErrorCode.SOURCE_UNAVAILABLE,
        f"The password command {how}. Run it in a terminal: its first line must be the password.",
        details={} if exit_code is None else {"exit_code": exit_code},
        others=others,
    )
