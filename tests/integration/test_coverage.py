"""What a search says that it looked at is that of the archive as it was last written to."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from mailquery.repositories.records import Version, Visibility
from mailquery.repositories.sqlite.directory import SqliteDirectory
from mailquery.services.filters import Filters
from support.archives import Archive, Mail, temporary_archive

ALL = Visibility()


@pytest.fixture
async def archive(tmp_path: Path) -> AsyncIterator[Archive]:
    async with temporary_archive(tmp_path) as archive:
        await archive.add(Mail(subject="first"))
        yield archive


async def messages_covered(archive: Archive, query: str = "") -> int:
    return (await archive.services.search_messages(ALL, Filters(query=query))).reading.coverage.messages


async def test_what_was_added_after_a_search_is_covered_by_the_next(archive: Archive) -> None:
    assert await messages_covered(archive) == 1
    await archive.add(Mail(subject="second", mailboxes=("Travel",)))
    assert await messages_covered(archive, "in:Travel") == 2


async def test_the_version_is_read_again_only_where_the_archive_was_written_to(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = 0
    version = SqliteDirectory.version

    async def counted(self: SqliteDirectory, visible: Visibility) -> Version:
        nonlocal looks
        looks += 1
        return await version(self, visible)

    monkeypatch.setattr(SqliteDirectory, "version", counted)
    for _ in range(3):
        await messages_covered(archive)
    assert looks == 1
    await archive.add(Mail(subject="second"))
    for _ in range(3):
        assert await messages_covered(archive) == 2
    assert looks == 2


async def test_each_caller_has_what_they_may_see(archive: Archive) -> None:
    await archive.add(Mail(subject="second", account="work"))
    at_work = Visibility(frozenset({"work"}))
    for _ in range(2):
        assert await messages_covered(archive) == 2
        found = await archive.services.search_messages(at_work, Filters())
        assert (found.reading.coverage.messages, found.reading.coverage.accounts) == (1, ("work",))
