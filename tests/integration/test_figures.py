"""Figures of the archive, its background and its health are served, and name nobody."""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import httpx2
import pytest

from mailquery.application import Application
from mailquery.bootstrap import open_application
from mailquery.domain.accounts import AccountState, Login, MailAccount, Server
from mailquery.figures import MailFigures, Shown, Turn
from mailquery.repositories.synchronising import Outcome
from mailquery.services.background.sync_runs import SyncRuns
from mailquery.services.embedding import KeepEmbedded
from mailquery.services.figures import ArchiveFigures
from mailquery.settings import Settings
from mcpkit.errors import ErrorCode, Fault
from mcpkit.monitoring.health import Check, Health, Status
from mcpkit.monitoring.health import Outcome as Looked
from mcpkit.monitoring.metrics import CallMetrics
from mcpkit.resilience.breakers import BreakerStanding, State
from mcpkit.resilience.cache import CacheFigures
from support.archives import Mail
from support.syncing import Script


@pytest.fixture
async def archive(tmp_path: Path) -> AsyncIterator[Application]:
    async with open_application(Settings(home=tmp_path / "archive")) as application:
        yield application


def account(name: str) -> MailAccount:
    return MailAccount(name, f"{name}@acme.example", Server("mail.acme.example", 993), name, Login.PASSWORD)


async def stale() -> Looked:
    return Looked(Status.DEGRADED, "no mail comes in")


def shown(archive: Application, runs: SyncRuns) -> Shown:
    return Shown(
        archive=archive.count_archive,
        health=Health([Check("sources", stale)]),
        runs=runs,
        breakers=lambda: [BreakerStanding("mail.acme.example", State.OPEN, 5)],
        readers=lambda: archive.archive.readers,
        free=lambda: 123_456,
        caches=lambda: [CacheFigures("searches", hits=8, misses=2, entries=2, bytes=5_000)],
    )


async def scraped(shown: Shown) -> tuple[dict[str, float], str]:
    metrics = CallMetrics()
    figures = MailFigures(metrics, shown)
    figures.waited(0.002)
    with metrics.served("127.0.0.1", 0) as port:
        async with httpx2.AsyncClient() as client:
            for _ in range(2):  # what is counted elsewhere is counted once
                text = (await client.get(f"http://127.0.0.1:{port}/metrics", timeout=30)).text
    found = re.findall(r"^(mailquery_\S+) (\S+)$", text, re.MULTILINE)
    return {name: float(value) for name, value in found}, text


async def test_what_is_counted_and_what_stands_in_the_archive(archive: Application) -> None:
    for name in ("home", "secretive", "old"):
        await archive.accounts.put(account(name))
    await archive.accounts.set_state("old", AccountState.PAUSED)
    await archive.accounts.ended("home", Outcome.DONE)
    await archive.accounts.ended("secretive", Outcome.FAILED, "It does not answer.", "SOURCE_UNAVAILABLE")
    runs = SyncRuns(Script(home=[7, Fault(ErrorCode.SOURCE_UNAVAILABLE, "Away.")]))
    await runs.join("home")
    with pytest.raises(Fault):
        await runs.join("home")

    found, text = await scraped(shown(archive, runs))
    assert found['mailquery_sync_runs_total{outcome="done"}'] == 1
    assert found['mailquery_sync_runs_total{outcome="failed"}'] == 1
    assert found["mailquery_sync_messages_total"] == 7
    assert found["mailquery_sync_running"] == 0
    assert found['mailquery_sync_accounts{state="active"}'] == 2
    assert found['mailquery_sync_accounts{state="paused"}'] == 1
    assert found['mailquery_sync_accounts{state="needs_login"}'] == 0
    assert found["mailquery_sync_failing_accounts"] == 1
    assert 0 <= found["mailquery_sync_lag_seconds"] < 60
    assert found["mailquery_sync_new_accounts"] == 1
    assert found['mailquery_host_breaker{host="mail.acme.example",state="open"}'] == 1
    assert found['mailquery_host_breaker{host="mail.acme.example",state="closed"}'] == 0
    assert found['mailquery_check_status{check="sources"}'] == 1
    assert found["mailquery_disk_free_bytes"] == 123_456
    assert found['mailquery_cache_requests_total{cache="searches",outcome="hit"}'] == 8
    assert found['mailquery_cache_requests_total{cache="searches",outcome="miss"}'] == 2
    assert (found['mailquery_cache_entries{cache="searches"}'], found['mailquery_cache_bytes{cache="searches"}']) == (
        2,
        5_000,
    )
    readers = archive.archive.readers
    assert found['mailquery_database_readers{state="busy"}'] == 0
    assert found['mailquery_database_readers{state="idle"}'] == readers.most > 0
    assert found['mailquery_database_reader_wait_seconds_bucket{le="0.005"}'] == 1
    assert "secretive" not in text


