"""The commands of `mailquery accounts`, in this process, with a real Dovecot, DNS and web server."""

import json
import os
import sqlite3
from collections.abc import Iterator

import pytest

from support import planted
from support.commands import Commands
from support.dns_server import DnsServer, running_dns
from support.dovecot import Dovecot, running_dovecot
from support.web_server import Page, Web, running_web

ADDRESS = "ana@example.com"
PASSWORD = planted.PASSWORD  # found nowhere that anything is logged, or the test fails


@pytest.fixture
def mailquery(commands: Commands) -> Commands:
    commands.set("MAILQUERY_DISCOVERY__DATABASE", "")
    commands.set("HTTPS_PROXY", "http://127.0.0.1:9")  # nothing goes out to the world
    return commands


@pytest.fixture(scope="module")
def running() -> Iterator[Dovecot]:
    with running_dovecot() as server:
        server.add_user(ADDRESS, PASSWORD)
        server.mail(ADDRESS).create("Sent", "Lists/dev")
        yield server


@pytest.fixture
def dns(mailquery: Commands) -> Iterator[DnsServer]:
    with running_dns() as server:
        mailquery.set("MAILQUERY_DISCOVERY__NAMESERVERS", server.address)
        yield server


@pytest.fixture
def dovecot(running: Dovecot, mailquery: Commands) -> Dovecot:
    mailquery.set("SSL_CERT_FILE", str(running.authority.path))
    return running


@pytest.fixture
def web(dns: DnsServer, mailquery: Commands, dovecot: Dovecot) -> Iterator[Web]:
    with running_web(dovecot.authority.issue("autoconfig.example.com", "example.com")) as server:
        mailquery.set("HTTPS_PROXY", server.proxy)
        yield server


def at(server: Dovecot) -> tuple[str, ...]:
    return ("--host", "localhost", "--port", str(server.tls_port))


def add(mailquery: Commands, *options: str, password: str = PASSWORD) -> None:
    done = mailquery("accounts", "add", ADDRESS, "--password-stdin", *options, stdin=f"{password}\n".encode())
    assert done.code == 0, done.err


def listed(mailquery: Commands) -> list[dict[str, object]]:
    found: list[dict[str, object]] = mailquery("accounts", "list", "--json").json["accounts"]
    return found


def stored_bytes(mailquery: Commands) -> bytes:
    return b"".join(path.read_bytes() for path in mailquery.home.rglob("*") if path.is_file())


@pytest.mark.parametrize(
    ("environment", "options"),
    [
        ({"MAILQUERY_ACCOUNT_PASSWORD": PASSWORD}, ()),
        ({"ANOTHER_VARIABLE": PASSWORD}, ("--password-command", 'echo "$ANOTHER_VARIABLE" | cat; echo more')),
    ],
)
def test_an_account_is_added_without_a_terminal(
    mailquery: Commands, dovecot: Dovecot, environment: dict[str, str], options: tuple[str, ...]
) -> None:
    for name, value in environment.items():
        mailquery.set(name, value)
    done = mailquery("accounts", "add", ADDRESS, *at(dovecot), *options, "--json")
    assert done.code == 0, done.err
    assert (done.json["tested"], done.json["mailboxes"]) == (True, 3)
    tested = mailquery("accounts", "test", "--json")
    assert tested.json["accounts"] == [{"account": ADDRESS, "works": True, "mailboxes": 3}]
    assert PASSWORD.encode() not in stored_bytes(mailquery)


def test_without_a_password_and_a_terminal_the_ways_to_give_one_are_named(
    mailquery: Commands, dovecot: Dovecot
) -> None:
    done = mailquery("accounts", "add", ADDRESS, *at(dovecot))
    assert done.code == 2
    for way in ("--password-stdin", "--password-command", "MAILQUERY_ACCOUNT_PASSWORD"):
        assert way in done.err


@pytest.mark.parametrize("spelling", [("--password", PASSWORD), (f"--password={PASSWORD}",)])
def test_a_password_on_the_command_line_is_refused_and_not_repeated(
    mailquery: Commands, dovecot: Dovecot, spelling: tuple[str, ...]
) -> None:
    for command in (("add", ADDRESS, *at(dovecot)), ("login", ADDRESS)):
        done = mailquery("accounts", *command, *spelling)
        assert done.code == 2
        assert "--password-stdin" in done.err
        assert PASSWORD not in done.err + done.text
    assert not (mailquery.home / "archive.db").exists()


