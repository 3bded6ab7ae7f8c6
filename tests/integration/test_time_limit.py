"""A search that takes too long is stopped and says how to narrow it; others are answered meanwhile."""

import asyncio
from pathlib import Path

import pytest

from integration.archives import ALL, Archive
from integration.mailmaker import mail, placed
from mailquery.bootstrap import open_application
from mailquery.domain.queries import OfType, Or, Query, Words
from mailquery.repositories.records import Sort
from mailquery.repositories.sqlite.archive import open_archive
from mailquery.services.filters import Filters
from mailquery.settings import Settings
from mailquery.settings.reading import Archive as ArchiveSettings
from mcpkit.errors import ErrorCode, Fault

_MESSAGES = 4_000
# Looks for every message's attachments again for each type, and finds none: seconds, where a search takes milliseconds.
SLOW: Query = Or(tuple(OfType(f"application/x-kind-{number}") for number in range(900)))
QUICK: Query = Words("needle")


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")

    async def fill() -> None:
        async with await open_archive(home / "archive.db") as database:
            messages = [mail(f"Note {n}", "needle" if n % 40 == 0 else "hay") for n in range(_MESSAGES)]
            await Archive(database).add(*((message, [placed(message, "INBOX")]) for message in messages))

    asyncio.run(fill())
    return home


async def test_a_search_that_exceeds_the_limit_says_how_to_narrow_it(filled: Path) -> None:
    async with await open_archive(filled / "archive.db", read_timeout=0.2) as database:
        with pytest.raises(Fault) as caught:
            await Archive(database).find(SLOW)
    assert caught.value.code is ErrorCode.TIMEOUT
    for way in ("date", "mailbox", "sender", "rarer words"):
        assert way in caught.value.message


async def test_others_are_answered_while_a_slow_search_runs_and_after_it_was_stopped(filled: Path) -> None:
    async with await open_archive(filled / "archive.db", readers=2, read_timeout=1.0) as database:
        archive = Archive(database)
        slow = asyncio.create_task(archive.find(SLOW))
        await asyncio.sleep(0)  # it takes its reader first
        for _ in range(3):
            assert (await archive.find(QUICK)).total.value == _MESSAGES // 40
            assert not slow.done()
        with pytest.raises(Fault) as caught:
            await slow
        assert caught.value.code is ErrorCode.TIMEOUT
        both = await asyncio.gather(archive.find(QUICK), archive.find(QUICK))
        assert [page.total.value for page in both] == [_MESSAGES // 40] * 2


async def test_the_limit_is_a_setting(filled: Path) -> None:
    query = " OR ".join(f"type:a/{number}" for number in range(130))
    settings = Settings(home=filled, archive=ArchiveSettings(read_seconds=0.02))
    async with open_application(settings) as application:
        with pytest.raises(Fault) as caught:
            await application.services.search_messages(ALL, Filters(query=query), sort=Sort.NEWEST, limit=5)
    assert caught.value.code is ErrorCode.TIMEOUT
    async with open_application(Settings(home=filled)) as application:
        found = await application.services.search_messages(ALL, Filters(query=query), sort=Sort.NEWEST, limit=5)
    assert found.total.value == 0
