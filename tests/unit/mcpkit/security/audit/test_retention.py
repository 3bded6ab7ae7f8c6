import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mcpkit.database.connections import connect
from mcpkit.errors import ErrorCode, Fault
from mcpkit.security.audit.chain import Chain
from mcpkit.security.audit.retention import Removed, prune, restart
from unit.mcpkit.security.audit.audits import KEY, call, checked, edit, fill, head, opened, stored


async def dated(path: Path, *days: int) -> None:
    async with opened(path) as audit:
        for day in days:
            await audit.record(call(day, time=f"2026-01-{day:02}T12:00:00.000000Z"))


def pruned(path: Path, day: int) -> Removed:
    with closing(connect(path, read_only=False)) as connection:
        return prune(connection, Chain(KEY), head(path), datetime(2026, 1, day, tzinfo=UTC), "ana")


async def test_old_records_go_and_the_rest_is_sound(tmp_path: Path) -> None:
    path = tmp_path / "control.db"
    await dated(path, 1, 2, 3, 4, 5)
    third = checked(path).end
    removed = pruned(path, 4)
    assert (removed.records, removed.through.sequence) == (3, 3)
    assert [sequence for sequence, _, _ in stored(path)] == [4, 5, 6]
    note = json.loads(stored(path)[-1][1])
    assert (note["name"], note["user"], note["removed"]) == ("records pruned", "ana", 3)
    verdict = checked(path)
    assert (verdict.is_sound, verdict.records) == (True, 3)
    assert third is not None
    await fill(path, 3)
    assert checked(path, third).is_sound
    assert checked(path, removed.through).unchecked == ()
    edit(path, "UPDATE audit SET record = '{}' WHERE sequence = 5")
    problem = checked(path).problem
    assert problem is not None
    assert problem.sequence == 5


async def test_pruning_again_and_pruning_everything_is_sound(tmp_path: Path) -> None:
    path = tmp_path / "control.db"
    await dated(path, 1, 2, 3, 4, 5)
    assert pruned(path, 2).records == 1
    assert pruned(path, 3).records == 1
    with closing(connect(path, read_only=False)) as connection:
        removed = prune(connection, Chain(KEY), head(path), datetime(2999, 1, 1, tzinfo=UTC), "ana")
    assert removed.records == 5  # three, and the notes of the two
    assert checked(path).is_sound
    edit(path, "DELETE FROM audit")
    problem = checked(path).problem
    assert problem is not None


async def test_nothing_old_enough_is_nothing_done(tmp_path: Path) -> None:
    path = tmp_path / "control.db"
    await dated(path, 5, 6)
    assert pruned(path, 5).records == 0
    assert len(stored(path)) == 2


async def test_an_audit_that_does_not_hold_is_not_pruned(tmp_path: Path) -> None:
    path = tmp_path / "control.db"
    await dated(path, 1, 2, 3)
    edit(path, "UPDATE audit SET record = replace(record, 'allowed', 'denied') WHERE sequence = 2")
    with pytest.raises(Fault) as caught:
        pruned(path, 3)
    assert caught.value.code is ErrorCode.STORAGE_DAMAGED
    assert len(stored(path)) == 3


async def test_removed_records_cannot_be_put_back_changed(tmp_path: Path) -> None:
    path = tmp_path / "control.db"
    await dated(path, 1, 2, 3)
    pruned(path, 3)
    edit(path, "INSERT INTO audit SELECT 2, record, hash FROM audit WHERE sequence = 3")
    problem = checked(path).problem
    assert problem is not None
    assert problem.sequence == 2


async def test_a_process_that_goes_on_recording_meanwhile_does_not_notice(tmp_path: Path) -> None:
    path = tmp_path / "control.db"
    async with opened(path) as audit:
        await audit.record(call(1, time="2026-01-01T12:00:00.000000Z"))
        pruned(path, 4)
        await audit.record(call(2))
    assert checked(path).is_sound


@pytest.mark.parametrize("key", [KEY, b"n" * 32])
async def test_a_damaged_audit_begins_anew_also_with_another_key(tmp_path: Path, key: bytes) -> None:
    path = tmp_path / "control.db"
    await dated(path, 1, 2, 3)
    edit(path, "DELETE FROM audit WHERE sequence = 2")
    with closing(connect(path, read_only=False)) as connection:
        assert restart(connection, Chain(key), head(path, key), "ana").records == 2
    async with opened(path, key=key) as audit:
        await audit.record(call())
    verdict = checked(path, key=key)
    assert (verdict.is_sound, verdict.records) == (True, 2)
    assert json.loads(stored(path)[0][1])["name"] == "chain restarted"


def test_an_empty_audit_is_pruned_and_restarted(tmp_path: Path) -> None:
    path = tmp_path / "control.db"
    edit(path, (Path(__file__).parents[5] / "infra/mcpkit/security/migrations/0001_control.sql").read_text())
    assert pruned(path, 3).records == 0
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        restart(connection, Chain(KEY), head(path), "ana")
    assert checked(path).is_sound
