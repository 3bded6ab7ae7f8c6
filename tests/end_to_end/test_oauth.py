"""Signing in to mail at the command line: a real authorization server, a real IMAP server, a person with a browser."""

import asyncio
import json
import os
import re
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, quote_plus, urlsplit

import httpx2
import pytest

from end_to_end.conftest import CommandLine
from end_to_end.terminal import Terminal
from mailquery.callers import key_keeper
from mailquery.settings import Settings
from mcpkit.config import load_settings
from mcpkit.security.control import open_control
from mcpkit.security.oauth.token_store import TokenStore
from mcpkit.security.secrets.store import SecretStore
from support.authorization_server import MAIL_SECRET, AuthorizationServer, enter_code, running, sign_in
from support.dovecot import USER, Dovecot
from support.oauth_mail import mail_with_tokens_of

CLIENT, SECRET = MAIL_SECRET


@pytest.fixture(scope="module")
def server() -> Iterator[AuthorizationServer]:
    with running() as started:
        yield started


@pytest.fixture(scope="module")
def dovecot(server: AuthorizationServer) -> Iterator[Dovecot]:
    with mail_with_tokens_of(server) as started:
        yield started


@pytest.fixture(autouse=True)
def registered(mailquery: CommandLine, server: AuthorizationServer, dovecot: Dovecot) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
        mailquery.environment.pop(name, None)
    mailquery.environment |= {
        "SSL_CERT_FILE": str(dovecot.authority.path),
        "MAILQUERY_OAUTH__ISSUER__URL": server.issuer,
        "MAILQUERY_OAUTH__ISSUER__CLIENT_ID": CLIENT,
        "MAILQUERY_OAUTH__ISSUER__CLIENT_SECRET": SECRET,
        "MAILQUERY_OAUTH__ISSUER__SCOPES": "openid mail offline_access",
    }


def adding(dovecot: Dovecot, *options: str) -> tuple[str, ...]:
    where = ("--host", "localhost", "--port", str(dovecot.tls_port), "--name", "work")
    return ("accounts", "add", USER, *where, "--oauth", *options)


class Browser:
    """What opens when a program asks the desktop for a browser."""

    def __init__(self, folder: Path) -> None:
        self._asked = folder / "asked"
        os.mkfifo(self._asked)
        self.program = folder / "browser"
        self.program.write_text(f'#!/bin/sh\nprintf %s "$1" > {self._asked}\n')
        self.program.chmod(self.program.stat().st_mode | stat.S_IXUSR)

    def sign_in(self) -> str:
        """As the person would, once it is opened. Gives the page that is shown in the end."""
        url = self._asked.read_text()
        return asyncio.run(come_back(url))


async def come_back(url: str) -> str:
    (back,) = parse_qs(urlsplit(url).query)["redirect_uri"]
    async with httpx2.AsyncClient() as browser:
        return (await browser.get(await sign_in(url, USER, back))).text


@pytest.fixture
def browser(tmp_path: Path, mailquery: CommandLine) -> Browser:
    made = Browser(tmp_path)
    mailquery.environment["BROWSER"] = f"{made.program} %s"
    return made


