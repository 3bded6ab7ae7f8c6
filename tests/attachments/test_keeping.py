"""Texts of attachments are kept once, go with the last message, and follow the index and the policy."""

import asyncio
import os
import signal
import sqlite3
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from attachments.files import docx, pdf, zipped
from mailquery.domain.extraction import Extraction, ExtractionState
from mailquery.domain.folding import fold_for_index
from mailquery.domain.policy import Policy
from mailquery.extraction.interfaces import Extractor
from mailquery.repositories.records import Visibility
from mailquery.repositories.sqlite.archive import open_archive
from mailquery.repositories.sqlite.attachments.extractions import SqliteExtractions
from mailquery.repositories.sqlite.upkeep.rebuilding import SqliteRebuilding
from mailquery.services.attachments.extracting import ExtractAttachments, KeepExtracted
from mailquery.services.upkeep.rebuilding import RebuildIndex
from mcpkit.errors import ErrorCode, Fault
from removal.archives import ask, check, take_out
from support.archives import Archive, Mail, temporary_archive
from support.calling import Caller

REPORT = pdf("The klondarite is under the wyverstone")


def letter(number: int, *files: tuple[str, str, bytes], text: str = "Hello.") -> Mail:
    return Mail(subject=f"Letter {number}", text=text, message_id=f"{number}@x.example", files=files)


def report(number: int, name: str = "report.pdf") -> Mail:
    return letter(number, (name, "application/pdf", REPORT))


async def hits(archive: Archive, query: str) -> list[str]:
    found = await Caller(archive.services).tool("search_messages", query=query, sort="newest", limit=100)
    return sorted(row["id"] for row in found["rows"])


class Counting:
    """An extractor that counts, and that fails or waits where it is told."""

    def __init__(self, extractor: Extractor) -> None:
        self._extractor = extractor
        self.names: list[str] = []
        self.fails: Exception | None = None
        self.state: ExtractionState | None = None

    async def extract(self, data: bytes, name: str) -> Extraction:
        self.names.append(name)
        if self.fails is not None:
            raise self.fails
        if self.state is not None:
            return Extraction("application/pdf", self.state, detail="for a test")
        return await self._extractor.extract(data, name)

    async def holding(self) -> Sequence[tuple[str, bool]]:
        return await self._extractor.holding()

    async def close(self) -> None:
        await self._extractor.close()


def counting(archive: Archive, *, batch: int = 32) -> tuple[ExtractAttachments, Counting]:
    extractor = Counting(archive.extractor)
    return ExtractAttachments(archive.extract.texts, extractor, batch=batch), extractor


async def test_the_same_content_is_read_once_in_however_many_messages_it_lies(tmp_path: Path) -> None:
    async with temporary_archive(tmp_path) as archive:
        await archive.add(report(1), report(2, "copy.pdf"))
        extract, extractor = counting(archive, batch=1)
        assert await extract() == 2
        await archive.add(report(3))
        assert await extract() == 1
        assert len(extractor.names) == 1
        assert len(await hits(archive, "klondarite")) == 3
        assert ask(tmp_path / "mail.db", "SELECT count(*) FROM contents") == [(1,)]
        found = await archive.extract.texts.progress()
        assert (found.done, found.total, dict(found.contents)) == (3, 3, {ExtractionState.DONE: 1})


async def test_a_text_goes_with_the_last_message_that_has_it(tmp_path: Path) -> None:
    file = tmp_path / "mail.db"
    async with temporary_archive(tmp_path) as archive:
        await archive.add(report(1), report(2), letter(3, text="The boats leave."))
        await archive.extract()
    take_out(file, [report(1).id])
    assert ask(file, "SELECT count(*) FROM contents") == [(1,)]
    take_out(file, [report(2).id])
    assert ask(file, "SELECT count(*) FROM contents") == [(0,)]
    assert ask(file, "SELECT * FROM removed") == []
    assert ask(file, "SELECT word FROM words WHERE word IN ('klondarite', 'wyverstone')") == []
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA secure_delete = ON")
        connection.execute("INSERT INTO search (search) VALUES ('optimize')")
        connection.commit()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    left = file.read_bytes()
    assert [trace for trace in (b"londarite", b"yverstone") if trace in left] == []
    check(file)


_KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
from mailquery.extraction.jailed import JailedExtractor
from mailquery.repositories.records import Visibility
from mailquery.repositories.sqlite.archive import open_archive
from mailquery.repositories.sqlite.attachments.extractions import SqliteExtractions
from mailquery.services.attachments.extracting import ExtractAttachments

async def main():
    async with await open_archive(Path(sys.argv[1])) as database:
        extract = ExtractAttachments(SqliteExtractions(database), JailedExtractor(1), batch=2)
        await extract(lambda found: os.kill(os.getpid(), signal.SIGKILL) if found.done == 4 else None)

