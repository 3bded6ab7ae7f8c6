"""Work that goes on beside a server: what ends it for good is told by the server's health."""

import asyncio
from pathlib import Path

import pytest

from mailquery.bootstrap import open_application
from mailquery.services.policing import ApplyPolicy
from mailquery.serving import Serving
from mailquery.settings import Settings
from mcpkit.errors import ErrorCode, Fault
from mcpkit.monitoring.health import Status


async def test_what_has_ended_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    looked = asyncio.Event()

    async def damaged(apply: ApplyPolicy) -> int:
        looked.set()
        raise Fault(ErrorCode.STORAGE_DAMAGED, "The archive is damaged.")

    monkeypatch.setattr(ApplyPolicy, "judge", damaged)
    async with open_application(Settings(home=tmp_path)) as application, Serving(application).policing():
        await looked.wait()
        await asyncio.sleep(0)  # so that it ends by that
        report = await application.services.health()
        (workers,) = [each.outcome for each in report.results if each.name == "workers"]
        assert (workers.status, workers.detail) == (Status.DEGRADED, "not working: judging")
    assert "judging has ended: The archive is damaged." in caplog.text
