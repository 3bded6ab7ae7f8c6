"""mailquery accounts"""

import shlex
from dataclasses import replace
from typing import Annotated

import typer

from mailquery.application import Application
from mailquery.cli.accounts.adding import HELP as ADD_HELP
from mailquery.cli.accounts.adding import add
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
    patterns,
    read_password,
    size,
)
from mailquery.cli.accounts.shapes import account_row, account_shape, login_words, server_words, standing_shape
from mailquery.cli.archive import EVERYTHING, with_archive
from mailquery.cli.output.asking import ask_yes, can_ask
from mailquery.cli.output.printing import JsonFlag, note, print_json, print_rows
from mailquery.cli.output.progress import progress
from mailquery.domain.accounts import AccountState, Login, MailAccount, WhenGone
from mailquery.domain.counts import plural
from mailquery.services.accounts.account_states import Changes, Removed, find_account
from mailquery.services.accounts.login_checking import LoginChecked, provider_of
from mailquery.settings import load_settings
from mcpkit.errors import ErrorCode, Fault

HELP = """Accounts on mail servers, whose mail `mailquery sync` brings in."""

LIST_HELP = """List the accounts on mail servers: where they are, whether they are active, paused or need a login, and
when they were last synchronised.

Examples:

```
mailquery accounts list
mailquery accounts list --json
```
"""
TEST_HELP = """Try the login of an account, or of all. Nothing is changed on the server, and no mail is read.

Examples:

```
mailquery accounts test ana@example.com
mailquery accounts test
```
"""
LOGIN_HELP = """Give an account another credential: where the password was changed, or the server refuses the old one.
It is tried before it is stored.

Examples:

```
mailquery accounts login ana@example.com
mailquery accounts login work --password-command "pass show work"
mailquery accounts login ana@gmail.com --oauth --device
```
"""
CHANGE_HELP = """Change what is brought in of an account, from the next synchronisation on. What the archive has stays.

Examples:

```
mailquery accounts change work --exclude Spam --exclude "Lists/*"
mailquery accounts change work --every-mailbox
mailquery accounts change work --when-gone keep --largest 50M
```
"""
PAUSE_HELP = """Synchronise an account no more until it is resumed. Its mail stays in the archive.

Example:

```
mailquery accounts pause work
```
"""
RESUME_HELP = """Synchronise a paused account again.

Example:

```
mailquery accounts resume work
```
"""
REMOVE_HELP = """Take an account and its credential away, and its mail out of the archive where you say so. On the
server nothing is changed.

Examples:

```
mailquery accounts remove work
mailquery accounts remove work --with-mail
```
"""

Account = Annotated[str, typer.Argument(help="The name of the account, or its address.", show_default=False)]


def register(app: typer.Typer) -> None:
    group = typer.Typer(name="accounts", help=HELP, no_args_is_help=True)
    group.command("add", help=ADD_HELP)(add)
    group.command("list", help=LIST_HELP)(list_accounts)
    group.command("test", help=TEST_HELP)(try_login)
    group.command("login", help=LOGIN_HELP)(login)
    group.command("change", help=CHANGE_HELP)(change)
    group.command("pause", help=PAUSE_HELP)(pause)
    group.command("resume", help=RESUME_HELP)(resume)
    group.command("remove", help=REMOVE_HELP)(remove)
    app.add_typer(group)


def list_accounts(as_json: JsonFlag = False) -> None:
    settings = load_settings()
    found = with_archive(lambda application: application.mail_accounts.list(), settings)
    if as_json:
        print_json({"accounts": [standing_shape(each) for each in found]})
        return
    print_rows(
        ("account", "address", "server", "state", "synchronised", "remark"),
        [account_row(each, settings.zone) for each in found],
        flexible="remark",
    )
    if not found:
        note("There is no account on a mail server yet: mailquery accounts add ADDRESS")
    for each in found:
        if each.account.state is AccountState.NEEDS_LOGIN:
            note(f"{each.account.name} needs a login: mailquery accounts login {shlex.quote(each.account.name)}")


