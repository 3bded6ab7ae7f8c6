"""The whole message takes the place of the part that was stored."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest

from mailquery.domain.handles import key_of_fingerprint, message_handle
from mailquery.repositories.records import Visibility
from mailquery.repositories.sqlite.archive import open_archive
from mailquery.repositories.sqlite.synchronising import SqliteSync
from mailquery.repositories.sqlite.upkeep.rebuilding import SqliteRebuilding
from mailquery.repositories.synchronising import Whereabouts
from mailquery.services.upkeep.rebuilding import RebuildIndex
from mcpkit.errors import ErrorCode, Fault
from partial.servers import CONTENT, WHOLE, in_part, prepared_in_part, store_in_part
from removal.archives import ask, check, prepared, take_out
from support.archives import Mail, temporary_archive
from support.calling import Caller

_ALL = Visibility()
KEY = key_of_fingerprint(prepared_in_part().fingerprint)
ID = message_handle(KEY)


@asynccontextmanager
async def synchronising(file: Path) -> AsyncIterator[SqliteSync]:
    async with await open_archive(file, readers=1) as database:
        yield SqliteSync(database)


async def test_what_is_on_the_server_only_is_listed_and_said_to_be_there(tmp_path: Path) -> None:
    async with temporary_archive(tmp_path) as archive, synchronising(tmp_path / "mail.db") as sync:
        await store_in_part(sync)
        caller = Caller(archive.services)
        read = await caller.tool("read_message", id=ID)
        assert read["body"] == "The plans are attached."
        assert any("fetched when they are asked for" in problem for problem in read["problems"])
        (attachment,) = (await caller.tool("list_attachments"))["rows"]
        assert attachment["name"] == "plans.pdf"
        assert abs(attachment["size"] - len(CONTENT)) <= 60
        assert await sync.whereabouts(KEY) == (Whereabouts("home", "inbox", 1, 7),)
        with pytest.raises(Fault) as caught:
            await caller.tool("get_attachment", id=f"{ID}-2")
        assert caught.value.code is ErrorCode.SOURCE_UNAVAILABLE
        async with await open_archive(tmp_path / "mail.db", readers=1) as database:
            await RebuildIndex(SqliteRebuilding(database), workers=1)()
        assert (await caller.tool("list_attachments"))["rows"] == [attachment]


@pytest.mark.parametrize("indexed", [True, False])
async def test_it_keeps_its_id_and_where_it_lies(tmp_path: Path, indexed: bool) -> None:
    file = tmp_path / "mail.db"
    async with temporary_archive(tmp_path) as archive, synchronising(file) as sync:
        await store_in_part(sync)
        await archive.add(Mail(subject="Another", text="boats"))
        await archive.embed()
        if not indexed:  # as by an earlier version: its words cannot be taken out
            with closing(sqlite3.connect(file)) as connection, connection:
                connection.execute("DELETE FROM indexed")
        await sync.complete(KEY, prepared(WHOLE))
        await archive.embed()
        caller = Caller(archive.services)
        assert await sync.whereabouts(KEY) == ()
        read = await caller.tool("read_message", id=ID)
        assert "problems" not in read
        assert read["attachments"][0]["size"] == len(CONTENT)
        assert (await archive.services.get_attachment(_ALL, f"{ID}-2")).data == CONTENT
        assert await archive.services.export_message(_ALL, ID) == WHOLE.as_bytes()
        for query in ("plans", "filename:plans", "from:ana subject:plans", "is:starred", "in:inbox plans"):
            assert [row["id"] for row in (await caller.tool("search_messages", query=query))["rows"]] == [ID], query
        assert len((await caller.tool("find_similar", id=ID))["rows"]) == 1
        assert ask(file, "SELECT uid FROM remote_messages") == [(7,)]
        check(file)
        with pytest.raises(Fault) as caught:
            await sync.complete(KEY, prepared(WHOLE))
        assert caught.value.code is ErrorCode.CONFLICT
        take_out(file, [ID])
        assert (await caller.tool("search_messages", query="plans"))["total"] == 0
        check(file)


async def test_an_import_of_the_whole_completes_it(tmp_path: Path) -> None:
    file = tmp_path / "mail.db"
    async with temporary_archive(tmp_path) as archive, synchronising(file) as sync:
        await store_in_part(sync)
        await archive.add(Mail(**{**WHOLE.__dict__, "mailboxes": ("Old mail",)}))
        assert await sync.whereabouts(KEY) == ()
        caller = Caller(archive.services)
        read = await caller.tool("read_message", id=ID)
        assert (read["id"], sorted(read["mailboxes"]), "problems" in read) == (ID, ["INBOX", "Old mail"], False)
        assert await archive.services.export_message(_ALL, ID) == WHOLE.as_bytes()
        assert (await caller.tool("search_messages", query="plans"))["total"] == 1
        assert ask(file, "SELECT uid FROM remote_messages") == [(7,)]
        check(file)


async def test_another_message_of_the_same_message_id_does_not_complete_it(tmp_path: Path) -> None:
    async with temporary_archive(tmp_path) as archive, synchronising(tmp_path / "mail.db") as sync:
        await store_in_part(sync)
        await archive.add(Mail(**{**WHOLE.__dict__, "subject": "Other plans"}))
        assert len(await sync.whereabouts(KEY)) == 1
        assert (await Caller(archive.services).tool("search_messages", query="plans"))["total"] == 2


async def test_where_the_whole_is_stored_beside_it_both_ids_are_its_own(tmp_path: Path) -> None:
    file = tmp_path / "mail.db"
    # Its header has another field: only who fetched it knows that it is the same.
    beside = {**WHOLE.__dict__, "mailboxes": ("Old mail",), "subject": "Plans of the boathouse"}
    async with temporary_archive(tmp_path) as archive, synchronising(file) as sync:
        await store_in_part(sync)
        (imported,) = await archive.add(Mail(**beside))
        assert imported != ID
        await sync.complete(KEY, prepared(Mail(**beside)))
        caller = Caller(archive.services)
        for id in (ID, imported):
            read = await caller.tool("read_message", id=id)
            assert (read["id"], read["mailboxes"]) == (imported, ["INBOX", "Old mail"])
            assert (await archive.services.get_attachment(_ALL, f"{id}-2")).data == CONTENT
            assert len((await caller.tool("read_thread", id=id))["messages"]) == 1
        assert (await caller.tool("search_messages", query="plans"))["total"] == 1
        assert ask(file, "SELECT name, messages FROM mailboxes ORDER BY name") == [("INBOX", 1), ("Old mail", 1)]
        assert ask(file, "SELECT uid FROM remote_messages") == [(7,)]
        check(file)
        take_out(file, [imported])
        with pytest.raises(Fault) as caught:
            await caller.tool("read_message", id=ID)
        assert caught.value.code is ErrorCode.NOT_FOUND
        check(file)


async def test_a_sender_cannot_make_a_whole_message_seem_partial(tmp_path: Path) -> None:
    forged = Mail(raw=in_part())
    async with temporary_archive(tmp_path) as archive:
        (id,) = await archive.add(forged)
        (attachment,) = (await Caller(archive.services).tool("list_attachments"))["rows"]
        assert attachment["size"] == 0
        assert (await archive.services.get_attachment(_ALL, f"{id}-2")).data == b""
