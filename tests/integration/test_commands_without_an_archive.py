"""Commands where there is no archive: those that read begin none, and say how to begin one."""

import json
from pathlib import Path

import pytest

from mailquery.cli.output.exits import exit_code_for
from mcpkit.errors import ErrorCode
from support.commands import Commands

# Each with how it ends where there is an archive, and in it nothing of what the command asks for.
READING = {
    ("status",): 0,
    ("search", "badgers"): 0,
    ("stats",): 0,
    ("problems",): 0,
    ("verify",): 0,
    ("reindex",): 0,
    ("embed",): 0,
    ("extract",): 0,
    ("accounts", "list"): 0,
    ("accounts", "test"): 0,
    ("accounts", "pause", "work"): 3,
    ("sync",): 3,
    ("keys", "list"): 0,
    ("keys", "revoke", "mq_nothing"): 3,
    ("consent", "list"): 0,
    ("consent", "revoke"): 3,
    ("defaults", "list"): 0,
    ("defaults", "unset", "search_messages.limit"): 0,
    ("policy", "show"): 0,
    ("policy", "apply"): 0,
}
OF_RECORDS = [("audit", "tail"), ("audit", "verify"), ("audit", "export"), ("keys", "rotate-master")]
# What belongs to a person may be written before any mail is there.
BEGINNING = [
    ("keys", "create", "--user", "ana"),
    ("consent", "grant", "--capability", "mail:read"),
    ("defaults", "set", "search_messages.limit", "7"),
    ("accounts", "add", "ana@example.com", "--host", "localhost", "--no-test", "--password-command", "pass mail"),
]


@pytest.fixture
def mailquery(commands: Commands) -> Commands:
    commands.set("MAILQUERY_MASTER_KEY", "")  # an empty variable is none: it is in its file
    return commands


def begin(mailquery: Commands) -> None:
    assert mailquery("defaults", "set", "search_messages.limit", "7").code == 0


def take_away(mailquery: Commands) -> None:
    for file in mailquery.home.glob("archive.db*"):
        file.unlink()


@pytest.mark.parametrize("command", [*READING, *OF_RECORDS], ids=" ".join)
def test_a_command_that_reads_begins_none_and_says_how_to(mailquery: Commands, command: tuple[str, ...]) -> None:
    done = mailquery(*command, "--json")
    assert done.code == exit_code_for(ErrorCode.NOT_FOUND)
    told = json.loads(done.err)["error"]
    assert told["code"] == "NOT_FOUND"
    assert "mailquery import PATH" in told["message"]
    assert str(mailquery.home / "archive.db") in told["message"]
    assert not list(mailquery.home.glob("*.db*"))
    begin(mailquery)
    assert mailquery(*command).code == READING.get(command, 0)


@pytest.mark.parametrize("command", [*READING, *BEGINNING], ids=" ".join)
def test_none_is_begun_in_the_place_of_one_that_is_gone(mailquery: Commands, command: tuple[str, ...]) -> None:
    begin(mailquery)
    take_away(mailquery)
    done = mailquery(*command, "--json")
    assert done.code == exit_code_for(ErrorCode.SERVICE_UNAVAILABLE)
    assert "Put archive.db back" in json.loads(done.err)["error"]["message"]
    assert not (mailquery.home / "archive.db").exists()


def test_an_import_begins_one_in_the_place_of_one_that_is_gone(mailquery: Commands, tmp_path: Path) -> None:
    begin(mailquery)
    take_away(mailquery)
    (tmp_path / "one.eml").write_bytes(b"Subject: badgers\nFrom: ada@example.org\n\nabout badgers\n")
    assert mailquery("import", "one.eml", "--no-embed").code == 0
    assert json.loads(mailquery("stats", "--json").text)["messages"] == 1


@pytest.mark.parametrize("command", OF_RECORDS, ids=" ".join)
def test_records_are_read_while_the_archive_is_away(mailquery: Commands, command: tuple[str, ...]) -> None:
    begin(mailquery)
    take_away(mailquery)
    assert mailquery(*command).code == 0
    assert not (mailquery.home / "archive.db").exists()


@pytest.mark.parametrize("command", BEGINNING, ids=" ".join)
def test_what_belongs_to_a_person_is_written_before_any_mail(mailquery: Commands, command: tuple[str, ...]) -> None:
    done = mailquery(*command)
    assert done.code == 0, done.err
    assert mailquery("status").code == 0


def test_doctor_says_that_there_is_none_yet_and_does_not_fail(mailquery: Commands) -> None:
    done = mailquery("doctor", "--json")
    assert (done.code, done.json["ok"], done.json["readiness"]) == (0, True, None)
    (database,) = [check for check in done.json["checks"] if check["name"] == "database"]
    assert database["status"] == "ok"
    assert "mailquery import PATH" in database["finding"]
    assert not mailquery.home.exists()
