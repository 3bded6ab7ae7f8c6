"""Of an account, one synchronisation at a time; whoever asks meanwhile joins it."""

import asyncio

import pytest

from mailquery.services.background.sync_runs import ProgressListener, SyncProgress, SyncRuns
from mcpkit.errors import ErrorCode, Fault
from support.syncing import Added, Far, Script
from support.time import settled


async def test_who_asks_meanwhile_joins_the_run_and_all_hear_of_its_progress() -> None:
    script = Script()
    runs = SyncRuns(script)
    heard: dict[str, list[SyncProgress]] = {"first": [], "second": []}
    first = asyncio.create_task(runs.join("work", heard["first"].append))
    run = await script.begun("work")
    run.report(Far(1, 10))
    second = asyncio.create_task(runs.join("work", heard["second"].append))
    await settled()
    run.report(Far(2, 10))
    run.succeed(added=2)
    assert (await first, await second) == (Added(2), Added(2))
    assert script.calls == ["work"]
    assert heard == {"first": [Far(1, 10), Far(2, 10)], "second": [Far(1, 10), Far(2, 10)]}
    assert not runs.running
    assert (runs.messages_added, runs.ended["done"]) == (2, 1)


async def test_all_who_wait_are_told_what_went_wrong() -> None:
    script = Script()
    runs = SyncRuns(script)
    waiting = [asyncio.create_task(runs.join("work")) for _ in range(3)]
    run = await script.begun("work")
    run.fail(Fault(ErrorCode.SOURCE_UNAVAILABLE, "It is away."))
    outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    assert [str(outcome) for outcome in outcomes] == ["It is away."] * 3
    assert runs.ended == {"done": 0, "failed": 1, "stopped": 0}


async def test_accounts_are_independent() -> None:
    script = Script()
    runs = SyncRuns(script)
    tasks = [asyncio.create_task(runs.join(name)) for name in ("work", "home")]
    work, home = await script.begun("work"), await script.begun("home")
    assert sorted(runs.running) == ["home", "work"]
    home.succeed()
    await tasks[1]
    assert sorted(runs.running) == ["work"]
    work.succeed()
    await tasks[0]


async def test_a_run_goes_on_when_nobody_waits_for_it() -> None:
    script = Script()
    runs = SyncRuns(script)
    waiting = asyncio.create_task(runs.join("work"))
    run = await script.begun("work")
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert "work" in runs.running
    run.succeed(added=1)
    await settled()
    assert runs.messages_added == 1


async def test_who_waits_for_a_run_that_is_stopped_is_told() -> None:
    script = Script()
    runs = SyncRuns(script)
    waiting = asyncio.create_task(runs.join("work"))
    run = await script.begun("work")
    await runs.close()
    with pytest.raises(Fault, match="was stopped") as raised:
        await waiting
    assert raised.value.code is ErrorCode.SERVICE_UNAVAILABLE
    assert run.was_cancelled
    assert runs.ended["stopped"] == 1


async def test_stopping_one_leaves_the_others() -> None:
    script = Script()
    runs = SyncRuns(script)
    tasks = [asyncio.create_task(runs.join(name)) for name in ("work", "home")]
    await script.begun("work")
    home = await script.begun("home")
    await runs.stop("work")
    assert sorted(runs.running) == ["home"]
    home.succeed()
    assert await tasks[1] == Added(0)
    with pytest.raises(Fault):
        await tasks[0]


async def test_a_listener_that_fails_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    def failing(progress: SyncProgress) -> None:
        raise ZeroDivisionError

    script = Script()
    runs = SyncRuns(script)
    heard: list[SyncProgress] = []
    listeners: list[ProgressListener] = [failing, heard.append]
    tasks = [asyncio.create_task(runs.join("work", listener)) for listener in listeners]
    run = await script.begun("work")
    run.report(Far(1, 2))
    run.report(Far(2, 2))
    run.succeed()
    await asyncio.gather(*tasks)
    assert heard == [Far(1, 2), Far(2, 2)]
    assert caplog.text.count("is told no more") == 1


async def test_what_another_process_runs_is_no_failure() -> None:
    script = Script()
    runs = SyncRuns(script)
    waiting = asyncio.create_task(runs.join("work"))
    (await script.begun("work")).fail(Fault(ErrorCode.CONFLICT, "Another process does it."))
    with pytest.raises(Fault):
        await waiting
    assert runs.ended["failed"] == 0