def added_by(browser: Browser, mailquery: CommandLine, *arguments: str) -> tuple[int, str, str]:
    with mailquery.start(*arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert "Signed in" in browser.sign_in()
        out, err = process.communicate(timeout=90)
    return process.returncode, out.decode(), err.decode()


def state(mailquery: CommandLine) -> str:
    (account,) = mailquery("accounts", "list", "--json").json["accounts"]
    assert account["login"] == "oauth"
    said: str = account["state"]
    return said


def test_an_account_is_added_by_a_browser_and_keeps_its_tokens_sealed(
    mailquery: CommandLine, dovecot: Dovecot, browser: Browser
) -> None:
    code, out, err = added_by(browser, mailquery, *adding(dovecot))
    assert code == 0, err
    assert out.startswith("work is added")
    assert "The browser opens" in err
    tested = mailquery("accounts", "test", "work", MAILQUERY_OAUTH__ISSUER__CLIENT_SECRET="")
    assert (tested.code, "the login works" in tested.text) == (0, True)
    stored = b"".join(path.read_bytes() for path in mailquery.home.rglob("*") if path.is_file())
    assert SECRET.encode() not in stored
    assert b"access_token" not in stored
    assert b"refresh_token" not in stored
    shown = mailquery("config", "show", "--json")
    assert SECRET not in shown.text


def test_without_a_browser_the_address_is_pasted(mailquery: CommandLine, dovecot: Dovecot) -> None:
    mailquery.home.mkdir()
    terminal = Terminal(mailquery, *adding(dovecot))
    terminal.answer("paste it here:", "http://127.0.0.1:1/callback?code=wrong")
    found = re.search(r"\nhttp\S+", terminal.shown.replace("\r", ""))
    assert found is not None
    url = found[0].strip()
    (back,) = parse_qs(urlsplit(url).query)["redirect_uri"]
    terminal.answer("not the address of this login", asyncio.run(sign_in(url, USER, back)))
    code, out = terminal.end()
    assert code == 0, terminal.shown
    assert out.startswith("work is added")
    assert state(mailquery) == "active"


def test_an_account_is_added_by_a_code_on_another_device(mailquery: CommandLine, dovecot: Dovecot) -> None:
    mailquery.home.mkdir()
    with mailquery.start(*adding(dovecot, "--device"), stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        said = process.stderr.readline().decode()
        found = re.search(r"open (\S+) and enter the code (\S+) ", said)
        assert found is not None, said
        asyncio.run(enter_code(found[1], found[2], USER))
        _, err = process.communicate(timeout=90)
    assert process.returncode == 0, err.decode()
    assert state(mailquery) == "active"


def test_a_login_that_was_taken_back_is_told_everywhere_and_done_anew(
    mailquery: CommandLine, dovecot: Dovecot, browser: Browser, server: AuthorizationServer
) -> None:
    code, _, err = added_by(browser, mailquery, *adding(dovecot))
    assert code == 0, err
    asyncio.run(take_back(mailquery, server))
    tested = mailquery("accounts", "test", "work", "--json")
    error = json.loads(tested.err)["error"]
    assert (tested.code != 0, error["code"], error["details"]["reason"]) == (True, "LOGIN_FAILED", "token")
    assert "mailquery accounts login work" in error["message"]
    assert state(mailquery) == "needs_login"
    code, out, err = added_by(browser, mailquery, "accounts", "login", "work")
    assert code == 0, err
    assert "the login works" in out
    assert state(mailquery) == "active"
    assert mailquery("accounts", "test", "work").code == 0


async def take_back(mailquery: CommandLine, server: AuthorizationServer) -> None:
    """As on the provider's page of the programs that have access."""
    settings = load_settings(Settings, Path("/nonexistent"), dotenv=None, environ=mailquery.environment).settings
    async with await open_control(mailquery.home / "control.db") as control:
        kept = await TokenStore(SecretStore(control, key_keeper(settings)), mailquery.home).get("work")
    assert kept is not None
    async with httpx2.AsyncClient() as http:
        form = {"token": kept.refresh_token, "token_type_hint": "refresh_token"}
        answer = await http.post(f"{server.issuer}/token/revocation", data=form, auth=(CLIENT, quote_plus(SECRET)))
    assert answer.status_code == 200, answer.text


def test_where_no_client_is_registered_it_is_said_how(mailquery: CommandLine) -> None:
    mailquery.environment |= {"MAILQUERY_DISCOVERY__DATABASE": ""}
    done = mailquery("accounts", "add", "ana@gmail.com", "--oauth", "--device")
    assert (done.code, "docs/oauth.md" in done.err, "MAILQUERY_OAUTH__GOOGLE__CLIENT_ID" in done.err) == (2, True, True)


def test_google_has_no_device_flow_and_the_browser_is_used_instead(mailquery: CommandLine) -> None:
    mailquery.environment |= {"MAILQUERY_OAUTH__GOOGLE__CLIENT_ID": "1.apps.googleusercontent.com"}
    mailquery.home.mkdir()
    terminal = Terminal(mailquery, "accounts", "add", "ana@gmail.com", "--oauth", "--device")
    terminal.interrupt("paste it here:")
    assert terminal.end()[0] == 130
    assert "Google gives no access to mail by a code on another device." in terminal.shown.replace("\r\n", " ")
    assert "https://accounts.google.com/o/oauth2/v2/auth?" in terminal.shown
