"""Who may do what over HTTP, with the product as an operator starts it."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from end_to_end.conftest import CONSENTED, CommandLine, letter, write_mbox
from end_to_end.served import call, created, serving
from support.authorization_server import INTROSPECTOR, AuthorizationServer, running

USERS = '{"ana": ["*"], "ben": ["work"], "machine": ["home"]}'


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> CommandLine:
    """An archive of two accounts, one letter in each."""
    folder = tmp_path_factory.mktemp("identity")
    mailquery = CommandLine(folder)
    for number, account in enumerate(("home", "work")):
        mbox = write_mbox(folder / f"{account}.mbox", [letter(number, subject=f"About {account}")])
        done = mailquery("import", mbox, "--account", account, "--no-embed")
        assert done.code == 0, done.err
    mailquery.environment |= {"MAILQUERY_AUTH__USERS": USERS, "MAILQUERY_MEANING__ENABLED": "false", **CONSENTED}
    return mailquery


def status(url: str, credential: str) -> int:
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    return httpx2.post(url, json=body, headers={"Authorization": f"Bearer {credential}"}, timeout=60).status_code


@pytest.mark.parametrize("host", ["0.0.0.0", "mail.example.org"])
def test_another_address_than_loopback_is_refused_without_authentication(mailquery: CommandLine, host: str) -> None:
    done = mailquery("serve", "--transport", "http", "--host", host, "--port", "0")
    assert done.code == 2
    for remedy in ("--host 127.0.0.1", "mailquery keys create", "MAILQUERY_AUTH__STRATEGIES", "MAILQUERY_AUTH__ISSUER"):
        assert remedy in done.err
    assert "Traceback" not in done.err
    assert not (mailquery.home / "archive.db").exists()  # refused before anything else


def test_tokens_need_a_server_that_they_can_be_meant_for(mailquery: CommandLine) -> None:
    done = mailquery(
        *("serve", "--transport", "http", "--host", "0.0.0.0", "--port", "8765"),
        MAILQUERY_AUTH__STRATEGIES="jwt",
        MAILQUERY_AUTH__ISSUER="https://login.example.com",
    )
    assert done.code == 2
    assert "MAILQUERY_AUTH__RESOURCE" in done.err


def test_two_users_see_their_own_accounts_and_nothing_of_each_other(shared: CommandLine) -> None:
    ana = created(shared, "--user", "ana", "--scope", "mail:read", "--scope", "mail:statistics")["key"]
    ben = created(shared, "--user", "ben", "--scope", "mail:read")["key"]
    narrow = created(shared, "--user", "ana", "--scope", "mail:read", "--account", "home")["key"]
    wide = created(shared, "--user", "ben", "--scope", "mail:read", "--account", "home")["key"]
    options = ("--host", "0.0.0.0", "--port", "0")
    with serving(shared, *options, MAILQUERY_AUTH__STRATEGIES="api-keys") as url:
        found = {
            name: {row["subject"]: row["id"] for row in rows(call(url, key, "search_messages"))}
            for name, key in (("ana", ana), ("ben", ben), ("narrow", narrow))
        }
        assert {name: sorted(subjects) for name, subjects in found.items()} == {
            "ana": ["About home", "About work"],
            "ben": ["About work"],
            "narrow": ["About home"],
        }
        hidden = call(url, ben, "read_message", id=found["ana"]["About home"])["result"]["structuredContent"]
        assert hidden["error"]["code"] == "NOT_FOUND"
        assert call(url, ben, "mail_statistics")["error"]["code"] == -32602  # it does not exist for ben
        assert call(url, ana, "mail_statistics", group_by="sender")["result"]["structuredContent"]["messages"] == 2
        assert status(url, wide) == 403  # the key names an account that its user may not see: nothing is left
        cursor = call(url, ana, "search_messages", limit=1)["result"]["structuredContent"]["cursor"]
        assert cursor
        assert rows(call(url, ana, "search_messages", limit=1, cursor=cursor))
        taken = call(url, ben, "search_messages", limit=1, cursor=cursor)["result"]["structuredContent"]
        assert taken["error"]["code"] == "INVALID_FORMAT"
        assert "authorization_servers" not in httpx2.get(url.replace("/mcp", "/health")).text


def rows(answer: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = answer["result"]["structuredContent"]["rows"]
    return found


def test_authentication_holds_on_loopback_too_and_a_revoked_key_is_refused_at_once(shared: CommandLine) -> None:
    made = created(shared, "--user", "ana", "--expires", "1y", "--label", "laptop")
    with serving(shared, MAILQUERY_AUTH__STRATEGIES="api-keys") as url:
        assert status(url, "nothing") == 401
        assert status(url, made["key"]) == 200
        (listed,) = [key for key in shared("keys", "list", "--json").json["keys"] if key["id"] == made["id"]]
        assert (listed["state"], listed["label"], listed["user"]) == ("valid", "laptop", "ana")
        assert listed["used"] is not None
        assert made["key"] not in str(listed)
        done = shared("keys", "revoke", made["id"])
        assert (done.code, "is revoked" in done.text) == (0, True)
        assert status(url, made["key"]) == 401
        assert "was revoked before" in shared("keys", "revoke", made["key"]).text
    (listed,) = [key for key in shared("keys", "list", "--json").json["keys"] if key["id"] == made["id"]]
    assert listed["state"] == "revoked"


def test_a_key_that_cannot_be_meant_is_not_made(shared: CommandLine) -> None:
    before = shared("keys", "list", "--json").out
    for options, said in (
        (("--scope", "*"), "is no scope"),
        (("--account", "wrok"), "Did you mean work"),
        (("--expires", "0d"), "90d"),
        (("--user", "ana\u200b"), "--user"),
    ):
        done = shared("keys", "create", "--user", "ana", *options)
        assert (done.code, said in done.err) == (2, True), done.err
    assert shared("keys", "list", "--json").out == before


def test_what_is_missing_before_a_key_opens_anything_is_said(shared: CommandLine) -> None:
    done = shared("keys", "create", "--user", "nobody")
    assert done.code == 0
    assert re.fullmatch(r"mq_[a-z2-7]{13}_[\w-]{43}\n", done.text)
    assert "MAILQUERY_AUTH__USERS" in done.err
    assert "MAILQUERY_AUTH__STRATEGIES" in done.err


def test_revoking_what_is_no_key_is_an_error(shared: CommandLine) -> None:
    assert shared("keys", "revoke", "mq_nothing").code == 3


@pytest.fixture(scope="module")
def server() -> Iterator[AuthorizationServer]:
    with running() as started:
        yield started


async def test_tokens_of_an_authorization_server_are_taken_as_they_are_set(
    shared: CommandLine, server: AuthorizationServer
) -> None:
    resource = "https://mail.example.com/mcp"
    environment = {
        "MAILQUERY_AUTH__STRATEGIES": "jwt",
        "MAILQUERY_AUTH__ISSUER": server.issuer,
        "MAILQUERY_AUTH__RESOURCE": resource,
    }
    with serving(shared, **environment) as url:
        token = await server.machine_token(resource, "mail:read")
        assert [row["subject"] for row in rows(call(url, token, "search_messages"))] == ["About home"]
        assert status(url, await server.machine_token("https://elsewhere.example/mcp", "mail:read")) == 401
        assert status(url, await server.machine_token(resource, "other")) == 403
        assert status(url, created(shared, "--user", "ana")["key"]) == 401  # keys are not on
        described = httpx2.get(url.replace("/mcp", "/.well-known/oauth-protected-resource/mcp")).json()
        assert described["resource"] == resource
        assert described["authorization_servers"] == [server.issuer]
        assert described["scopes_supported"] == ["mail:read", "mail:attachments", "mail:statistics", "mail:sync"]


async def test_introspection_is_taken_as_it_is_set(shared: CommandLine, server: AuthorizationServer) -> None:
    resource = "https://mail.example.com/mcp"
    environment = {
        "MAILQUERY_AUTH__STRATEGIES": "api-keys,introspection",
        "MAILQUERY_AUTH__ISSUER": server.issuer,
        "MAILQUERY_AUTH__RESOURCE": resource,
        "MAILQUERY_AUTH__USER_CLAIM": "client_id",
        "MAILQUERY_AUTH__INTROSPECTION__CLIENT_ID": INTROSPECTOR[0],
        "MAILQUERY_AUTH__INTROSPECTION__CLIENT_SECRET": INTROSPECTOR[1],
    }
    key = created(shared, "--user", "ben")["key"]
    with serving(shared, **environment) as url:
        token = await server.machine_token(resource, "mail:read", client="machine-opaque")
        assert status(url, token) == 403  # `machine-opaque` is no user who may see an account
        assert status(url, "invented") == 401
        assert [row["subject"] for row in rows(call(url, key, "search_messages"))] == ["About work"]
    shown = subprocess.run(shared.command("config", "show"), env=shared.environment | environment, capture_output=True)
    assert b"client_secret" in shown.stdout
    assert INTROSPECTOR[1].encode() not in shown.stdout


def test_a_home_that_nobody_else_reads_holds_the_keys(shared: CommandLine) -> None:
    control = Path(shared.home / "control.db")
    assert control.stat().st_mode & 0o077 == 0