async def test_a_lag_that_nobody_knows_is_left_out(archive: Application) -> None:
    await archive.accounts.put(account("home"))
    found, _ = await scraped(shown(archive, SyncRuns(Script())))
    assert "mailquery_sync_lag_seconds" not in found
    assert found["mailquery_sync_new_accounts"] == 1
    await archive.accounts.ended("home", Outcome.DONE)
    found, _ = await scraped(shown(archive, SyncRuns(Script())))
    assert 0 <= found["mailquery_sync_lag_seconds"] < 60
    assert found["mailquery_sync_new_accounts"] == 0


async def test_what_the_archive_holds(archive: Application, tmp_path: Path) -> None:
    for number in range(3):
        (tmp_path / f"{number}.eml").write_bytes(Mail(subject=f"Lunch {number}").as_bytes())
    await archive.import_mail(sorted(tmp_path.glob("*.eml")), account="local")
    found, _ = await scraped(shown(archive, SyncRuns(Script())))
    assert found["mailquery_archive_messages"] == 3
    assert found["mailquery_database_bytes"] > 100_000
    assert found["mailquery_import_problems"] == 0
    assert found["mailquery_import_running"] == 0
    assert {found[f'mailquery_extraction_contents{{state="{state}"}}'] for state in ("read", "waiting", "failed")} == {
        0
    }
    assert found["mailquery_embedding_pending_messages"] == 3
    assert found["mailquery_sync_new_accounts"] == 0
    async with archive.archive.exclusive():
        found, _ = await scraped(shown(archive, SyncRuns(Script())))
    assert found["mailquery_import_running"] == 1


async def test_what_this_process_stored_read_and_embedded(archive: Application, tmp_path: Path) -> None:
    note = Mail(subject="Lunch", files=(("menu.txt", "text/plain", b"soup and badgers"),))
    (tmp_path / "note.eml").write_bytes(note.as_bytes())
    counted = replace(
        shown(archive, SyncRuns(Script())),
        stored=lambda: archive.writer.added,
        extracted=lambda: archive.extractor.extracted,
        embedded=lambda: archive.meaning.background.embedded,
    )
    names = (
        "mailquery_messages_stored_total",
        'mailquery_extractions_total{outcome="done"}',
        'mailquery_extractions_total{outcome="crashed"}',
        "mailquery_embedded_messages_total",
    )
    found, _ = await scraped(counted)
    assert [found[name] for name in names] == [0, 0, 0, 0]
    for _ in range(2):
        await archive.import_mail([tmp_path / "note.eml"], account="local")
    await archive.extract_attachments()
    keeping = asyncio.create_task(
        KeepEmbedded(archive.embed_mail, archive.meaning.background, first_look=0, between_looks=0)()
    )
    async with asyncio.timeout(30):
        while not archive.meaning.background.embedded:
            await asyncio.sleep(0.01)
    keeping.cancel()
    found, _ = await scraped(counted)
    assert [found[name] for name in names] == [1, 1, 0, 1]


async def test_an_archive_that_does_not_answer_leaves_the_rest(
    archive: Application, caplog: pytest.LogCaptureFixture
) -> None:
    async def damaged() -> ArchiveFigures:
        raise Fault(ErrorCode.STORAGE_DAMAGED, "The database is damaged.")

    found, _ = await scraped(replace(shown(archive, SyncRuns(Script())), archive=damaged))
    assert found["mailquery_sync_running"] == 0
    assert "mailquery_archive_messages" not in found
    assert "mailquery_sync_failing_accounts" not in found
    assert "The database is damaged." in caplog.text


async def test_of_several_processes_one_has_the_turn(tmp_path: Path) -> None:
    first, second = Turn(tmp_path / "turn.lock"), Turn(tmp_path / "turn.lock")
    assert [first(), second(), first(), second()] == [True, False, True, False]


async def test_looking_whether_the_archive_is_written_to_disturbs_no_writer(archive: Application) -> None:
    async def look() -> None:
        for _ in range(200):
            await asyncio.to_thread(archive.archive.is_held)

    looking = asyncio.create_task(look())
    while not looking.done():
        async with archive.archive.exclusive():
            await asyncio.sleep(0)
        await asyncio.sleep(0)
    await looking