def test_nothing_is_stored_where_the_login_is_refused(mailquery: Commands, dovecot: Dovecot) -> None:
    done = mailquery("accounts", "add", ADDRESS, *at(dovecot), "--password-stdin", stdin=b"wrong-Pa55\n")
    assert done.code == 4
    assert "refuses the user name or the password" in done.err
    assert "--username" in done.err
    assert "wrong-Pa55" not in done.err
    assert listed(mailquery) == []
    with sqlite3.connect(mailquery.home / "control.db") as control:
        assert control.execute("SELECT count(*) FROM secrets").fetchone() == (0,)


def test_a_server_nobody_vouches_for_is_trusted_by_its_fingerprint_alone(mailquery: Commands, dovecot: Dovecot) -> None:
    mailquery.set("SSL_CERT_FILE", os.devnull)
    given = f"{PASSWORD}\n".encode()
    refused = mailquery("accounts", "add", ADDRESS, *at(dovecot), "--password-stdin", "--json", stdin=given)
    assert refused.code == 3
    error = json.loads(refused.err)["error"]
    assert (error["details"]["reason"], error["details"]["fingerprint"]) == ("certificate", dovecot.fingerprint)
    assert f"--pin {dovecot.fingerprint}" in error["message"]
    add(mailquery, *at(dovecot), "--pin", f"sha256:{dovecot.fingerprint.upper()}")
    wrong = mailquery(
        "accounts", "add", "--name", "b", ADDRESS, *at(dovecot), "--password-stdin", "--pin", "ab" * 32, stdin=given
    )
    assert wrong.code == 3
    assert "not the pinned one" in wrong.err
    assert [each["pinned"] for each in listed(mailquery)] == [dovecot.fingerprint]


def test_what_cannot_be_reached_is_said_and_nothing_is_asked_twice(mailquery: Commands, dovecot: Dovecot) -> None:
    for options, reason, told in (
        (("--host", "localhost", "--port", "9"), "connect", "Nothing listens"),
        (("--host", "nowhere.invalid"), "name", "There is no host"),
        (("--host", "localhost", "--port", str(dovecot.port), "--security", "tls"), "tls", "--security starttls"),
    ):
        done = mailquery(
            "accounts", "add", ADDRESS, *options, "--password-stdin", "--json", stdin=f"{PASSWORD}\n".encode()
        )
        error = json.loads(done.err)["error"]
        assert (done.code, error["details"]["reason"]) == (3, reason)
        assert told in error["message"]
    assert listed(mailquery) == []


def test_the_domains_own_file_says_where_the_mail_is(mailquery: Commands, dovecot: Dovecot, web: Web) -> None:
    web.pages["https://autoconfig.example.com/mail/config-v1.1.xml"] = Page(
        f'<clientConfig version="1.1"><emailProvider><incomingServer type="imap"><hostname>localhost</hostname>'
        f"<port>{dovecot.tls_port}</port><socketType>SSL</socketType><username>%EMAILADDRESS%</username>"
        f"</incomingServer></emailProvider></clientConfig>".encode()
    )
    add(mailquery)
    (account,) = listed(mailquery)
    assert (account["host"], account["port"]) == ("localhost", dovecot.tls_port)


def test_where_no_server_is_found_it_says_what_was_tried(mailquery: Commands, dns: DnsServer) -> None:
    done = mailquery("accounts", "add", "ana@nowhere.example", "--password-stdin", stdin=b"x\n")
    assert done.code == 3
    assert "No IMAP server was found for nowhere.example" in done.err
    assert "--host" in done.err
    assert "DNS: there is none" in done.err


def test_a_short_user_name_is_tried_where_the_whole_address_is_refused(
    mailquery: Commands, dovecot: Dovecot, dns: DnsServer
) -> None:
    dovecot.add_user("bo", PASSWORD)
    dns.records = {("_imaps._tcp.localhost", "SRV"): [f"0 1 {dovecot.tls_port} localhost."]}
    done = mailquery("accounts", "add", "bo@localhost", "--password-stdin", stdin=f"{PASSWORD}\n".encode())
    assert done.code == 0, done.err
    assert [each["username"] for each in listed(mailquery)] == ["bo"]


