"""Figures of synchronising are served, and name nobody."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest

from mailquery.domain.accounts import AccountState, Login, MailAccount, Server
from mailquery.figures import SyncCollector
from mailquery.repositories.synchronising import Outcome
from mailquery.services.sync_runs import SyncRuns
from mailquery.services.sync_status import SyncFigures
from mcpkit.errors import ErrorCode, Fault
from mcpkit.monitoring.metrics import CallMetrics
from mcpkit.resilience.breakers import BreakerStanding, State
from support.archives import Archive, temporary_archive
from support.syncing import Script


@pytest.fixture
async def archive(tmp_path: Path) -> AsyncIterator[Archive]:
    async with temporary_archive(tmp_path) as opened:
        yield opened


def account(name: str) -> MailAccount:
    return MailAccount(name, f"{name}@acme.example", Server("mail.acme.example", 993), name, Login.PASSWORD)


async def scraped(collector: SyncCollector) -> tuple[dict[str, float], str]:
    metrics = CallMetrics()
    metrics.add(collector)
    with metrics.served("127.0.0.1", 0) as port:
        async with httpx2.AsyncClient() as client:
            text = (await client.get(f"http://127.0.0.1:{port}/metrics", timeout=30)).text
        found = re.findall(r"^(mailquery_\S+) (\S+)$", text, re.MULTILINE)
        await asyncio.sleep(0)
    return {name: float(value) for name, value in found}, text


def standings() -> list[BreakerStanding]:
    return [BreakerStanding("mail.acme.example", State.OPEN, 5)]


async def test_what_is_counted_and_what_stands_in_the_archive(archive: Archive) -> None:
    for name in ("home", "secretive", "old"):
        await archive.accounts.put(account(name))
    await archive.accounts.set_state("old", AccountState.PAUSED)
    await archive.accounts.ended("home", Outcome.DONE)
    await archive.accounts.ended("secretive", Outcome.FAILED, "It does not answer.", "SOURCE_UNAVAILABLE")
    runs = SyncRuns(Script(home=[7, Fault(ErrorCode.SOURCE_UNAVAILABLE, "Away.")]))
    await runs.join("home")
    with pytest.raises(Fault):
        await runs.join("home")

    status = archive.services.sync_status
    found, text = await scraped(SyncCollector(asyncio.get_running_loop(), status.figures, runs, standings))
    assert found['mailquery_sync_runs_total{outcome="done"}'] == 1
    assert found['mailquery_sync_runs_total{outcome="failed"}'] == 1
    assert found["mailquery_sync_messages_total"] == 7
    assert found["mailquery_sync_running"] == 0
    assert found['mailquery_sync_accounts{state="active"}'] == 2
    assert found['mailquery_sync_accounts{state="paused"}'] == 1
    assert found['mailquery_sync_accounts{state="needs_login"}'] == 0
    assert found["mailquery_sync_failing_accounts"] == 1
    assert 0 <= found["mailquery_sync_lag_seconds"] < 60
    assert found['mailquery_host_breaker{host="mail.acme.example",state="open"}'] == 1
    assert found['mailquery_host_breaker{host="mail.acme.example",state="closed"}'] == 0
    assert "secretive" not in text


async def test_an_archive_that_does_not_answer_leaves_the_rest(caplog: pytest.LogCaptureFixture) -> None:
    async def damaged() -> SyncFigures:
        raise Fault(ErrorCode.STORAGE_DAMAGED, "The database is damaged.")

    collector = SyncCollector(asyncio.get_running_loop(), damaged, SyncRuns(Script()), standings)
    found, _ = await scraped(collector)
    assert found["mailquery_sync_running"] == 0
    assert "mailquery_sync_failing_accounts" not in found
    assert "The database is damaged." in caplog.text
