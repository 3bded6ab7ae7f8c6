"""What stands for a caller, at times that the test sets."""

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from mcpkit.security.consent.consents import Choice, Consents, Mode, Need, Verdict, next_midnight
from mcpkit.security.consent.store import Decision, Way
from support.consenting import SEOUL, START, Clock, consents

READ = Need("read")
FILES = Need("files", sensitive=True)
DAY = 86_400.0


async def verdict(manager: Consents, need: Need = READ, resource: str = "work", **of: str) -> Verdict:
    standing = await manager.standing(of.get("user", "ana"), of.get("client", "c"), of.get("over", "http"), [need])
    return standing.of(need, resource)


async def grant(manager: Consents, resource: str = "work", capability: str = "read", *, yes: bool = True) -> None:
    now = manager.clock()
    made = Decision("ana", capability, resource, yes, now, now + 10 * DAY, "root", Way.COMMAND)
    assert await manager.store.record([made])


@pytest.mark.parametrize(
    ("choice", "before", "after"),
    [
        (Choice.DAY, 3.4 * 3600, 3.6 * 3600),  # it is half past eight in the evening
        (Choice.LONG, 29.9 * DAY, 30.1 * DAY),
    ],
)
async def test_consent_lasts_as_long_as_was_chosen(tmp_path: Path, choice: Choice, before: float, after: float) -> None:
    clock = Clock()
    async with consents(tmp_path, clock) as manager:
        assert await verdict(manager) is Verdict.OPEN
        assert await manager.answered("ana", [("read", "work")], choice, "q1", "c")
        clock.now = START + before
        assert await verdict(manager) is Verdict.GRANTED
        clock.now = START + after
        assert await verdict(manager) is Verdict.OPEN


async def test_consent_for_once_covers_no_other_call(tmp_path: Path) -> None:
    async with consents(tmp_path) as manager:
        assert await manager.answered("ana", [("read", "work")], Choice.ONCE, "q1", "c")
        assert await verdict(manager) is Verdict.OPEN
        (kept,) = await manager.store.listed("ana", manager.clock(), everything=True)
        assert (kept.way, kept.decided_by) == (Way.ASKED, "c")


async def test_a_no_is_remembered_for_its_time(tmp_path: Path) -> None:
    clock = Clock()
    async with consents(tmp_path, clock) as manager:
        await manager.answered("ana", [("read", "work")], Choice.NO, "q1", "c")
        clock.now = START + 3599
        assert await verdict(manager) is Verdict.REFUSED
        clock.now = START + 3601
        assert await verdict(manager) is Verdict.OPEN


async def test_an_answer_counts_once(tmp_path: Path) -> None:
    async with consents(tmp_path) as manager:
        assert await manager.answered("ana", [("read", "work")], Choice.ONCE, "q1", "c")
        assert not await manager.answered("ana", [("read", "work")], Choice.LONG, "q1", "c")
        assert await verdict(manager) is Verdict.OPEN


async def test_consent_is_for_one_user_one_capability_and_one_resource(tmp_path: Path) -> None:
    async with consents(tmp_path) as manager:
        await grant(manager)
        assert await verdict(manager) is Verdict.GRANTED
        assert await verdict(manager, user="bo") is Verdict.OPEN
        assert await verdict(manager, Need("files")) is Verdict.OPEN
        assert await verdict(manager, resource="home") is Verdict.OPEN


async def test_the_newest_decision_holds(tmp_path: Path) -> None:
    async with consents(tmp_path) as manager:
        await grant(manager, "*")
        assert await verdict(manager, resource="home") is Verdict.GRANTED
        await grant(manager, "home", yes=False)
        standing = await manager.standing("ana", "c", "http", [READ])
        assert standing.of(READ, "home") is Verdict.REFUSED
        assert standing.of(READ, "work") is Verdict.GRANTED
        assert not standing.everywhere(READ)
        await grant(manager, "*")
        standing = await manager.standing("ana", "c", "http", [READ])
        assert standing.of(READ, "home") is Verdict.GRANTED
        assert standing.everywhere(READ)


async def test_a_setting_grants_and_its_author_and_reason_are_on_record(tmp_path: Path) -> None:
    modes = {"http": Mode.GRANTED}
    async with consents(tmp_path, modes=modes, granted_by="Ines", reason="own machine") as manager:
        for _ in range(2):
            assert await verdict(manager) is Verdict.GRANTED
        (kept,) = await manager.store.listed("ana", manager.clock())
        assert (kept.way, kept.decided_by, kept.reason, kept.resource) == (Way.SETTING, "Ines", "own machine", "*")
        assert await verdict(manager, over="other") is Verdict.OPEN, "the setting is of one transport"


async def test_what_is_always_asked_for_is_not_granted_by_a_setting(tmp_path: Path) -> None:
    async with consents(tmp_path, modes={"http": Mode.GRANTED}, always_ask=frozenset({"codes"})) as manager:
        assert await verdict(manager, Need("codes")) is Verdict.OPEN


async def test_a_refusal_stands_against_a_setting(tmp_path: Path) -> None:
    async with consents(tmp_path, modes={"http": Mode.GRANTED}) as manager:
        await grant(manager, yes=False)
        standing = await manager.standing("ana", "c", "http", [READ])
        assert standing.of(READ, "work") is Verdict.REFUSED
        assert standing.of(READ, "home") is Verdict.GRANTED
        assert not standing.everywhere(READ)


