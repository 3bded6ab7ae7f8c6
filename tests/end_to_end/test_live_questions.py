"""Asking for mail that is still on the server, from a real Dovecot: the tools, `fresh`, and what is announced."""

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from end_to_end.conftest import CONSENTED, CommandLine, letter
from end_to_end.listening import ERAS, Listener, listener, over_stdio
from end_to_end.served import call, created, serving
from support.dovecot import PASSWORD, USER, Dovecot, running_dovecot

INBOX = "mail://mailbox/home/INBOX"
# Nothing comes in but what is asked for.
ON_DEMAND = {"MAILQUERY_SYNC__BACKGROUND": "false", "MAILQUERY_SYNC__FRESH_SECONDS": "30"}


@pytest.fixture
def dovecot() -> Iterator[Dovecot]:
    with running_dovecot() as server:
        yield server


@pytest.fixture
def account(mailquery: CommandLine, dovecot: Dovecot) -> CommandLine:
    dovecot.mail().deliver([letter(number) for number in range(30)])
    done = mailquery(
        *("accounts", "add", USER, "--name", "home", "--username", USER),
        *("--host", "127.0.0.1", "--port", str(dovecot.port), "--security", "none"),
        MAILQUERY_ACCOUNT_PASSWORD=PASSWORD,
    )
    assert done.code == 0, done.err
    mailquery.environment |= ON_DEMAND
    return mailquery


async def tool(listening: Listener, name: str, **arguments: Any) -> Any:
    result = await listening.client.call_tool(name, arguments)
    assert not result.is_error, result.content
    return result.structured_content


@pytest.mark.parametrize("era", ERAS)
async def test_what_is_new_is_fetched_and_announced_when_it_is_asked_for(
    account: CommandLine, dovecot: Dovecot, era: str
) -> None:
    mail, reports = dovecot.mail(), list[tuple[float, float | None]]()

    async def report(progress: float, total: float | None, message: str | None) -> None:
        reports.append((progress, total))

    async with listener(over_stdio(account.command("serve", "--transport", "stdio"), account.environment), era) as ana:
        found = await tool(ana, "search_messages", query="badgers")
        (fresh,) = found["coverage"]["freshness"]
        assert (found["total"], fresh["account"], fresh["standing"]) == (0, "home", "never")

        result = await ana.client.call_tool("sync_account", {"account": "home"}, progress_callback=report)
        (synced,) = result.structured_content["accounts"]
        assert (synced["new"], synced["messages"], synced.get("problem")) == (30, 30, None)
        assert reports
        assert reports[-1][0] <= 30
        assert [each[0] for each in reports] == sorted({each[0] for each in reports}), "progress grows"

        await ana.subscribe(INBOX)
        mail.deliver(letter(100, subject="Wombats arrive"))
        found = await tool(ana, "search_messages", query="wombats", fresh=True)
        (fresh,) = found["coverage"]["freshness"]
        assert (found["total"], fresh["standing"], fresh["new"]) == (1, "fresh", 1)
        assert await ana.next() == INBOX

        before = mail.everything()
        mail.flag("uid 31", "\\Flagged")
        assert (await tool(ana, "sync_account"))["accounts"][0]["new"] == 0
        assert await ana.next() == INBOX  # flags too
        mail.expunge("uid 31")
        await tool(ana, "sync_account")
        assert await ana.next() == INBOX
        assert ana.told.empty()
        assert mail.everything() == [message for message in before if message.uid != 31]

        dovecot.stop()
        found = await tool(ana, "search_messages", query="subject:7", fresh=True)
        (fresh,) = found["coverage"]["freshness"]
        assert (found["total"], fresh["standing"]) == (1, "failed")
        assert fresh["reason"]
        assert fresh["synchronised"]
        (synced,) = (await tool(ana, "sync_status"))["accounts"]
        assert synced["problem"]
        assert ana.told.empty()


def test_who_may_not_fetch_mail_searches_what_there_is(account: CommandLine, dovecot: Dovecot) -> None:
    readers = created(account, "--user", "ana", "--scope", "mail:read")["key"]
    syncers = created(account, "--user", "bo", "--scope", "mail:read", "--scope", "mail:sync")["key"]
    settings = {
        **CONSENTED,
        "MAILQUERY_AUTH__STRATEGIES": "api-keys",
        "MAILQUERY_AUTH__USERS": '{"ana": ["home"], "bo": ["home"]}',
    }
    with serving(account, **settings) as url:
        refused = call(url, readers, "search_messages", query="badgers", fresh=True)["result"]
        assert refused["structuredContent"]["error"]["code"] == "FORBIDDEN"
        assert "mail:sync" in refused["structuredContent"]["error"]["message"]
        assert "no such tool" in call(url, readers, "sync_account")["error"]["message"]
        found = call(url, readers, "search_messages", query="badgers")["result"]["structuredContent"]
        assert found["coverage"]["freshness"][0]["standing"] == "never"
        found = call(url, syncers, "search_messages", query="badgers", fresh=True)["result"]["structuredContent"]
        assert (found["total"], found["coverage"]["freshness"][0]["new"]) == (30, 30)


def test_fetching_needs_its_own_consent(account: CommandLine) -> None:
    assert account("consent", "grant", "--capability", "mail:read").code == 0
    with serving(account) as url:
        body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "sync_account"}}
        answered = httpx2.post(url, json=body, timeout=60).json()["result"]
        assert answered["structuredContent"]["error"]["code"] == "CONSENT_REQUIRED"
        assert answered["structuredContent"]["error"]["details"]["capabilities"] == ["mail:sync"]
        assert account("consent", "grant", "--capability", "mail:sync").code == 0
        answered = httpx2.post(url, json=body, timeout=60).json()["result"]
        assert answered["structuredContent"]["accounts"][0]["new"] == 30
