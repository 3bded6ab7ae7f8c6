"""mailquery consent, in this process: an archive with two accounts and a control database of the test's own."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from mailquery.bootstrap import open_application
from mailquery.cli.app import app
from mailquery.domain.mailboxes import MailboxRole
from mailquery.settings import load_settings
from mcpkit.errors import ErrorCode, Fault
from mcpkit.security.identity import login_name

Command = Callable[..., Result]


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    monkeypatch.setenv("MAILQUERY_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("MAILQUERY_USER", "ana")
    monkeypatch.chdir(tmp_path)
    asyncio.run(_two_accounts())
    return lambda *arguments: CliRunner().invoke(app, ["consent", *arguments])


async def _two_accounts() -> None:
    async with open_application(load_settings()) as application, application.imports.writing():
        for account in ("work", "home"):
            await application.imports.set_role(account, "Inbox", MailboxRole.INBOX)


def consents(command: Command, *options: str) -> list[dict[str, Any]]:
    listed = command("list", "--json", *options)
    assert listed.exit_code == 0
    found: list[dict[str, Any]] = json.loads(listed.stdout)["consents"]
    return found


def refused(done: Result) -> Fault:
    assert isinstance(done.exception, Fault)
    return done.exception


def test_a_grant_is_for_each_capability_and_account_that_is_named(command: Command) -> None:
    done = command(
        "grant", "-c", "mail:read", "-c", "mail:attachments", "-a", "WORK", "-a", "home", "--reason", "tax", "--json"
    )
    assert done.exit_code == 0
    kept = consents(command)
    assert {(each["capability"], each["account"]) for each in kept} == {
        (capability, account) for capability in ("mail:read", "mail:attachments") for account in ("work", "home")
    }
    assert {(each["user"], each["by"], each["way"], each["reason"]) for each in kept} == {
        ("ana", login_name(), "command", "tax")
    }
    assert len(json.loads(done.stdout)["consents"]) == 4


@pytest.mark.parametrize("duration", ["90m", "8h", "30d", "4w", "today"])
def test_a_grant_ends(command: Command, duration: str) -> None:
    assert command("grant", "-c", "mail:read", "--for", duration).exit_code == 0
    (kept,) = consents(command)
    assert kept["expires"] > kept["decided"]
    assert kept["account"] == "*"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("-c", "mail:raed"), "Did you mean mail:read?"),
        (("-c", "mail:read", "-a", "wrok"), "Did you mean work?"),
        (("-c", "mail:read", "-a", "xyz"), "There is: home, work."),
        (("-c", "mail:read", "--for", "soon"), "--for takes a number with its unit"),
        (("-c", "mail:read", "--for", "0d"), "--for takes a number with its unit"),
        (("-c", "mail:read", "--for", "999999w"), "ten years at most"),
    ],
)
def test_a_grant_that_makes_no_sense_is_not_stored(command: Command, arguments: tuple[str, ...], told: str) -> None:
    fault = refused(command("grant", *arguments))
    assert fault.code is ErrorCode.VALIDATION_ERROR
    assert told in fault.message
    assert consents(command, "--all") == []


def test_revoking_ends_what_is_named_and_says_by_whom(command: Command) -> None:
    command("grant", "-c", "mail:read", "-c", "mail:attachments", "--user", "bo")
    command("grant", "-c", "mail:read")
    assert json.loads(command("revoke", "-c", "mail:read", "--user", "bo", "--reason", "left", "--json").stdout) == {
        "revoked": 1
    }
    assert {(each["user"], each["capability"]) for each in consents(command)} == {
        ("bo", "mail:attachments"),
        ("ana", "mail:read"),
    }
    assert len(consents(command, "--user", "bo")) == 1
    (ended,) = [each for each in consents(command, "--all") if not each["holds"]]
    assert ended["revoked_by"] == f"{login_name()}: left"


def test_revoking_what_nobody_has_is_an_error(command: Command) -> None:
    assert refused(command("revoke")).code is ErrorCode.NOT_FOUND
    assert refused(command("revoke", "-c", "mail:raed")).code is ErrorCode.VALIDATION_ERROR


def test_one_account_is_taken_out_of_a_consent_to_all(command: Command) -> None:
    command("grant", "-c", "mail:read")
    assert command("revoke", "-a", "home").exit_code == 0
    assert [(each["account"], each["decision"]) for each in consents(command)] == [
        ("home", "refused"),
        ("*", "granted"),
    ]


def test_the_list_is_lines_for_other_programs(command: Command) -> None:
    command("grant", "-c", "mail:read", "--reason", "one\ttwo")
    (line,) = command("list").stdout.splitlines()
    assert line.split("\t")[:4] == ["ana", "mail:read", "*", "granted"]
    assert line.endswith("one two")