async def test_what_a_setting_granted_can_be_revoked_until_it_is_made_anew(tmp_path: Path) -> None:
    async with consents(tmp_path, modes={"http": Mode.GRANTED}, granted_by="Ines", reason="one") as manager:
        assert await verdict(manager) is Verdict.GRANTED
        assert await manager.store.revoke("ana", None, None, "ana", "", manager.clock()) == 1
        assert await verdict(manager) is Verdict.OPEN
        manager.rules = replace(manager.rules, reason="two")
        assert await verdict(manager) is Verdict.GRANTED


async def test_a_setting_that_is_gone_grants_nothing(tmp_path: Path) -> None:
    async with consents(tmp_path, modes={"http": Mode.GRANTED}) as manager:
        assert await verdict(manager) is Verdict.GRANTED
        manager.rules = replace(manager.rules, modes={})
        assert await verdict(manager) is Verdict.OPEN


async def test_after_untrusted_text_what_is_sensitive_needs_a_newer_consent(tmp_path: Path) -> None:
    clock = Clock()
    async with consents(tmp_path, clock) as manager:
        await grant(manager, capability="files")
        await grant(manager)
        clock.now += 10
        await manager.exposed("ana", "c", "http")
        clock.now += 10
        assert await verdict(manager, FILES) is Verdict.OPEN
        assert await verdict(manager, READ) is Verdict.GRANTED, "what is not sensitive is as before"
        assert await verdict(manager, FILES, client="other") is Verdict.GRANTED
        await grant(manager, capability="files")
        assert await verdict(manager, FILES) is Verdict.GRANTED
        clock.now += 1
        await manager.exposed("ana", "c", "http")
        assert await verdict(manager, FILES) is Verdict.OPEN, "even though the exposure before it was a moment ago"


async def test_a_clock_that_was_set_back_changes_nothing_of_what_came_after_what(tmp_path: Path) -> None:
    clock = Clock()
    async with consents(tmp_path, clock) as manager:
        clock.now = START + 10 * DAY  # by mistake
        await grant(manager, capability="files")
        await manager.exposed("ana", "c", "http")
        clock.now = START
        assert await verdict(manager, FILES) is Verdict.OPEN
        await grant(manager, capability="files")
        assert await verdict(manager, FILES) is Verdict.GRANTED
        clock.now = START + 60
        await manager.exposed("ana", "c", "http")
        assert await verdict(manager, FILES) is Verdict.OPEN
        await grant(manager, capability="files")
        assert await verdict(manager, FILES) is Verdict.GRANTED


async def test_taint_wears_off_and_never_before_its_time(tmp_path: Path) -> None:
    clock = Clock()
    async with consents(tmp_path, clock) as manager:
        await grant(manager, capability="files")
        clock.now += 1
        await manager.exposed("ana", "c", "http")
        clock.now += 100  # too soon to be written again
        await manager.exposed("ana", "c", "http")
        clock.now += 29.9 * 60
        assert await verdict(manager, FILES) is Verdict.OPEN
        clock.now += 4 * 60
        assert await verdict(manager, FILES) is Verdict.GRANTED


async def test_a_setting_is_no_fresh_consent(tmp_path: Path) -> None:
    clock = Clock()
    async with consents(tmp_path, clock, modes={"http": Mode.GRANTED}) as manager:
        assert await verdict(manager, FILES) is Verdict.GRANTED
        clock.now += 1
        await manager.exposed("ana", "c", "http")
        assert await verdict(manager, FILES) is Verdict.OPEN


async def test_taint_can_be_switched_off(tmp_path: Path) -> None:
    clock = Clock()
    async with consents(tmp_path, clock, tainted={"http": False}) as manager:
        await grant(manager, capability="files")
        clock.now += 1
        await manager.exposed("ana", "c", "http")
        assert await verdict(manager, FILES) is Verdict.GRANTED


async def test_decisions_and_exposures_outlive_the_process(tmp_path: Path) -> None:
    clock = Clock()
    async with consents(tmp_path, clock) as manager:
        await grant(manager, capability="files")
        clock.now += 1
        await manager.exposed("ana", "c", "http")
    async with consents(tmp_path, clock) as manager:
        assert await verdict(manager, FILES) is Verdict.OPEN
        await grant(manager)
    async with consents(tmp_path, clock) as manager:
        assert await verdict(manager) is Verdict.GRANTED


@pytest.mark.parametrize(
    ("zone", "now", "midnight"),
    [
        (SEOUL, "2026-03-09T23:59:59+09:00", "2026-03-10T00:00:00+09:00"),
        (ZoneInfo("Europe/Berlin"), "2026-03-29T01:30:00+01:00", "2026-03-30T00:00:00+02:00"),  # 23 hours
        (ZoneInfo("America/Santiago"), "2026-09-05T20:00:00-04:00", "2026-09-06T00:00:00-04:00"),  # it does not exist
    ],
)
def test_a_day_ends_where_its_person_lives(zone: ZoneInfo, now: str, midnight: str) -> None:
    assert next_midnight(datetime.fromisoformat(now).timestamp(), zone) == datetime.fromisoformat(midnight).timestamp()
