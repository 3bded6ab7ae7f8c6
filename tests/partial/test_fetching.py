"""What was left on the mail server is fetched when it is asked for, whatever the server does."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from mailquery.domain.uids import UidSet
from mailquery.repositories.prepared import PreparedMessage
from mailquery.repositories.records import Visibility
from mailquery.repositories.sqlite.archive import open_archive
from mailquery.repositories.sqlite.messages import SqliteMessages
from mailquery.repositories.sqlite.synchronising import SqliteSync
from mailquery.services.attachments.finding import GetAttachment
from mailquery.services.fetching import FetchWhole
from mailquery.services.reading import ExportMessage
from mailquery.sources.interfaces import SourceMessage
from mailquery.sources.remote import Reason
from mcpkit.errors import ErrorCode, Fault
from partial.servers import CONTENT, WHOLE, Scripted, store_in_part
from partial.test_completing import ID
from removal.archives import prepared
from support.archives import Mail

ALL = Visibility()


async def prepare_here(message: SourceMessage) -> PreparedMessage:
    return prepared(Mail(raw=message.raw))


@asynccontextmanager
async def fetching(
    folder: Path, server: Scripted, *, seconds: float = 60.0, largest: int = 1_000_000
) -> AsyncIterator[tuple[GetAttachment, ExportMessage]]:
    async with await open_archive(folder / "mail.db", readers=1) as database:
        sync, messages = SqliteSync(database), SqliteMessages(database)
        await store_in_part(sync)
        fetch = FetchWhole(sync, messages, server.connect, largest=largest, seconds=seconds, prepare=prepare_here)
        yield GetAttachment(messages, fetch=fetch), ExportMessage(messages, fetch=fetch)


async def test_an_attachment_is_fetched_once_for_all_who_want_it(tmp_path: Path) -> None:
    server = Scripted()
    async with fetching(tmp_path, server) as (get, export):
        one, other, whole = await asyncio.gather(get(ALL, f"{ID}-2"), get(ALL, f"{ID}-2"), export(ALL, ID))
        assert one.data == other.data == CONTENT
        assert whole == WHOLE.as_bytes()
    assert (server.fetched, server.closed) == (1, 1)


@pytest.mark.parametrize(
    "server",
    [
        Scripted(fails=Fault(ErrorCode.SOURCE_UNAVAILABLE, "Nothing answers.", details={"reason": Reason.CONNECT})),
        Scripted(fails=Fault(ErrorCode.LOGIN_FAILED, "The password is wrong.", details={"reason": Reason.LOGIN})),
        Scripted(validity=2),
        Scripted(messages={8: WHOLE.as_bytes()}),
        Scripted(messages={7: Mail(subject="Another").as_bytes()}),
        Scripted(messages={7: b""}, size=10),
        Scripted(messages={7: WHOLE.as_bytes() + b"x" * 1_000_000}, size=10),
    ],
    ids=["down", "login", "other validity", "gone", "another message", "nothing", "more than it said"],
)
async def test_what_cannot_be_had_is_said_to_be_on_the_server(tmp_path: Path, server: Scripted) -> None:
    async with fetching(tmp_path, server) as (get, export):
        for asking in (get(ALL, f"{ID}-2"), export(ALL, ID)):
            with pytest.raises(Fault, match="on its mail server only") as caught:
                await asking
            assert caught.value.code is ErrorCode.SOURCE_UNAVAILABLE
    assert server.closed == (0 if server.fails else 2)


async def test_a_message_may_be_too_large(tmp_path: Path) -> None:
    server = Scripted(size=1_000_001)
    async with fetching(tmp_path, server) as (get, _):
        with pytest.raises(Fault) as caught:
            await get(ALL, f"{ID}-2")
    assert caught.value.code is ErrorCode.TOO_LARGE
    assert (server.fetched, server.closed) == (0, 1)


class Silent(Scripted):
    async def fetch(self, uids: UidSet) -> Mapping[int, bytes]:
        await asyncio.Event().wait()
        return {}


async def test_a_server_that_falls_silent_is_not_waited_for(tmp_path: Path) -> None:
    server = Silent()
    async with fetching(tmp_path, server, seconds=0.2) as (get, _):
        with pytest.raises(Fault, match=r"within 0\.2 seconds") as caught:
            await get(ALL, f"{ID}-2")
    assert caught.value.details["reason"] == Reason.TIMEOUT
    assert server.closed == 1


async def test_nothing_is_fetched_through_an_account_that_is_not_the_callers(tmp_path: Path) -> None:
    server = Scripted()
    async with fetching(tmp_path, server) as (get, _):
        with pytest.raises(Fault) as caught:
            await get(Visibility(frozenset({"work"})), f"{ID}-2")
        assert caught.value.code is ErrorCode.NOT_FOUND
    assert server.closed == 0
