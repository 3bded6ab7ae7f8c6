"""mailquery accounts add"""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated

import typer

from mailquery.application import Application
from mailquery.cli.accounts.logins import new_login
from mailquery.cli.accounts.options import (
    Device,
    Exclude,
    Include,
    NoTest,
    OAuthFlag,
    Password,
    PasswordCommand,
    PasswordStdin,
    Pin,
    fingerprint,
    given_login,
    given_server,
    patterns,
    read_password,
    size,
)
from mailquery.cli.accounts.shapes import account_shape, login_words, server_words
from mailquery.cli.archive import with_application
from mailquery.cli.output.asking import ask, ask_yes, can_ask
from mailquery.cli.output.printing import JsonFlag, note, print_json
from mailquery.domain.accounts import LARGEST_MESSAGE, Login, MailAccount, Security, WhenGone
from mailquery.domain.counts import plural
from mailquery.services.accounts.adding import Added
from mailquery.sources.discovery.addresses import MailAddress, mail_address
from mailquery.sources.discovery.candidates import Candidate, Found, Origin
from mailquery.sources.discovery.providers import Provider
from mcpkit.errors import ErrorCode, Fault

HELP = """Add the account of a mail address. Its server is found by itself: by the provider, by the domain's own
configuration (Thunderbird's format, DNS), or under the usual names. The login is tried before anything is stored; the
password is kept sealed. It is asked for, or given by --password-stdin, by --password-command or in the variable
MAILQUERY_ACCOUNT_PASSWORD, and never on the command line.

Examples:

```
mailquery accounts add ana@example.com
mailquery accounts add ana@example.com --password-command "pass show mail"
mailquery accounts add ana@gmail.com --oauth
mailquery accounts add ana@example.com --host mail.example.com --exclude Spam --exclude "Lists/*"
```
"""

_MOST_SERVERS = 4  # that are tried
_WORDS = {
    Origin.PROVIDER: "a known provider",
    Origin.MX: "where the mail of the domain is delivered",
    Origin.AUTOCONFIG: "the domain's own configuration file",
    Origin.SRV: "the domain's DNS",
    Origin.DATABASE: "Thunderbird's database of providers",
    Origin.GUESS: "a usual name at which a mail server answers",
}


@dataclass(frozen=True, slots=True)
class _Choice:
    """Servers that come into question, with user names, and where they were found."""

    candidates: tuple[Candidate, ...]
    provider: Provider | None
    origin: Origin | None


def add(
    address: Annotated[str, typer.Argument(help="The mail address.", show_default=False)],
    name: Annotated[str, typer.Option("--name", help="How the account is called; the default is the address.")] = "",
    host: Annotated[str, typer.Option("--host", help="The IMAP server, where it is not to be looked for.")] = "",
    port: Annotated[int | None, typer.Option("--port", min=1, max=65535, help="993, or 143 for STARTTLS.")] = None,
    security: Annotated[
        Security | None, typer.Option("--security", help="How the connection is protected.", show_default=False)
    ] = None,
    username: Annotated[
        str, typer.Option("--username", help="The name to log in with; the default is the address.")
    ] = "",
    password_command: PasswordCommand = "",
    password_stdin: PasswordStdin = False,
    password: Password = None,
    oauth: OAuthFlag = False,
    device: Device = False,
    include: Include = None,
    exclude: Exclude = None,
    when_gone: Annotated[
        WhenGone, typer.Option("--when-gone", help="What becomes of mail that is deleted on the server.")
    ] = WhenGone.HIDE,
    largest: Annotated[
        str, typer.Option("--largest", help="Of larger messages only the text is fetched, the rest on demand.")
    ] = "",
    pin: Pin = "",
    no_test: NoTest = False,
    as_json: JsonFlag = False,
) -> None:
    given = given_login(password_command, password_stdin, oauth, device, password)
    parsed = mail_address(address)
    pinned = fingerprint(pin)
    template = MailAccount(
        name=name.strip() or parsed.text,
        address=parsed.text,
        server=given_server(host or "unknown.invalid", port, security, pin),
        username=_username(username),
        login=Login.PASSWORD,
        include=patterns("--include", include),
        exclude=patterns("--exclude", exclude),
        when_gone=when_gone,
        largest=size(largest) if largest else LARGEST_MESSAGE,
    )
    if host:
        with_application(lambda application: application.mail_accounts.add.free_name(template.name))
        choice = _Choice((Candidate(template.server, (parsed.text,), Origin.PROVIDER),), None, None)
    else:
        choice = _chosen(parsed, template, port, security)
    accounts = _accounts(template, choice, pinned)
    by_oauth = given.oauth or (not given.is_given and not choice.candidates[0].password)
    if not by_oauth and choice.provider is not None:
        _advise(choice.provider)
    secret = "" if by_oauth or given.command else read_password(given, f"Password of {accounts[0].username}")

    async def store(application: Application) -> Added:
        new = await new_login(
            application, replace(given, oauth=by_oauth), secret, parsed.text, _authorization_server(choice)
        )
        return await application.mail_accounts.add(accounts, new, check=not no_test)

    added = with_application(store)
    _tell(added, choice, as_json)


