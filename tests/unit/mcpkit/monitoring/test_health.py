import asyncio
import logging

import pytest

from mcpkit.errors import ErrorCode, Fault
from mcpkit.monitoring.health import Check, Health, Outcome, Report, Result, Status


async def well() -> Outcome:
    return Outcome(detail="12 GiB free")


async def stale() -> Outcome:
    return Outcome(Status.DEGRADED, "1 mail server is left alone", "mail.acme.example (open)")


async def test_the_worst_check_is_the_status_and_each_tells_how_long_it_took() -> None:
    report = await Health([Check("disk", well), Check("sources", stale)])()
    assert report.status is Status.DEGRADED
    shape = report.as_shape()
    assert shape["status"] == "degraded"
    assert [each.name for each in report.results] == ["disk", "sources"]
    assert all(0 <= each.seconds < 1 for each in report.results)
    assert "acme" not in str(shape)
    assert Report().status is Status.HEALTHY


async def test_a_check_that_does_not_end_fails_by_itself() -> None:
    async def lasts() -> Outcome:
        await asyncio.Event().wait()
        raise AssertionError

    checks = [Check("database", lasts, seconds=0.05), Check("sources", lasts, Status.DEGRADED, 0.05), Check("a", well)]
    outcomes = {each.name: each.outcome for each in (await Health(checks)()).results}
    assert outcomes["database"] == Outcome(Status.UNHEALTHY, "no answer within 0.05 s")
    assert outcomes["sources"].status is Status.DEGRADED
    assert outcomes["a"].status is Status.HEALTHY


async def test_what_a_check_raises_is_told_by_its_code(caplog: pytest.LogCaptureFixture) -> None:
    async def damaged() -> Outcome:
        raise Fault(ErrorCode.STORAGE_DAMAGED, "/home/ana/archive.db is damaged.")

    async def broken() -> Outcome:
        raise RuntimeError("swordfish")

    report = await Health([Check("database", damaged), Check("disk", broken, Status.DEGRADED)])()
    database, disk = (each.outcome for each in report.results)
    assert (database.status, database.detail) == (Status.UNHEALTHY, "STORAGE_DAMAGED")
    assert (disk.status, disk.detail[:9]) == (Status.DEGRADED, "error id ")
    assert "swordfish" not in str(report.as_shape())
    assert "/home/ana/archive.db is damaged." in caplog.text


async def test_the_log_is_told_of_changes_alone(caplog: pytest.LogCaptureFixture) -> None:
    outcomes = [Outcome(), Outcome(Status.DEGRADED, "stale", "of acme"), Outcome(Status.DEGRADED, "stale"), Outcome()]

    async def changing() -> Outcome:
        return outcomes.pop(0)

    health = Health([Check("sources", changing)], lasts=-1)
    with caplog.at_level(logging.INFO):
        for _ in range(4):
            await health()
    assert [record.getMessage() for record in caplog.records] == [
        "the check sources is degraded now: of acme",
        "the check sources is healthy now",
    ]


async def test_those_who_ask_together_or_soon_get_one_look() -> None:
    looks = 0

    async def counted() -> Outcome:
        nonlocal looks
        looks += 1
        await asyncio.sleep(0)
        return Outcome()

    health = Health([Check("database", counted)], lasts=60)
    asked = [asyncio.create_task(health()) for _ in range(5)]
    asked[0].cancel()  # who goes away takes the answer from nobody
    done = await asyncio.gather(*asked, return_exceptions=True)
    assert isinstance(done[0], asyncio.CancelledError)
    assert isinstance(done[1], Report)
    await health()
    assert looks == 1
    await Health([Check("database", counted)])()
    assert looks == 2


def test_statuses_have_numbers() -> None:
    assert [status.number for status in Status] == [0, 1, 2]
    assert Result("disk", Outcome(detail="full"), 0.123456).as_shape()["seconds"] == 0.1235