def test_providers_that_take_no_password_or_have_no_imap_are_told_before_one_is_sent(
    mailquery: Commands, dovecot: Dovecot
) -> None:
    given = f"{PASSWORD}\n".encode()
    tuta = mailquery("accounts", "add", "ana@tuta.com", "--password-stdin", stdin=given)
    assert (tuta.code, "no IMAP" in tuta.err) == (3, True)
    microsoft = mailquery("accounts", "add", "ana@outlook.com", "--password-stdin", stdin=given)
    assert (microsoft.code, "--oauth" in microsoft.err) == (2, True)


def test_a_name_that_is_taken_is_refused_with_what_to_do(mailquery: Commands, dovecot: Dovecot) -> None:
    add(mailquery, *at(dovecot), "--name", "Work")
    again = mailquery("accounts", "add", ADDRESS, *at(dovecot), "--name", "work", "--password-stdin", stdin=b"x\n")
    assert again.code == 4
    for way in ("--name", "accounts login", "accounts remove"):
        assert way in again.err


def test_a_new_password_is_given_where_the_old_one_is_refused(mailquery: Commands, dovecot: Dovecot) -> None:
    user = dovecot.add_user("cy@example.com", PASSWORD).user
    added = mailquery(
        "accounts", "add", user, *at(dovecot), "--name", "cy", "--password-stdin", stdin=f"{PASSWORD}\n".encode()
    )
    assert added.code == 0, added.err
    dovecot.add_user(user, "another one")
    assert mailquery("accounts", "test", "cy").code == 4
    shown = mailquery("accounts", "list")
    assert "needs login" in shown.text
    assert "mailquery accounts login cy" in shown.err
    (account,) = listed(mailquery)
    assert account["state"] == "needs_login"
    assert "refuses the user name or the password" in str(account["state_reason"])
    assert "mailquery accounts login cy" in mailquery("accounts", "resume", "cy").err

    wrong = mailquery("accounts", "login", "cy", "--password-stdin", stdin=b"a third one\n")
    assert wrong.code == 4
    renewed = mailquery("accounts", "login", "cy", "--password-stdin", stdin=b"another one\n")
    assert (renewed.code, renewed.text) == (0, "cy logs in with a stored password now; the login works.\n")
    assert [each["state"] for each in listed(mailquery)] == ["active"]
    assert mailquery("accounts", "test").code == 0


def test_a_failing_password_command_says_why_and_not_what_it_printed(mailquery: Commands, dovecot: Dovecot) -> None:
    command = f"echo {PASSWORD}; echo 'the keyring is locked' >&2; exit 3"
    done = mailquery("accounts", "add", ADDRESS, *at(dovecot), "--password-command", command)
    assert done.code == 3
    assert "exit code 3" in done.err
    assert "the keyring is locked" in done.err
    assert PASSWORD not in done.err
    assert listed(mailquery) == []


def test_an_account_is_paused_and_resumed(mailquery: Commands, dovecot: Dovecot) -> None:
    add(mailquery, *at(dovecot))
    assert mailquery("accounts", "pause", ADDRESS.upper()).code == 0
    assert [each["state"] for each in listed(mailquery)] == ["paused"]
    assert "no account to try" in mailquery("accounts", "test").err
    assert mailquery("accounts", "resume", ADDRESS).code == 0
    assert [each["state"] for each in listed(mailquery)] == ["active"]


def test_what_is_brought_in_of_an_account_is_changed(mailquery: Commands, dovecot: Dovecot) -> None:
    add(mailquery, *at(dovecot), "--include", "INBOX")
    changing = ("accounts", "change", ADDRESS)
    assert mailquery(*changing, "--exclude", "Spam", "--exclude", "Lists/*", "--when-gone", "keep").code == 0
    (changed,) = listed(mailquery)
    assert (changed["include"], changed["exclude"]) == (["INBOX"], ["Spam", "Lists/*"])
    assert changed["when_gone"] == "keep"
    done = mailquery(*changing, "--every-mailbox", "--largest", "50M", "--json")
    assert done.json["account"]["largest"] == 50 * 1024 * 1024
    (changed,) = listed(mailquery)
    assert (changed["include"], changed["exclude"], changed["when_gone"]) == ([], [], "keep")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ((), "Say what changes"),
        (("--every-mailbox", "--include", "INBOX"), "--every-mailbox"),
        (("--include", "two\nlines"), "--include"),
        (("--largest", "much"), "--largest"),
    ],
)
def test_a_change_that_says_nothing_or_nonsense_is_refused(
    mailquery: Commands, options: tuple[str, ...], told: str
) -> None:
    done = mailquery("accounts", "change", ADDRESS, *options)
    assert done.code == 2
    assert told in done.err