def _username(given: str) -> str:
    if given != given.strip() or not given.isprintable() or len(given) > 320:
        raise Fault(
            ErrorCode.VALIDATION_ERROR, "--username is no name to log in with.", details={"argument": "username"}
        )
    return given


def _chosen(address: MailAddress, template: MailAccount, port: int | None, security: Security | None) -> _Choice:
    """By looking for the server. Raises Fault NOT_FOUND where none is found and nobody can be asked."""
    if port is not None or security is not None:
        raise Fault(ErrorCode.VALIDATION_ERROR, "--port and --security belong to a server: name it with --host, too.")

    async def find(application: Application) -> Found:
        accounts = application.mail_accounts
        await accounts.add.free_name(template.name)
        if can_ask():
            note(f"Looking for the mail server of {address.text} ...")
        return await application.find_servers(address)

    found = with_application(find)
    if found.provider is not None and found.provider.server is None:
        raise Fault(ErrorCode.NOT_FOUND, found.provider.note, details={"provider": found.provider.name})
    usable = _confirmed(found.candidates)
    if usable:
        return _Choice(usable, usable[0].provider or found.provider, usable[0].origin)
    if not can_ask():
        raise _none_found(address, found)
    note(_none_found(address, found).message)
    server = given_server(ask("IMAP server"), None, None, "")
    return _Choice((Candidate(server, (address.text, address.local), Origin.GUESS),), None, None)


def _confirmed(candidates: Sequence[Candidate]) -> tuple[Candidate, ...]:
    """Those that need no confirmation, or that the person at the terminal confirms. One is enough: nobody is asked
    about those that come after it."""
    usable: list[Candidate] = []
    for each in candidates[:_MOST_SERVERS]:
        if not each.confirm or (not usable and can_ask() and _is_theirs(each)):
            usable.append(each)
    return tuple(usable)


def _is_theirs(candidate: Candidate) -> bool:
    note(
        f"{_WORDS[candidate.origin].capitalize()} names the server {candidate.server.host}, which is not of the domain "
        "of the address. That could have been forged."
    )
    return ask_yes(f"Does your mail lie at {candidate.server.host}?")


def _none_found(address: MailAddress, found: Found) -> Fault:
    tried = "; ".join(f"{_WORDS[each.origin]}: {each.outcome}" for each in found.attempts)
    named = [each.server for each in found.candidates if each.confirm]
    if named:
        message = (
            f"The mail server of {address.domain} is named by what could have been forged, and is not of that domain. "
            "If your mail lies there, say so: "
            + ", or ".join(f"--host {each.host} --port {each.port}" for each in named[:_MOST_SERVERS])
        )
    else:
        message = (
            f"No IMAP server was found for {address.domain}. Name it with --host (the help pages of your provider say "
            f"what it is called). What was tried: {tried}."
        )
    return Fault(ErrorCode.NOT_FOUND, message, details={"domain": address.domain})


def _accounts(template: MailAccount, choice: _Choice, pinned: str) -> list[MailAccount]:
    """The account at each server and with each user name that come into question."""
    return [
        replace(template, server=replace(candidate.server, pinned=pinned), username=username)
        for candidate in choice.candidates
        for username in ((template.username,) if template.username else candidate.usernames)
    ]


def _advise(provider: Provider) -> None:
    """Before the password is asked for, so that it is the right one."""
    if not can_ask():
        return
    if provider.app_password_needed:
        note(f"{provider.name} wants a password made for mail programs, not the usual one: {provider.app_password}")
    if provider.imap_switch:
        note(f"IMAP must be switched on: {provider.imap_switch}")
    if provider.note:
        note(provider.note)


def _authorization_server(choice: _Choice) -> str:
    """Empty is the issuer of the settings."""
    return choice.provider.oauth if choice.provider is not None else ""


def _tell(added: Added, choice: _Choice, as_json: bool) -> None:
    account = added.account
    if as_json:
        print_json(
            {
                "account": account_shape(account),
                "tested": added.checked is not None,
                "mailboxes": None if added.checked is None else added.checked.mailboxes,
                "found_by": None if choice.origin is None else choice.origin.value,
            }
        )
        return
    seen = "not tested" if added.checked is None else plural(added.checked.mailboxes, "mailbox", "mailboxes")
    print(f"{account.name} is added: {server_words(account)} as {account.username}, {login_words(account)}, {seen}.")
    if choice.origin is not None:
        note(f"The server was found by {_WORDS[choice.origin]}.")
    if added.joined:
        note(f"The archive has mail of {account.name} already: what comes from the server joins it.")
    note(f"Bring its mail in: mailquery sync {shlex.quote(account.name)}")
