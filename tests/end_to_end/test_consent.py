"""Consent between a running server, its clients and the command line."""

import re
import shlex
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters
from mcp_types import ElicitRequestFormParams, ElicitResult

from end_to_end.conftest import Archives, CommandLine, write_mbox
from end_to_end.test_serving import SEARCH, message, post


class Person:
    """Answers every dialog alike and keeps what was asked."""

    def __init__(self, answer: str) -> None:
        self.answer = answer
        self.asked: list[str] = []

    async def __call__(self, context: Any, params: Any) -> ElicitResult:
        assert isinstance(params, ElicitRequestFormParams)
        self.asked.append(params.message)
        return ElicitResult(action="accept", content={"answer": self.answer})


@pytest.fixture
def two_accounts(mailquery: CommandLine, tmp_path: Path, archives: Archives) -> CommandLine:
    def fill(mailquery: CommandLine) -> None:
        for account in ("work", "home"):
            file = write_mbox(tmp_path / f"{account}.mbox", [_letter_at(account)])
            done = mailquery("import", file, "--account", account)
            assert done.code == 0, done.err

    archives.give(mailquery, "two-accounts", fill)
    return mailquery


def _letter_at(account: str) -> bytes:
    letter = EmailMessage()
    letter["Subject"] = f"Badgers at {account}"
    letter["From"] = "ada@example.org"
    letter["Date"] = "Mon, 02 Mar 2026 10:00:00 +0900"
    letter["Message-ID"] = f"<{account}@example.org>"
    letter.set_content("About badgers.")
    letter.add_attachment(b"\x00figures", maintype="application", subtype="octet-stream", filename="figures.bin")
    return letter.as_bytes()


@contextmanager
def serving(mailquery: CommandLine, **environment: str) -> Iterator[tuple[str, "subprocess.Popen[bytes]"]]:
    mailquery.environment.update(environment)
    process = mailquery.start("serve", "--transport", "http", "--port", "0", stderr=subprocess.PIPE)
    assert process.stderr is not None
    try:
        found = next(filter(None, (re.search(rb"http://127\.0\.0\.1:\d+/mcp", line) for line in process.stderr)), None)
        assert found is not None, "it does not serve"
        yield found[0].decode(), process
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


def search(url: str) -> Any:
    return post(url, message(1, "tools/call", SEARCH | {"arguments": {"query": "badgers"}}))[1]["result"]


def subjects(result: Any) -> list[str]:
    return sorted(row["subject"] for row in result["structuredContent"]["rows"])


def stored(mailquery: CommandLine, *options: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = mailquery("consent", "list", "--json", *options).json["consents"]
    return found


def test_the_command_in_the_error_is_what_it_takes(two_accounts: CommandLine) -> None:
    with serving(two_accounts, MAILQUERY_USER="ana") as (url, _):
        refused = search(url)
        assert refused["isError"]
        error = refused["structuredContent"]["error"]
        assert (error["code"], error["details"]["accounts"]) == ("CONSENT_REQUIRED", ["home", "work"])
        words = shlex.split(error["details"]["command"])
        assert words[0] == "mailquery"
        assert two_accounts(*words[1:]).code == 0
        assert subjects(search(url)) == ["Badgers at home", "Badgers at work"]

        assert two_accounts("consent", "revoke", "--account", "home").code == 0
        assert subjects(search(url)) == ["Badgers at work"], "the running server follows at once"
        assert two_accounts("consent", "revoke").code == 0
        assert search(url)["isError"]


def test_consents_outlive_a_server_that_is_killed(two_accounts: CommandLine) -> None:
    with serving(two_accounts) as (url, process):
        assert search(url)["isError"]
        done = two_accounts("consent", "grant", "-c", "mail:read", "-a", "work", "--for", "8h", "--reason", "an audit")
        assert done.code == 0, done.err
        assert subjects(search(url)) == ["Badgers at work"]
        process.send_signal(signal.SIGKILL)
        process.wait()
    (kept,) = stored(two_accounts)
    assert (kept["capability"], kept["account"], kept["reason"]) == ("mail:read", "work", "an audit")
    with serving(two_accounts) as (url, _):
        assert subjects(search(url)) == ["Badgers at work"]


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_a_person_is_asked_over_http_and_anew_for_attached_files(two_accounts: CommandLine, mode: str) -> None:
    person = Person("Allow for 30 days")
    with serving(two_accounts, MAILQUERY_USER="ana") as (url, _):
        async with Client(url, mode=mode, elicitation_callback=person) as client:
            for _ in range(2):
                found = await client.call_tool("search_messages", {"query": "badgers", "account": "work"})
                assert [row["subject"] for row in found.structured_content["rows"]] == ["Badgers at work"]
            assert person.asked == ["May the assistant search and read your mail? This is about the account “work”."]
            files = await client.call_tool("list_attachments", {"account": "work"})
            (file,) = files.structured_content["rows"]
            for _ in range(2):
                got = await client.call_tool("get_attachment", {"id": file["id"]})
                assert got.structured_content["size"] == len(b"\x00figures")
        assert len(person.asked) == 3
        assert all("open attached files" in asked and "you did not ask for" in asked for asked in person.asked[1:])
    assert {(each["user"], each["capability"], each["way"]) for each in stored(two_accounts)} == {
        ("ana", "mail:read", "asked"),
        ("ana", "mail:attachments", "asked"),
    }


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_over_stdio_the_local_user_has_consented_and_it_is_on_record(
    two_accounts: CommandLine, mode: str
) -> None:
    command = two_accounts.command("serve", "--transport", "stdio")
    target = StdioServerParameters(command=command[0], args=command[1:], env=two_accounts.environment)
    async with Client(target, mode=mode) as client:
        for _ in range(2):
            found = await client.call_tool("list_attachments", {})
            file = found.structured_content["rows"][0]
            assert not (await client.call_tool("get_attachment", {"id": file["id"]})).is_error
    assert sorted((each["capability"], each["account"], each["way"]) for each in stored(two_accounts)) == [
        ("mail:attachments", "*", "setting"),
        ("mail:read", "*", "setting"),
    ]


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_over_stdio_a_person_is_asked_where_that_is_set(two_accounts: CommandLine, mode: str) -> None:
    command = two_accounts.command("serve", "--transport", "stdio")
    environment = two_accounts.environment | {"MAILQUERY_CONSENT__STDIO": "ask"}
    target = StdioServerParameters(command=command[0], args=command[1:], env=environment)
    person = Person("No")
    async with Client(target, mode=mode, elicitation_callback=person) as client:
        for _ in range(2):
            assert (await client.call_tool("search_messages", {})).is_error
    assert len(person.asked) == 1
    assert {each["decision"] for each in stored(two_accounts)} == {"refused"}


def test_granting_over_http_is_on_the_record_of_who_and_why(two_accounts: CommandLine) -> None:
    done = two_accounts("serve", "--transport", "http", "--port", "0", MAILQUERY_CONSENT__HTTP="granted")
    assert done.code == 2
    assert "granted_by" in done.err
    by = {"MAILQUERY_CONSENT__GRANTED_BY": "Ines", "MAILQUERY_CONSENT__REASON": "a test machine"}
    with serving(two_accounts, MAILQUERY_CONSENT__HTTP="granted", **by) as (url, _):
        assert len(subjects(search(url))) == 2
    (kept,) = stored(two_accounts)
    assert (kept["by"], kept["way"], kept["reason"]) == ("Ines", "setting", "a test machine")
