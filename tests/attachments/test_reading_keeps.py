"""A text that was read on demand is stored; where letters in pictures are recognised from now on, it is read anew."""

import asyncio
from pathlib import Path

import pytest

from attachments.files import pdf
from mailquery.extraction.interfaces import Picture
from removal.archives import ask, check, take_out
from support.archives import Mail, temporary_archive
from support.calling import Caller
from support.letters import drawn, saved

SCAN = saved(drawn("anything"), "PNG")
MAIL = Mail(
    subject="Files",
    text="See the files.",
    message_id="1@x.example",
    files=(("report.pdf", "application/pdf", pdf("The klondarite")), ("scan.png", "image/png", SCAN)),
)


class Spelling:
    """A recogniser that finds the same in every picture, once it may go on."""

    def __init__(self) -> None:
        self.asked = 0
        self.began = asyncio.Event()
        self.goes_on = asyncio.Event()
        self.goes_on.set()

    async def recognise(self, picture: Picture) -> str:
        self.asked += 1
        self.began.set()
        await self.goes_on.wait()
        return "the wyverstone"


async def hits(caller: Caller, query: str) -> int:
    return len((await caller.tool("search_messages", query=query, sort="newest"))["rows"])


async def test_a_text_that_was_read_on_demand_is_stored_and_found(tmp_path: Path) -> None:
    async with temporary_archive(tmp_path) as archive:
        await archive.add(MAIL)
        caller = Caller(archive.services)
        assert await hits(caller, "klondarite") == 0
        listed = (await caller.tool("list_attachments"))["rows"]
        report = next(row["id"] for row in listed if row["name"] == "report.pdf")
        assert (await caller.tool("read_attachment", id=report))["text"] == "--- page 1 ---\nThe klondarite"
        assert await hits(caller, "klondarite") == 1
        assert ask(tmp_path / "mail.db", "SELECT count(*) FROM contents") == [(1,)]
        assert await archive.extract() == 1  # the other one
        take_out(tmp_path / "mail.db", [MAIL.id])
        assert ask(tmp_path / "mail.db", "SELECT * FROM removed") == []
        check(tmp_path / "mail.db")


async def test_turning_recognition_on_reads_again_what_was_read_without_and_nothing_else(tmp_path: Path) -> None:
    file = tmp_path / "mail.db"
    async with temporary_archive(tmp_path) as archive:
        await archive.add(MAIL)
        assert await archive.extract() == 2
        assert (await archive.extract.texts.progress()).unread_pictures == 1
        caller = Caller(archive.services)
        (scan,) = [row["id"] for row in (await caller.tool("list_attachments", type="image"))["rows"]]
        assert "extraction.ocr.enabled" in (await caller.tool("read_attachment", id=scan))["note"]
    async with temporary_archive(tmp_path, recogniser=(spelling := Spelling())) as archive:
        caller = Caller(archive.services)
        assert await archive.extract() == 1
        assert await hits(caller, "wyverstone") == 1
        assert (await archive.extract.texts.progress()).unread_pictures == 0
        assert (await caller.tool("read_attachment", id=scan))["text"] == "the wyverstone"
        assert await archive.extract() == 0
        assert spelling.asked == 1
    async with temporary_archive(tmp_path) as archive:  # off again: what was recognised stays
        assert await archive.extract() == 0
        assert await hits(Caller(archive.services), "wyverstone") == 1
        take_out(file, [MAIL.id])
        assert ask(file, "SELECT count(*) FROM contents") == [(0,)]
        assert ask(file, "SELECT * FROM removed") == []
        check(file)


async def test_asking_for_a_picture_recognises_it_at_once(tmp_path: Path) -> None:
    async with temporary_archive(tmp_path) as archive:
        await archive.add(MAIL)
        await archive.extract()
        (scan,) = [row["id"] for row in (await Caller(archive.services).tool("list_attachments", type="image"))["rows"]]
    async with temporary_archive(tmp_path, recogniser=(spelling := Spelling())) as archive:
        caller = Caller(archive.services)
        for _ in range(2):
            assert (await caller.tool("read_attachment", id=scan))["text"] == "the wyverstone"
        assert spelling.asked == 1
        assert await hits(caller, "wyverstone") == 1


async def test_it_is_read_once_for_all_who_ask_and_goes_on_where_nobody_waits_any_more(tmp_path: Path) -> None:
    async with temporary_archive(tmp_path, recogniser=(spelling := Spelling())) as archive:
        await archive.add(MAIL)
        caller = Caller(archive.services)
        (scan,) = [row["id"] for row in (await caller.tool("list_attachments", type="image"))["rows"]]
        spelling.goes_on.clear()
        asking = [asyncio.create_task(caller.tool("read_attachment", id=scan)) for _ in range(3)]
        await asyncio.wait_for(spelling.began.wait(), 20)
        for task in asking:
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        spelling.goes_on.set()
        async with asyncio.timeout(20):
            while not (await archive.extract.texts.progress()).done:
                await asyncio.sleep(0.01)
        assert (await caller.tool("read_attachment", id=scan))["text"] == "the wyverstone"
        assert spelling.asked == 1
