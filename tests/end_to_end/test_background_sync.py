"""A server that runs brings new mail in by itself, from a real Dovecot that announces it."""

import json
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import httpx2
import pytest

from end_to_end.conftest import CommandLine, letter
from end_to_end.served import serving
from support.dovecot import PASSWORD, USER, Dovecot, running_dovecot

# So that only an announcement can bring anything in soon.
RARELY = {"MAILQUERY_SYNC__INTERVAL_SECONDS": "36000"}
WITHIN = 90.0  # seconds: how long a loaded machine may need
_INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}},
}


@pytest.fixture
def dovecot() -> Iterator[Dovecot]:
    with running_dovecot() as server:
        yield server


@pytest.fixture
def account(mailquery: CommandLine, dovecot: Dovecot) -> CommandLine:
    done = mailquery(
        *("accounts", "add", USER, "--name", "home", "--username", USER),
        *("--host", "127.0.0.1", "--port", str(dovecot.port), "--security", "none"),
        MAILQUERY_ACCOUNT_PASSWORD=PASSWORD,
    )
    assert done.code == 0, done.err
    return mailquery


@contextmanager
def over_stdio(mailquery: CommandLine, **environment: str) -> "Iterator[subprocess.Popen[bytes]]":
    """A server whose client stays, and has had its first answer."""
    with subprocess.Popen(
        mailquery.command("serve", "--transport", "stdio"),
        env=mailquery.environment | RARELY | environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(_INITIALIZE).encode() + b"\n")
        process.stdin.flush()
        assert json.loads(process.stdout.readline())["id"] == 1
        try:
            yield process
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait(30)


def rows(mailquery: CommandLine, sql: str) -> list[Any]:
    with closing(sqlite3.connect(mailquery.home / "archive.db", timeout=30)) as connection:
        return connection.execute(sql).fetchall()


def subjects(mailquery: CommandLine) -> set[str]:
    return {subject for (subject,) in rows(mailquery, "SELECT subject FROM messages")}


def connections(dovecot: Dovecot) -> int:
    """How many are logged in."""
    return len(dovecot.doveadm("who", "-1").splitlines()) - 1


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + WITHIN
    while not condition():
        assert time.monotonic() < end, "it does not come to pass"
        time.sleep(0.05)


def is_watched(mailquery: CommandLine) -> bool:
    try:
        shown = json.loads((mailquery.home / "background.json").read_bytes())
    except (OSError, ValueError):
        return False
    return bool(shown["home"]["watched"])


def readiness(url: str) -> Any:
    answer = httpx2.get(url.replace("/mcp", "/ready"), timeout=30)
    assert answer.status_code == 200
    assert "home" not in answer.text
    return answer.json()


def test_mail_that_is_announced_is_in_the_archive_soon_over_http(account: CommandLine, dovecot: Dovecot) -> None:
    dovecot.mail().deliver([letter(number) for number in range(30)])
    before = dovecot.mail().everything()
    with serving(account, **RARELY) as url:
        until(lambda: len(subjects(account)) == 30)
        until(lambda: is_watched(account))
        dovecot.mail().deliver(letter(100, subject="Wombats arrive"))
        until(lambda: "Wombats arrive" in subjects(account))
        sources = readiness(url)["checks"]["sources"]
        assert (sources["status"], sources["detail"]) == ("healthy", "1 account in step")
        (shown,) = account("status", "--json").json["sync"]["accounts"]
        assert (shown["account"], shown["watched"], shown["failures"]) == ("home", True, 0)
        assert shown["seconds_since"] < WITHIN
        assert shown["host"]["breaker"] == "closed"
    assert dovecot.mail().everything()[: len(before)] == before
    assert not (account.home / "background.json").exists()


