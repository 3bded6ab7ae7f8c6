"""Who subscribes to a mailbox is told of new mail, by whatever process it comes in, and nobody else is."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from mcp.shared.exceptions import MCPError
from mcp_types import TextResourceContents

from end_to_end.conftest import CONSENTED, CommandLine, letter
from end_to_end.listening import ERAS, Listener, listener, over_http, over_stdio
from end_to_end.served import created, serving

Write = Callable[[str, list[bytes]], Path]

INBOX, OTHER = "mail://mailbox/local/inbox", "mail://mailbox/local/other"


@asynccontextmanager
async def connected(mailquery: CommandLine, transport: str, era: str) -> AsyncIterator[Listener]:
    if transport == "stdio":
        server = over_stdio(mailquery.command("serve", "--transport", "stdio"), mailquery.environment)
        async with listener(server, era) as listening:
            yield listening
    else:
        with serving(mailquery, **CONSENTED) as url:
            async with listener(url, era) as listening:
                yield listening


async def in_thread(mailquery: CommandLine, *arguments: str | Path) -> None:
    done = await asyncio.to_thread(mailquery, *arguments)
    assert done.code == 0, done.err


async def read(listening: Listener, uri: str) -> str:
    (contents,) = (await listening.client.read_resource(uri, cache_mode="bypass")).contents
    assert isinstance(contents, TextResourceContents)
    return contents.text


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("transport", ["stdio", "http"])
async def test_new_mail_that_another_process_brings_in_is_announced(
    filled: CommandLine, write: Write, transport: str, era: str
) -> None:
    async with connected(filled, transport, era) as listening:
        capabilities = listening.client.server_capabilities
        assert capabilities is not None
        assert capabilities.resources is not None
        assert (capabilities.resources.subscribe, bool(capabilities.resources.list_changed)) == (True, False)
        assert "20 messages" in await read(listening, INBOX)
        await listening.subscribe(INBOX)
        await in_thread(filled, "import", write("other.mbox", [letter(30)]))  # into another mailbox: not a word of it
        await in_thread(filled, "import", write("inbox.mbox", [letter(31, subject="A boat")]))
        assert await listening.next() == INBOX
        text = await read(listening, INBOX)
        assert "21 messages" in text
        assert "A boat" in text
        await listening.unsubscribe(INBOX)
        await in_thread(filled, "import", write("inbox.mbox", [letter(32)]))
        await listening.subscribe(OTHER)
        await in_thread(filled, "import", write("other.mbox", [letter(33)]))
        assert await listening.next() == OTHER
        assert listening.told.empty()


@pytest.mark.parametrize("era", ERAS)
async def test_what_is_not_there_or_does_not_change_cannot_be_subscribed_to(filled: CommandLine, era: str) -> None:
    async with connected(filled, "stdio", era) as listening:
        for uri, told in (
            ("mail://mailbox/local/nowhere", "no such mailbox"),
            ("mail://nothing", "no such resource"),
            ("mail://accounts", "Nothing is announced"),
        ):
            with pytest.raises(MCPError, match=told):
                await listening.subscribe(uri)


@pytest.mark.parametrize("era", ERAS)
async def test_the_mail_of_others_is_neither_to_be_subscribed_to_nor_announced(
    filled: CommandLine, write: Write, tmp_path: Path, era: str
) -> None:
    """Over HTTP by keys: one user sees the account, the other one only another account."""
    await in_thread(filled, "import", write("theirs.mbox", [letter(50)]), "--account", "theirs")
    theirs = "mail://mailbox/theirs/theirs"
    filled.environment["MAILQUERY_AUTH__USERS"] = json.dumps({"ana": ["local"], "bo": ["theirs"]})
    keys = {user: created(filled, "--user", user, "--scope", "mail:read")["key"] for user in ("ana", "bo")}
    settings = {**CONSENTED, "MAILQUERY_AUTH__STRATEGIES": "api-keys"}
    with serving(filled, **settings) as url:
        async with (
            over_http(url, keys["ana"], era) as ana,
            over_http(url, keys["bo"], era) as bo,
        ):
            with pytest.raises(MCPError, match="no such mailbox"):
                await ana.subscribe(theirs)
            await ana.subscribe(INBOX)
            await bo.subscribe(theirs)
            await in_thread(filled, "import", write("theirs.mbox", [letter(51)]), "--account", "theirs")
            assert await bo.next() == theirs
            await in_thread(filled, "import", write("inbox.mbox", [letter(52)]))
            assert await ana.next() == INBOX
            assert ana.told.empty()
            assert bo.told.empty()


@pytest.mark.parametrize("era", ERAS)
async def test_nothing_is_announced_once_consent_was_revoked(filled: CommandLine, write: Write, era: str) -> None:
    await in_thread(filled, "consent", "grant", "--capability", "mail:read")
    with serving(filled) as url:
        async with listener(url, era) as listening:
            await listening.subscribe(INBOX)
            await in_thread(filled, "consent", "revoke", "--capability", "mail:read")
            await in_thread(filled, "import", write("inbox.mbox", [letter(61)]))
            with pytest.raises(MCPError):
                await listening.subscribe(INBOX)
            await asyncio.sleep(2.5)  # two looks, in which nothing may be told
            assert listening.told.empty()
            await in_thread(filled, "consent", "grant", "--capability", "mail:read")
            await in_thread(filled, "import", write("inbox.mbox", [letter(62)]))
            assert await listening.next() == INBOX
