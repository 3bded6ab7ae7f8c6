"""How much mail an import holds in memory, however large its source."""

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from datetime import datetime
from pathlib import Path

import pytest
from anyio import to_thread

from integration.archives import ALL, Archive
from mailquery.domain.mailboxes import MailboxRole, Placement
from mailquery.repositories.prepared import PreparedMessage
from mailquery.services import importing, read_ahead
from mailquery.services.importing import ImportMail, ImportProgress
from mailquery.services.parser_pool import Job, ParserPool
from mailquery.sources.interfaces import SourceMessage

MESSAGE = 50_000  # bytes
MESSAGES = 60
AHEAD = 5 * MESSAGE


class LargeMessages:
    """A mailbox that notes how many of its bytes were on the way at most: given out, and not yet taken."""

    format = "mbox"
    path = "large.mbox"

    def __init__(self) -> None:
        self.given = 0
        self.taken = 0
        self.most_on_the_way = 0
        self.full = threading.Event()

    def size(self) -> int:
        return MESSAGES * MESSAGE

    def position(self) -> int:
        return self.given

    def mailboxes(self) -> tuple[tuple[str, MailboxRole], ...]:
        return (("large", MailboxRole.NONE),)

    def __iter__(self) -> Iterator[SourceMessage]:
        for number in range(MESSAGES):
            raw = f"From: ana@example.org\nSubject: {number}\n\n".encode().ljust(MESSAGE, b"x")
            self.given += len(raw)
            self.most_on_the_way = max(self.most_on_the_way, self.given - self.taken)
            if self.given >= AHEAD:
                self.full.set()
            yield SourceMessage(raw, (Placement("large", None, f"large.mbox#{number}"),), None)

    def note(self, progress: ImportProgress) -> None:
        self.taken = (progress.imported + progress.already_there) * MESSAGE


async def test_large_messages_are_read_ahead_by_their_size(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    source = LargeMessages()

    class SlowPool(ParserPool):
        async def result(
            self, future: Future[list[PreparedMessage]], jobs: Sequence[Job], now: datetime
        ) -> list[PreparedMessage]:
            assert await to_thread.run_sync(source.full.wait, 30), "reading stopped before it was as far as it may be"
            return await super().result(future, jobs, now)

    monkeypatch.setattr(importing, "open_sources", lambda *_, **__: [source])
    monkeypatch.setattr(importing, "ParserPool", SlowPool)
    monkeypatch.setattr(read_ahead, "_BATCH_BYTES", MESSAGE)
    monkeypatch.setattr(read_ahead, "_AHEAD_BYTES", AHEAD)
    summary = await ImportMail(archive.imports, workers=4)([Path("large.mbox")], progress=source.note)
    assert summary.imported == MESSAGES
    assert AHEAD <= source.most_on_the_way <= AHEAD + MESSAGE


class FailingMessages(LargeMessages):
    """A mailbox on a disk that breaks after the twentieth message."""

    def __iter__(self) -> Iterator[SourceMessage]:
        for number, message in enumerate(super().__iter__()):
            if number == 20:
                raise RuntimeError("the disk is gone")
            yield message


async def test_what_was_read_before_a_source_broke_is_kept(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "open_sources", lambda *_, **__: [FailingMessages()])
    monkeypatch.setattr(read_ahead, "_BATCH_BYTES", MESSAGE)
    with pytest.raises(RuntimeError, match="the disk is gone"):
        await ImportMail(archive.imports, workers=1)([Path("large.mbox")])
    assert (await archive.directory.version(ALL)).messages == 20