def test_without_a_test_an_account_is_stored_as_it_is_said(mailquery: Commands) -> None:
    done = mailquery(
        *("accounts", "add", ADDRESS, "--host", "mail.example.com", "--security", "starttls", "--username", "ana"),
        *("--include", "INBOX", "--include", "Lists/*", "--exclude", "Spam", "--when-gone", "keep"),
        *("--largest", "2M", "--no-test", "--password-command", "pass show mail", "--name", "work", "--json"),
    )
    assert done.code == 0, done.err
    assert done.json == {
        "account": {
            "name": "work",
            "address": ADDRESS,
            "host": "mail.example.com",
            "port": 143,
            "security": "starttls",
            "pinned": None,
            "username": "ana",
            "login": "command",
            "password_command": "pass show mail",
            "oauth": None,
            "include": ["INBOX", "Lists/*"],
            "exclude": ["Spam"],
            "when_gone": "keep",
            "largest": 2 * 1024 * 1024,
            "state": "active",
            "state_reason": None,
        },
        "tested": False,
        "mailboxes": None,
        "found_by": None,
    }


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("ana",), "no mail address"),
        ((ADDRESS, "--host", "mail.example.com:993"), "--host"),
        ((ADDRESS, "--port", "993"), "--host"),
        ((ADDRESS, "--host", "mail.example.com", "--security", "none"), "for everybody on the way to read"),
        ((ADDRESS, "--host", "a.example", "--pin", "abc"), "64 hexadecimal digits"),
        ((ADDRESS, "--host", "a.example", "--largest", "much"), "--largest"),
        ((ADDRESS, "--host", "a.example", "--name", "two\nlines"), "one line"),
        ((ADDRESS, "--host", "a.example", "--include", "two\nlines"), "--include"),
        ((ADDRESS, "--host", "a.example", "--exclude", "\\Spam"), "--exclude: '\\\\Spam' is no role"),
        ((ADDRESS, "--host", "a.example", "--password-command", "a", "--oauth"), "not both"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_asked(
    mailquery: Commands, options: tuple[str, ...], told: str
) -> None:
    done = mailquery("accounts", "add", *options)
    assert done.code == 2
    assert told in done.err


def test_an_account_that_there_is_not_is_named_with_those_that_there_are(mailquery: Commands) -> None:
    none = mailquery("accounts", "pause", "work")
    assert (none.code, "accounts add" in none.err) == (3, True)
    untested = ("--host", "a.example", "--no-test", "--password-command", "a")
    assert mailquery("accounts", "add", ADDRESS, "--name", "work", *untested).code == 0
    near = mailquery("accounts", "remove", "wrok")
    assert (near.code, "work" in near.err) == (3, True)


def test_a_choice_that_leaves_out_every_mailbox_is_said(mailquery: Commands, dovecot: Dovecot) -> None:
    add(mailquery, *at(dovecot), "--include", "Inbax")
    done = mailquery("sync")
    assert done.code == 0, done.err
    assert "No mailbox is synchronised" in done.text


def test_what_is_asked_about_deletions_is_shown_everywhere_with_the_answers(
    mailquery: Commands, dovecot: Dovecot
) -> None:
    mail = dovecot.mail(ADDRESS)
    mail.deliver([f"Message-ID: <{n}@example.com>\r\n\r\nnumber {n}\r\n".encode() for n in range(12)], "Lists/dev")
    add(mailquery, *at(dovecot), "--include", "Lists")
    assert mailquery("sync").code == 0
    mail.expunge("all", mailbox="Lists/dev")

    asked = mailquery("sync")

    answer = f"mailquery sync {ADDRESS} --accept-deletions Lists/dev"
    assert answer in asked.text
    assert answer in mailquery("status").err
    checked = mailquery("doctor").text
    assert answer in checked
    assert f"account {ADDRESS}: 12 of 12 messages of Lists/dev" in checked
    assert "Lists/dev" in mailquery("accounts", "list").text
