"""mailquery accounts, in real processes and at a terminal, with a real Dovecot and a real DNS server."""

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from end_to_end.conftest import CommandLine, letter, write_mbox
from end_to_end.terminal import Terminal, asked
from support import planted
from support.dns_server import DnsServer, running_dns
from support.dovecot import Dovecot, running_dovecot

ADDRESS = "ana@example.com"
PASSWORD = planted.PASSWORD  # found nowhere that anything is logged, or the test fails


@pytest.fixture(scope="module")
def running() -> Iterator[Dovecot]:
    with running_dovecot() as server:
        server.add_user(ADDRESS, PASSWORD)
        server.mail(ADDRESS).create("Sent", "Lists/dev")
        yield server


@pytest.fixture
def dns() -> Iterator[DnsServer]:
    with running_dns() as server:
        yield server


@pytest.fixture
def dovecot(running: Dovecot, dns: DnsServer, mailquery: CommandLine) -> Dovecot:
    """Trusted by the commands, which find no other server in the world."""
    mailquery.environment |= {
        "SSL_CERT_FILE": str(running.authority.path),
        "MAILQUERY_DISCOVERY__DATABASE": "",
        "MAILQUERY_DISCOVERY__NAMESERVERS": dns.address,
        "HTTPS_PROXY": "http://127.0.0.1:9",
    }
    return running


def at(server: Dovecot) -> tuple[str, ...]:
    return ("--host", "localhost", "--port", str(server.tls_port))


def listed(mailquery: CommandLine) -> list[dict[str, object]]:
    found: list[dict[str, object]] = mailquery("accounts", "list", "--json").json["accounts"]
    return found


def stored_bytes(mailquery: CommandLine) -> bytes:
    return b"".join(path.read_bytes() for path in mailquery.home.rglob("*") if path.is_file())


def test_an_account_is_added_and_its_password_is_stored_sealed(mailquery: CommandLine, dovecot: Dovecot) -> None:
    before = dovecot.mail(ADDRESS).everything()
    done = mailquery("accounts", "add", ADDRESS, *at(dovecot), "--password-stdin", stdin=f"{PASSWORD}\n".encode())
    assert done.code == 0, done.err
    assert done.text == (
        f"{ADDRESS} is added: localhost:{dovecot.tls_port} (TLS) as {ADDRESS}, with a stored password, 3 mailboxes.\n"
    )
    assert f"mailquery sync {ADDRESS}" in done.err
    assert PASSWORD.encode() not in stored_bytes(mailquery)
    tested = mailquery("accounts", "test", ADDRESS)
    assert (tested.code, "the login works, 3 mailboxes" in tested.text) == (0, True)
    assert dovecot.mail(ADDRESS).everything() == before
    (account,) = listed(mailquery)
    assert (account["name"], account["state"], account["login"]) == (ADDRESS, "active", "password")
    assert PASSWORD not in json.dumps(account)


def test_a_password_is_asked_for_at_a_terminal_and_not_shown(mailquery: CommandLine, dovecot: Dovecot) -> None:
    terminal = Terminal(mailquery, "accounts", "add", ADDRESS, *at(dovecot))
    code, out = asked(terminal, (f"Password of {ADDRESS}: ", PASSWORD))
    assert code == 0, terminal.shown
    assert out.startswith(f"{ADDRESS} is added")
    assert PASSWORD not in terminal.shown + out


def test_what_is_interrupted_at_the_question_stores_nothing(mailquery: CommandLine, dovecot: Dovecot) -> None:
    terminal = Terminal(mailquery, "accounts", "add", ADDRESS, *at(dovecot))
    terminal.interrupt("Password of")
    assert terminal.end()[0] == 130
    assert listed(mailquery) == []


def test_a_server_of_another_domain_from_the_dns_is_used_where_its_owner_says_so(
    mailquery: CommandLine, dovecot: Dovecot, dns: DnsServer
) -> None:
    dns.records = {("_imaps._tcp.example.com", "SRV"): [f"0 1 {dovecot.tls_port} localhost."]}
    alone = mailquery("accounts", "add", ADDRESS, "--password-stdin", stdin=f"{PASSWORD}\n".encode())
    assert alone.code == 3
    assert f"--host localhost --port {dovecot.tls_port}" in alone.err
    no = Terminal(mailquery, "accounts", "add", ADDRESS)
    assert asked(no, ("Does your mail lie at localhost? (y/n): ", "n"), ("IMAP server: ", ""))[0] == 2
    yes = Terminal(mailquery, "accounts", "add", ADDRESS)
    code, _ = asked(yes, ("Does your mail lie at localhost? (y/n): ", "y"), ("Password of", PASSWORD))
    assert code == 0, yes.shown
    assert len(listed(mailquery)) == 1


def test_removing_asks_about_the_mail(mailquery: CommandLine, dovecot: Dovecot, tmp_path: Path) -> None:
    box = write_mbox(tmp_path / "old.mbox", [letter(number) for number in range(3)])
    assert mailquery("import", box, "--account", "work").code == 0
    for kept in (True, False):
        done = mailquery(
            *("accounts", "add", ADDRESS, "--name", "work", *at(dovecot), "--password-stdin"),
            stdin=f"{PASSWORD}\n".encode(),
        )
        assert done.code == 0, done.err
        assert "has mail of work already" in done.err
        alone = mailquery("accounts", "remove", "work")
        assert (alone.code, "--with-mail or --keep-mail" in alone.err) == (2, True)
        assert len(listed(mailquery)) == 1
        terminal = Terminal(mailquery, "accounts", "remove", "work")
        code, out = asked(terminal, ("Remove the 3 messages of work", "n" if kept else "y"))
        assert (code, out.startswith("work is removed")) == (0, True), terminal.shown
        assert listed(mailquery) == []
        assert mailquery.count() == (3 if kept else 0)
        with sqlite3.connect(mailquery.home / "control.db") as control:
            assert control.execute("SELECT count(*) FROM secrets").fetchone() == (0,)