asyncio.run(main())
"""


async def test_what_kills_it_costs_a_batch(tmp_path: Path) -> None:
    mails = [letter(n, (f"{n}.txt", "text/plain", f"secretword{n}x".encode())) for n in range(7)]
    async with temporary_archive(tmp_path) as archive:
        await archive.add(*mails)
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", _KILLED, str(tmp_path / "mail.db"), env=dict(os.environ)
        )
        assert await process.wait() == -signal.SIGKILL
        assert (await archive.extract.texts.progress()).done == 4
        extract, extractor = counting(archive)
        assert await extract() == 3
        assert len(extractor.names) == 3
        for number, mail in enumerate(mails):
            assert await hits(archive, f"secretword{number}x") == [mail.id]
        check(tmp_path / "mail.db")


async def test_making_the_index_anew_keeps_the_texts(tmp_path: Path) -> None:
    file = tmp_path / "mail.db"
    async with temporary_archive(tmp_path) as archive:
        await archive.add(report(1), report(2), letter(3))
        await archive.extract()
        async with await open_archive(file, readers=1) as database:
            await RebuildIndex(SqliteRebuilding(database), workers=1)()
        assert len(await hits(archive, "klondarite")) == 2
        found = await archive.extract.texts.progress()
        assert (found.done, found.total) == (2, 2)
        take_out(file, [report(1).id, report(2).id])
        assert ask(file, "SELECT * FROM removed") == []
        check(file)


async def test_texts_that_come_while_the_index_is_made_anew_are_in_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "mail.db"
    async with temporary_archive(tmp_path) as archive:
        await archive.add(report(1), letter(2))
        async with await open_archive(file, readers=1) as database:
            rebuilding = SqliteRebuilding(database)
            add = rebuilding.add

            async def add_and_extract(batch: object, kept: object) -> None:
                await add(batch, kept)  # type: ignore[arg-type]
                await archive.extract()
                assert await hits(archive, "klondarite") == [report(1).id]

            monkeypatch.setattr(rebuilding, "add", add_and_extract)
            await RebuildIndex(rebuilding, workers=1)()
        assert await hits(archive, "klondarite") == [report(1).id]
        take_out(file, [report(1).id])
        assert ask(file, "SELECT * FROM removed") == []
        check(file)


async def test_an_index_of_an_earlier_form_works_as_before_until_it_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "mail.db"
    with monkeypatch.context() as patch:
        patch.setattr("mailquery.repositories.index_text.segment", fold_for_index)
        patch.setattr("mailquery.repositories.sqlite.batch.make_current", lambda connection: None)
        patch.setattr("mailquery.repositories.sqlite.batch.INDEX_FORM", 2)
        async with temporary_archive(tmp_path) as archive:
            await archive.add(report(1))
    async with temporary_archive(tmp_path) as archive:
        await archive.add(report(2))
        await archive.extract()
        assert await hits(archive, "klondarite") == []
        assert await hits(archive, "attachment:report") == sorted([report(1).id, report(2).id])
        assert len(await hits(archive, "hello")) == 2
        status = await archive.services.archive_status(Visibility())
        assert status.outdated_index
        assert status.attachments is not None
        assert (status.attachments.done, status.attachments.searched) == (2, False)
        async with await open_archive(file, readers=1) as database:
            await RebuildIndex(SqliteRebuilding(database), workers=1)()
        assert len(await hits(archive, "klondarite")) == 2
        take_out(file, [report(1).id, report(2).id])
        await archive.add(report(3))
        await archive.extract()
        assert await hits(archive, "klondarite") == [report(3).id]
        check(file)


async def test_what_the_policy_withholds_is_neither_read_nor_found(tmp_path: Path) -> None:
    note = ("note.txt", "text/plain", b"the gantry")
    bundle = ("b.zip", "application/zip", zipped({"a.docx": docx("a zirconium sample")}))
    disguised = ("story.txt", "text/plain", pdf("The marmalade"))
    mail = letter(1, ("report.pdf", "application/pdf", REPORT), note, bundle, disguised)
    async with temporary_archive(tmp_path, policy=Policy(attachment_types=("pdf",))) as archive:
        await archive.add(mail)
        extract, extractor = counting(archive)
        assert await extract() == 4
        assert "report.pdf" not in extractor.names
        found = await archive.extract.texts.progress()
        assert (found.done, found.total, found.withheld) == (3, 3, 1)
        assert await hits(archive, "gantry") == [mail.id]
        assert await hits(archive, "attachment:report") == [mail.id]  # names are listed, and marked
        for hidden in ("klondarite", "marmalade", "zirconium"):  # of a file in a file nobody knows what it is
            assert await hits(archive, hidden) == [], hidden


async def test_a_later_change_of_the_policy_holds_at_once(tmp_path: Path) -> None:
    file = tmp_path / "mail.db"
    mail = letter(1, ("report.pdf", "application/pdf", REPORT), ("note.txt", "text/plain", b"the gantry"))
    async with temporary_archive(tmp_path) as archive:
        await archive.add(mail, report(2))
        await archive.extract()
        assert len(await hits(archive, "klondarite")) == 2
        archive.policies.replace(Policy(attachment_types=("application/pdf",)))
        # Before it is applied to the index, nothing is found by any text in it.
        assert await hits(archive, "klondarite") == []
        assert await hits(archive, "attachment:klondarite") == []
        assert await hits(archive, "gantry") == []
        assert not (await archive.extract.texts.progress()).searched
        await archive.extract()
        assert await hits(archive, "klondarite") == []
        assert await hits(archive, "gantry") == [mail.id]
        assert ask(file, "SELECT word FROM words WHERE word = 'klondarite'") == []
        archive.policies.replace(Policy())
        await archive.extract()
        assert len(await hits(archive, "klondarite")) == 2
        take_out(file, [mail.id, report(2).id])
        assert ask(file, "SELECT * FROM removed") == []
        check(file)


async def test_a_process_with_another_policy_does_not_write_by_it(tmp_path: Path) -> None:
    async with temporary_archive(tmp_path) as archive:
        await archive.add(report(1))
        async with archive.extract.texts.extracting():
            archive.policies.replace(Policy(attachment_types=("pdf",)))
            with pytest.raises(Fault) as raised:
                await archive.extract.next_batch()
        assert raised.value.code is ErrorCode.CONFLICT


async def test_what_failed_is_tried_again_where_that_is_asked_for(tmp_path: Path) -> None:
    async with temporary_archive(tmp_path) as archive:
        await archive.add(report(1), report(2))
        extract, extractor = counting(archive)
        extractor.state = ExtractionState.CRASHED
        assert await extract() == 2
        extractor.state = None
        assert await extract() == 0
        assert (await extract.texts.progress()).contents == {ExtractionState.CRASHED: 1}
        assert await extract(retry_failed=True) == 2
        assert len(await hits(archive, "klondarite")) == 2
        found = await extract.texts.progress()
        assert (found.done, found.total, found.contents) == (2, 2, {ExtractionState.DONE: 1})
        assert ask(tmp_path / "mail.db", "SELECT count(*) FROM contents") == [(1,)]


async def test_where_no_process_can_be_started_nothing_counts_as_read(tmp_path: Path) -> None:
    async with temporary_archive(tmp_path) as archive:
        await archive.add(report(1))
        extract, extractor = counting(archive)
        extractor.fails = OSError(11, "Resource temporarily unavailable")
        with pytest.raises(Fault) as raised:
            await extract()
        assert raised.value.code is ErrorCode.SERVICE_UNAVAILABLE
        assert (await extract.texts.progress()).done == 0
        extractor.fails = None
        assert await extract() == 1


async def test_a_second_process_is_told_that_another_one_reads(tmp_path: Path) -> None:
    async with temporary_archive(tmp_path) as archive, await open_archive(tmp_path / "mail.db", readers=1) as other:
        another = SqliteExtractions(other)
        async with archive.extract.texts.extracting():
            with pytest.raises(Fault, match=r"Another process \(\d+\) is reading the attachments"):
                await another.extracting().__aenter__()


async def test_a_very_long_text_is_found_by_its_beginning_and_that_is_said(tmp_path: Path) -> None:
    text = b"klondarite " + b"boats and bridges " * 60_000 + b" wyverstone"
    mail = letter(1, ("long.txt", "text/plain", text), ("second.txt", "text/plain", b"gantry"))
    async with temporary_archive(tmp_path) as archive:
        await archive.add(mail)
        await archive.extract()
        assert await hits(archive, "klondarite") == [mail.id]
        assert await hits(archive, "wyverstone") == []
        found = await archive.extract.texts.progress()
        assert (found.done, found.cut) == (2, 2)
        take_out(tmp_path / "mail.db", [mail.id])
        assert ask(tmp_path / "mail.db", "SELECT * FROM removed") == []


async def test_a_server_reads_what_comes_in_beside_it(tmp_path: Path) -> None:
    async with temporary_archive(tmp_path) as archive:
        keep = KeepExtracted(archive.extract, first_look=0.01, between_looks=0.01)
        task = asyncio.create_task(keep())
        await archive.add(report(1))
        while not await hits(archive, "klondarite"):
            await asyncio.sleep(0.02)
        await archive.add(letter(2, ("n.txt", "text/plain", b"a gantry")))
        while not await hits(archive, "gantry"):
            await asyncio.sleep(0.02)
        archive.policies.replace(Policy(attachment_types=("pdf",)))
        keep.policy_changed()
        while not await hits(archive, "gantry"):
            await asyncio.sleep(0.02)
        assert await hits(archive, "klondarite") == []
        task.cancel()


async def test_a_server_reads_on_when_a_full_disk_has_room_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with temporary_archive(tmp_path) as archive:
        await archive.add(report(1))
        read, full = archive.extract.next_batch, [Fault(ErrorCode.STORAGE_FULL, "There is no room left.")]

        async def next_batch() -> int:
            if full:
                raise full.pop()
            return await read()

        monkeypatch.setattr(archive.extract, "next_batch", next_batch)
        task = asyncio.create_task(KeepExtracted(archive.extract, first_look=0.01, between_looks=0.01)())
        async with asyncio.timeout(20):
            while not await hits(archive, "klondarite"):
                await asyncio.sleep(0.02)
        assert not full
        task.cancel()