def try_login(
    account: Annotated[
        str | None, typer.Argument(help="The account; the default is all that are not paused.", show_default=False)
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Where there are several, all are tried before the first failure ends the command."""

    async def check(application: Application) -> list[tuple[MailAccount, LoginChecked | Fault]]:
        accounts = application.mail_accounts
        if account is not None:
            return [await accounts.check(account)]
        tried: list[tuple[MailAccount, LoginChecked | Fault]] = []
        for each in await accounts.list():
            if each.account.state is not AccountState.PAUSED:
                try:
                    tried.append(await accounts.check(each.account.name))
                except Fault as fault:
                    tried.append((each.account, fault))
        return tried

    tried = with_archive(check)
    if as_json:
        print_json({"accounts": [_tried_shape(*each) for each in tried]})
    else:
        for checked, outcome in tried:
            if isinstance(outcome, LoginChecked):
                mailboxes = plural(outcome.mailboxes, "mailbox", "mailboxes")
                print(f"{checked.name}: the login works, {mailboxes} at {server_words(checked)}")
            else:
                note(f"{checked.name}: {outcome.told_here} {outcome.others}".rstrip())
        if not tried:
            note("There is no account to try.")
    failed = [outcome for _, outcome in tried if isinstance(outcome, Fault)]
    if failed:
        raise Fault(failed[0].code, f"{len(failed)} of {len(tried)} logins do not work.")


def login(
    account: Account,
    password_command: PasswordCommand = "",
    password_stdin: PasswordStdin = False,
    password: Password = None,
    oauth: OAuthFlag = False,
    device: Device = False,
    pin: Pin = "",
    no_test: NoTest = False,
    as_json: JsonFlag = False,
) -> None:
    given = given_login(password_command, password_stdin, oauth, device, password)
    pinned = fingerprint(pin)
    before = with_archive(lambda application: find_account(application.accounts, account))
    if not given.is_given:  # as it logged in before
        given = replace(given, command=before.password_command, oauth=before.login is Login.OAUTH)
    secret = "" if given.oauth or given.command else read_password(given, f"Password of {before.username}")

    async def renew(application: Application) -> tuple[MailAccount, LoginChecked | None]:
        new = await new_login(application, given, secret, before.address, _authorization_server(before))
        return await application.mail_accounts.renew(before.name, new, pinned=pinned, check=not no_test)

    renewed, checked = with_archive(renew)
    if as_json:
        print_json({"account": account_shape(renewed), "tested": checked is not None})
        return
    tested = "it is not tested" if checked is None else "the login works"
    print(f"{renewed.name} logs in {login_words(renewed)} now; {tested}.")
    if renewed.state is AccountState.PAUSED:
        note(f"It is still paused: mailquery accounts resume {shlex.quote(renewed.name)}")


def _authorization_server(account: MailAccount) -> str:
    """Empty is the issuer of the settings."""
    if account.oauth is not None:
        return account.oauth.provider
    provider = provider_of(account)
    return provider.oauth if provider is not None else ""


def change(
    account: Account,
    include: Include = None,
    exclude: Exclude = None,
    every_mailbox: Annotated[bool, typer.Option("--every-mailbox", help="No mailbox is left out any more.")] = False,
    when_gone: Annotated[
        WhenGone | None,
        typer.Option("--when-gone", help="What becomes of mail that is deleted on the server.", show_default=False),
    ] = None,
    largest: Annotated[
        str, typer.Option("--largest", help="Of larger messages only the text is fetched, the rest on demand.")
    ] = "",
    as_json: JsonFlag = False,
) -> None:
    if every_mailbox and (include or exclude):
        raise Fault(ErrorCode.VALIDATION_ERROR, "--every-mailbox takes no --include and no --exclude beside it.")
    changes = Changes(
        include=() if every_mailbox else patterns("--include", include) or None,
        exclude=() if every_mailbox else patterns("--exclude", exclude) or None,
        when_gone=when_gone,
        largest=size(largest) if largest else None,
    )
    if changes == Changes():
        raise Fault(ErrorCode.VALIDATION_ERROR, "Say what changes: see mailquery accounts change --help")
    changed = with_archive(lambda application: application.mail_accounts.change(account, changes))
    if as_json:
        print_json({"account": account_shape(changed)})
    else:
        print(f"{changed.name} is changed. It holds from the next synchronisation on.")


def pause(account: Account, as_json: JsonFlag = False) -> None:
    paused = with_archive(lambda application: application.mail_accounts.pause(account))
    if as_json:
        print_json({"account": account_shape(paused)})
    else:
        print(f"{paused.name} is paused; its mail stays to be searched.")


def resume(account: Account, as_json: JsonFlag = False) -> None:
    resumed = with_archive(lambda application: application.mail_accounts.resume(account))
    if as_json:
        print_json({"account": account_shape(resumed)})
    else:
        print(f"{resumed.name} is synchronised again.")


def remove(
    account: Account,
    with_mail: Annotated[
        bool | None,
        typer.Option("--with-mail/--keep-mail", help="Whether its mail in the archive goes too.", show_default=False),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    messages = with_archive(lambda application: _stored_messages(application, account, with_mail))
    goes = _asked_about_mail(account, messages) if with_mail is None else with_mail
    with progress() as shown:

        def show(done: int, total: int) -> None:
            shown.show(done, total, f"{done:,} of {plural(total, 'message')}")

        removed = with_archive(
            lambda application: application.mail_accounts.remove(account, with_mail=goes, progress=show)
        )
    _tell_removed(removed, messages, as_json)


async def _stored_messages(application: Application, account: str, with_mail: bool | None) -> int:
    """How many messages of it are in the archive. Raises Fault NOT_FOUND before anything is asked."""
    stored = await application.services.list_accounts(EVERYTHING)
    name = account.strip()
    if not with_mail:  # with its mail, also one that is in the archive alone is removed
        name = (await find_account(application.accounts, account)).name
    return next((each.messages for each in stored if each.name.casefold() == name.casefold()), 0)


def _asked_about_mail(account: str, messages: int) -> bool:
    if not messages:
        return False
    if not can_ask():
        raise Fault(
            ErrorCode.VALIDATION_ERROR,
            f"The archive has {plural(messages, 'message')} of {account}. Say whether its mail goes too: "
            "--with-mail or --keep-mail.",
            details={"argument": "with-mail", "messages": messages},
        )
    return ask_yes(f"Remove the {plural(messages, 'message')} of {account} from the archive, too?")


def _tell_removed(removed: Removed, messages: int, as_json: bool) -> None:
    if as_json:
        print_json({"account": removed.name, "messages_removed": removed.messages})
        return
    print(f"{removed.name} is removed, with its credential. On the server nothing was changed.")
    if removed.messages is not None:
        note(f"{plural(removed.messages, 'message')} taken out of the archive.")
    elif messages:
        note(f"{plural(messages, 'message')} of it kept in the archive.")


def _tried_shape(account: MailAccount, outcome: LoginChecked | Fault) -> dict[str, object]:
    if isinstance(outcome, LoginChecked):
        return {"account": account.name, "works": True, "mailboxes": outcome.mailboxes}
    return {"account": account.name, "works": False, "error": outcome.as_dict()}