def test_over_stdio_too_and_it_ends_promptly_when_it_is_told_to(account: CommandLine, dovecot: Dovecot) -> None:
    dovecot.mail().deliver(letter(1))
    with over_stdio(account) as process:
        until(lambda: is_watched(account))
        dovecot.mail().deliver(letter(2, subject="Wombats arrive"))
        until(lambda: "Wombats arrive" in subjects(account))
        asked = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
        assert time.monotonic() - asked < 10
        assert process.stderr is not None
        assert process.stderr.read() == b""
    until(lambda: connections(dovecot) == 0)


def test_of_two_servers_one_works_and_the_other_takes_over_when_it_is_killed(
    account: CommandLine, dovecot: Dovecot
) -> None:
    dovecot.mail().deliver(letter(1))
    with over_stdio(account) as first:
        until(lambda: is_watched(account))
        with over_stdio(account) as second:
            dovecot.mail().deliver(letter(2, subject="For the first"))
            until(lambda: "For the first" in subjects(account))
            assert connections(dovecot) == 1
            assert int((account.home / "background.lock").read_text()) == first.pid
            first.send_signal(signal.SIGKILL)
            first.wait()
            until(lambda: (account.home / "background.lock").read_text().strip() == str(second.pid))
            until(lambda: is_watched(account))
            dovecot.mail().deliver(letter(3, subject="For the second"))
            until(lambda: "For the second" in subjects(account))
            assert connections(dovecot) == 1


def test_what_a_server_had_begun_when_it_was_ended_is_gone_on_with(account: CommandLine, dovecot: Dovecot) -> None:
    count = 800
    dovecot.mail().deliver([letter(number, size=3_000) for number in range(count)])
    with over_stdio(account) as process:
        until(lambda: len(subjects(account)) > 0)
        asked = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
        assert time.monotonic() - asked < 20
    # All may be stored when the end arrives, and the run not yet over.
    assert rows(account, "SELECT outcome FROM mail_accounts") == [("stopped",)] or len(subjects(account)) == count
    with over_stdio(account):
        until(lambda: len(subjects(account)) == count)


def test_a_mail_server_that_is_away_is_told_of_and_ends_nothing(account: CommandLine, dovecot: Dovecot) -> None:
    dovecot.kill()
    with serving(account, **RARELY) as url:
        until(lambda: rows(account, "SELECT failures FROM mail_accounts") == [(1,)])
        sources = readiness(url)["checks"]["sources"]
        assert (sources["status"], sources["detail"]) == ("degraded", "of 1 account, 1 failed the last time")
        told = account("status")
        assert "sync of home: failed once:" in told.text
        assert "never in step with the server yet" in told.text
        checked = account("doctor", "--json")
        assert checked.code == 0
        (check,) = [each for each in checked.json["checks"] if each["name"] == "account home"]
        assert check["status"] == "warning"
        assert "mailquery accounts test home" in check["remedy"]


def test_nothing_is_brought_in_where_that_is_switched_off(account: CommandLine, dovecot: Dovecot) -> None:
    dovecot.mail().deliver(letter(1))
    with over_stdio(account, MAILQUERY_SYNC__BACKGROUND="false") as process:
        time.sleep(4)  # twice as long as it would wait to begin
        assert process.poll() is None
        assert not subjects(account)
        assert not (account.home / "background.lock").exists()


def test_a_password_that_is_refused_is_tried_once(account: CommandLine, dovecot: Dovecot) -> None:
    dovecot.add_user(USER, "another password")
    with serving(account, **RARELY) as url:
        until(lambda: rows(account, "SELECT state FROM mail_accounts") == [("needs_login",)])
        refused = dovecot.log().count("auth failed")
        time.sleep(6)  # a look, and one more
        assert dovecot.log().count("auth failed") == refused
        sources = readiness(url)["checks"]["sources"]
        assert (sources["status"], sources["detail"]) == ("degraded", "of 1 account, 1 needs a login")
    told = account("status")
    assert "sync of home: needs a login:" in told.text
    assert PASSWORD not in told.text + told.err
