"""What a real Dovecot announces is heard, and where it announces nothing that is known."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

from mailquery.domain.accounts import Security, Server
from mailquery.services.background.watching import WatchInbox
from mailquery.sources.imap.server import ImapServer
from mcpkit.errors import ErrorCode, Fault
from support.dovecot import PASSWORD, USER, Dovecot, running_dovecot
from support.mail_accounts import KnownPassword

LETTER = b"From: ada@example.org\r\nSubject: Wombats\r\n\r\nThey arrive.\r\n"


class Heard:
    def __init__(self) -> None:
        self.watching = asyncio.Event()
        self.news: asyncio.Queue[None] = asyncio.Queue()

    async def of_news(self) -> None:
        self.news.put_nowait(None)


def inbox(dovecot: Dovecot, seconds: float = 600.0) -> WatchInbox:
    server = ImapServer(Server("127.0.0.1", dovecot.port, Security.NONE), USER, KnownPassword(PASSWORD))
    return WatchInbox(server, seconds)


@asynccontextmanager
async def watched(watch: WatchInbox) -> "AsyncIterator[tuple[Heard, asyncio.Task[None]]]":
    heard = Heard()
    task = asyncio.create_task(watch(heard.watching.set, heard.of_news))
    try:
        yield heard, task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError, Fault):
            await task


async def test_new_mail_is_announced_again_and_again() -> None:
    with running_dovecot() as dovecot:
        before = dovecot.mail().everything()
        async with asyncio.timeout(60), watched(inbox(dovecot)) as (heard, _):
            await heard.watching.wait()
            for _ in range(2):
                await asyncio.to_thread(dovecot.mail().deliver, LETTER)
                await heard.news.get()
        assert len(dovecot.mail().everything()) == len(before) + 2
        assert not any("Seen" in "".join(map(str, stored.flags)) for stored in dovecot.mail().everything())


async def test_goes_on_after_it_has_asked_anew() -> None:
    with running_dovecot() as dovecot:
        async with asyncio.timeout(60), watched(inbox(dovecot, seconds=1.0)) as (heard, task):
            await heard.watching.wait()
            await asyncio.sleep(2.5)  # it asks anew every second
            assert not task.done()
            await asyncio.to_thread(dovecot.mail().deliver, LETTER)
            await heard.news.get()


async def test_a_server_without_idle_is_known_at_once() -> None:
    with running_dovecot(extra="imap_capability = IMAP4rev1 SASL-IR LITERAL+ ENABLE SPECIAL-USE") as dovecot:
        async with asyncio.timeout(60), watched(inbox(dovecot)) as (heard, task):
            await task
            assert heard.watching.is_set()
            assert heard.news.empty()


async def test_a_server_that_ends_is_told_of() -> None:
    with running_dovecot() as dovecot:
        async with asyncio.timeout(60), watched(inbox(dovecot)) as (heard, task):
            await heard.watching.wait()
            await asyncio.to_thread(dovecot.kill)
            with pytest.raises(Fault) as raised:
                await task
            assert raised.value.code is ErrorCode.SOURCE_UNAVAILABLE
