"""What the commands about accounts are given, read and checked."""

import ipaddress
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import typer

from mailquery.cli.output.asking import ask_password, can_ask
from mailquery.domain.accounts import Security, Server
from mailquery.services.accounts.credentials import LONGEST_PASSWORD
from mailquery.settings import ACCOUNT_PASSWORD, environment
from mailquery.sources.discovery.addresses import host_name
from mailquery.sources.patterns import check as check_pattern
from mcpkit.errors import ErrorCode, Fault

_PORTS = {Security.TLS: 993, Security.STARTTLS: 143, Security.NONE: 143}
_FINGERPRINT = re.compile(r"[0-9a-f]{64}")
_SIZE = re.compile(r"([0-9]{1,9})([kmg]?)b?", re.IGNORECASE)
_FACTORS = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3}

PasswordCommand = Annotated[
    str, typer.Option("--password-command", help="A command whose first line is the password, run at each login.")
]
PasswordStdin = Annotated[bool, typer.Option("--password-stdin", help="Read the password from standard input.")]
# So that who tries it learns why there is no such option, and does not try to spell it otherwise.
Password = Annotated[str | None, typer.Option("--password", hidden=True)]
OAuthFlag = Annotated[bool, typer.Option("--oauth", help="Sign in with the provider (OAuth), without a password.")]
Device = Annotated[bool, typer.Option("--device", help="With --oauth: by a code on another device, without a browser.")]
Pin = Annotated[str, typer.Option("--pin", help="The SHA-256 fingerprint of the server's certificate to trust.")]
Include = Annotated[list[str] | None, typer.Option("--include", help="Only mailboxes like this, such as `Lists/*`.")]
Exclude = Annotated[list[str] | None, typer.Option("--exclude", help="No mailboxes like this.")]
NoTest = Annotated[bool, typer.Option("--no-test", help="Store it without trying to log in.")]


@dataclass(frozen=True, slots=True)
class GivenLogin:
    """What was said about how to log in. At most one of them; none is that it must be asked for."""

    command: str = ""
    stdin: bool = False
    oauth: bool = False
    device: bool = False

    @property
    def is_given(self) -> bool:
        return bool(self.command or self.stdin or self.oauth or environment().get(ACCOUNT_PASSWORD))


def given_login(command: str, stdin: bool, oauth: bool, device: bool, password: str | None) -> GivenLogin:
    """Raises Fault VALIDATION_ERROR."""
    if password is not None:
        raise Fault(
            ErrorCode.VALIDATION_ERROR,
            "There is no --password: other programs can read the command line, and the shell keeps it in its history. "
            "If that was a real password, consider it known to them. Leave it out to be asked for it, or use "
            f"--password-stdin, --password-command, or the variable {ACCOUNT_PASSWORD}.",
            details={"argument": "password"},
        )
    stated = {"--password-command": command, "--password-stdin": stdin, "--oauth": oauth or device}
    ways = [option for option, is_given in stated.items() if is_given]
    if len(ways) > 1:
        raise Fault(ErrorCode.VALIDATION_ERROR, f"Give one of {' and '.join(ways)}, not both.")
    if "\0" in command or (command and not command.strip()):
        raise Fault(ErrorCode.VALIDATION_ERROR, "--password-command is no command.", details={"argument": "command"})
    return GivenLogin(command, stdin, oauth or device, device)


def read_password(given: GivenLogin, question: str) -> str:
    """From standard input, the environment, or the person at the terminal. Raises Fault VALIDATION_ERROR where there is
    nobody to ask."""
    if given.stdin:
        line = sys.stdin.readline(LONGEST_PASSWORD + 2)
        return line.removesuffix("\n").removesuffix("\r")
    stated = environment().get(ACCOUNT_PASSWORD)
    if stated:
        return stated
    if not can_ask():
        raise Fault(
            ErrorCode.VALIDATION_ERROR,
            "A password is needed, and there is no terminal to ask for it. Give it with --password-stdin, with "
            f'--password-command "pass show mail", or in the variable {ACCOUNT_PASSWORD}.',
            details={"argument": "password"},
        )
    return ask_password(question)


def given_server(host: str, port: int | None, security: Security | None, pin: str) -> Server:
    """Raises Fault VALIDATION_ERROR."""
    try:
        name = _host(host)
    except ValueError:
        raise Fault(
            ErrorCode.VALIDATION_ERROR,
            "--host must be the name or the IP address of a server, such as imap.example.com, without a port.",
            details={"argument": "host"},
        ) from None
    kind = security or (Security.STARTTLS if port == _PORTS[Security.STARTTLS] else Security.TLS)
    if kind is Security.NONE and not is_loopback(name):
        raise Fault(
            ErrorCode.VALIDATION_ERROR,
            "--security none would send the password for everybody on the way to read. It is for servers on this "
            "machine only (--host 127.0.0.1).",
            details={"argument": "security"},
        )
    return Server(name, _PORTS[kind] if port is None else port, kind, fingerprint(pin))


def fingerprint(given: str) -> str:
    """As 64 hexadecimal digits; empty for none. Raises Fault VALIDATION_ERROR."""
    digits = given.strip().lower().removeprefix("sha256").lstrip(":= ").replace(":", "").replace(" ", "")
    if given and not _FINGERPRINT.fullmatch(digits):
        raise Fault(
            ErrorCode.VALIDATION_ERROR,
            "--pin must be a SHA-256 fingerprint: 64 hexadecimal digits, with or without colons.",
            details={"argument": "pin"},
        )
    return digits


def patterns(option: str, given: Sequence[str] | None) -> tuple[str, ...]:
    """Of mailboxes. Raises Fault."""
    for each in given or ():
        try:
            check_pattern(each)
            usable = each.isprintable()
        except Fault as fault:
            raise Fault(fault.code, f"{option}: {fault.message}", details={"argument": option.strip("-")}) from None
        if not usable:
            message = f"{option} must be one line of characters that can be seen."
            raise Fault(ErrorCode.VALIDATION_ERROR, message, details={"argument": option.strip("-")})
    return tuple(given or ())


def size(given: str) -> int:
    """Bytes. Raises Fault VALIDATION_ERROR."""
    written = _SIZE.fullmatch(given.strip())
    found = int(written[1]) * _FACTORS[written[2].lower()] if written else 0
    if found < 1024:
        raise Fault(
            ErrorCode.VALIDATION_ERROR,
            "--largest must be a size of at least 1K, such as 500K, 20M or 1G.",
            details={"argument": "largest"},
        )
    return found


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _host(given: str) -> str:
    try:
        return str(ipaddress.ip_address(given.strip().strip("[]")))
    except ValueError:
        return host_name(given)
