import asyncio
import json
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from mcpkit.errors import ErrorCode, Fault
from mcpkit.security.audit import AuditRecord
from mcpkit.security.audit.store import ChainedAudit
from mcpkit.security.control import open_control
from unit.mcpkit.security.audit.audits import KEY, call, checked, fill, head, opened, stored

RECORDER = textwrap.dedent(
    """
    import asyncio, sys
    from pathlib import Path
    from unit.mcpkit.security.audit.audits import call, opened

    async def main(path, name, count):
        async with opened(Path(path)) as audit:
            for number in range(int(count)):
                await audit.record(call(number, user=name))
                print(number, flush=True)

    asyncio.run(main(*sys.argv[1:]))
    """
)


def recorder(path: Path, name: str, count: int) -> "subprocess.Popen[bytes]":
    """A process that records, and tells each record that it was told is kept."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    return subprocess.Popen(
        [sys.executable, "-c", RECORDER, str(path), name, str(count)], stdout=subprocess.PIPE, env=environment
    )


async def test_a_record_is_there_with_all_its_fields_once_recording_returns(tmp_path: Path) -> None:
    async with opened(tmp_path / "control.db") as audit:
        await audit.record(
            call(
                7,
                credential="mq_1",
                reason="permission read",
                arguments={"query": 12},
                disclosed=("m1", "a2"),
                characters=900,
                duration=0.25,
                error_id="e1",
            )
        )
        ((sequence, text, _),) = stored(tmp_path / "control.db")
    record = json.loads(text)
    assert record.pop("time").endswith("Z")
    assert (sequence, record) == (
        1,
        {
            "kind": "tool",
            "name": "tool7",
            "user": "민수",
            "client": "test 1",
            "credential": "mq_1",
            "transport": "memory",
            "request_id": "7",
            "decision": "allowed",
            "reason": "permission read",
            "arguments": {"query": 12},
            "disclosed": ["m1", "a2"],
            "characters": 900,
            "duration": 0.25,
            "error_id": "e1",
        },
    )
    assert text.isascii()
    assert list(json.loads(text)) == sorted(json.loads(text))


async def test_text_that_is_no_unicode_is_recorded(tmp_path: Path) -> None:
    async with opened(tmp_path / "control.db") as audit:
        await audit.record(call(client="\ud800\x00\u202e"))
    assert checked(tmp_path / "control.db").records == 1


async def test_the_files_are_their_owners_alone(tmp_path: Path) -> None:
    await fill(tmp_path / "control.db", 1)
    assert {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {
        "control.db": 0o600,
        "control.db.lock": 0o600,
        "audit.head": 0o600,
    }


async def test_calls_at_once_share_transactions(tmp_path: Path) -> None:
    async with await open_control(tmp_path / "control.db") as control:
        audit = ChainedAudit(control, KEY)
        await audit.record(call())
        commits: list[str] = []
        await control.maintain(lambda c: c.set_trace_callback(commits.append))
        await asyncio.gather(*(audit.record(call(number)) for number in range(200)))
        await control.maintain(lambda c: c.set_trace_callback(None))
        await audit.close()
    assert sum(statement.startswith("COMMIT") for statement in commits) <= 2
    assert checked(tmp_path / "control.db").records == 201


async def test_a_caller_who_gives_up_waiting_does_not_take_the_record_back(tmp_path: Path) -> None:
    async with opened(tmp_path / "control.db") as audit:
        waiting = asyncio.create_task(audit.record(call(1)))
        other = asyncio.create_task(audit.record(call(2)))
        await asyncio.sleep(0)
        waiting.cancel()
        await other
    assert waiting.cancelled()
    assert checked(tmp_path / "control.db").records == 2


async def test_what_waits_at_the_end_is_written(tmp_path: Path) -> None:
    async with opened(tmp_path / "control.db") as audit:
        tasks = [asyncio.create_task(audit.record(call(number))) for number in range(30)]
        await asyncio.sleep(0)
    assert checked(tmp_path / "control.db").records == 30
    await asyncio.gather(*tasks)


async def test_several_processes_at_once_make_one_chain(tmp_path: Path) -> None:
    path = tmp_path / "control.db"
    processes = [recorder(path, name, 150) for name in ("ana", "bo", "민수")]
    for process in processes:
        assert len(process.communicate(timeout=60)[0].splitlines()) == 150
        assert process.returncode == 0
    verdict = checked(path)
    assert (verdict.is_sound, verdict.records) == (True, 450)
    users = [json.loads(text)["user"] for _, text, _ in stored(path)]
    assert {name: users.count(name) for name in users} == {"ana": 150, "bo": 150, "민수": 150}
    noted = head(path).read()
    assert noted == verdict.end


async def test_killed_at_any_moment_everything_that_was_answered_is_there_and_the_chain_holds(tmp_path: Path) -> None:
    path = tmp_path / "control.db"
    answered = 0
    for round in range(4):
        process = recorder(path, "ana", 100_000)
        assert process.stdout is not None
        for _ in range(20 + 7 * round):
            process.stdout.readline()
        process.send_signal(signal.SIGKILL)
        rest = process.stdout.read()
        process.wait()
        process.stdout.close()
        answered += 20 + 7 * round + len(rest.splitlines())
        verdict = checked(path)
        assert verdict.is_sound, verdict
        assert verdict.records >= answered
        answered = verdict.records  # what was kept and not yet answered counts from here on


@pytest.mark.parametrize("survives", [False, True])
async def test_the_disk_is_waited_for_where_a_power_cut_is_to_be_survived(tmp_path: Path, survives: bool) -> None:
    async with await open_control(tmp_path / "control.db") as control:
        audit = ChainedAudit(control, KEY, survives_power_cut=survives)
        await audit.record(call())
        (mode,) = await control.maintain(lambda c: c.execute("PRAGMA synchronous").fetchone())
        await audit.close()
    assert mode == (2 if survives else 1)


async def test_another_key_than_that_of_the_chain_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "control.db"
    await fill(path, 2)
    async with opened(path, key=b"o" * 32) as audit:
        with pytest.raises(Fault, match=r"audit\.key") as caught:
            await audit.record(call())
    assert caught.value.code is ErrorCode.CONFIGURATION
    assert checked(path).records == 2


async def test_a_full_disk_is_told_and_leaves_the_chain_whole(tmp_path: Path) -> None:
    if os.geteuid() != 0 or os.system(f"mount -t tmpfs -o size=1m tmpfs {tmp_path} 2>/dev/null") != 0:
        pytest.skip("mounting a small file system needs to be root")
    path = tmp_path / "control.db"
    try:
        async with opened(path) as audit:
            told = [
                await asyncio.gather(audit.record(call(number, reason="x" * 3000)), return_exceptions=True)
                for number in range(400)
            ]
            faults = [each for (each,) in told if isinstance(each, Fault)]
            assert {fault.code for fault in faults} == {ErrorCode.STORAGE_FULL}
            verdict = checked(path)
            assert (verdict.is_sound, verdict.records) == (True, 400 - len(faults))
    finally:
        os.system(f"umount {tmp_path}")


async def test_after_a_full_disk_the_chain_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "control.db"
    async with await open_control(path) as control:
        audit = ChainedAudit(control, KEY)
        await audit.record(call(1))

        async def allow(pages: int) -> None:
            await control.maintain(lambda c: c.execute(f"PRAGMA max_page_count = {pages}").fetchone())

        await allow(1)  # SQLite takes the present size where the limit is below it
        large = call(2, reason="x" * 100_000)
        results = await asyncio.gather(*(audit.record(large) for _ in range(3)), return_exceptions=True)
        assert [isinstance(each, Fault) and each.code for each in results] == [ErrorCode.STORAGE_FULL] * 3
        await allow(100_000)
        await audit.record(large)
        await audit.close()
    verdict = checked(path)
    assert (verdict.is_sound, verdict.records) == (True, 2)


async def test_a_database_that_another_process_keeps_locked_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mcpkit.database.connections.BUSY_TIMEOUT", 0.05)
    path = tmp_path / "control.db"
    await fill(path, 1)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    async with opened(path) as audit:
        with pytest.raises(Fault) as caught:
            await audit.record(call())
        assert caught.value.code is ErrorCode.SERVICE_UNAVAILABLE
        other.execute("ROLLBACK")
        await audit.record(call())
    other.close()
    assert checked(path).records == 2


def test_a_record_has_no_place_for_content() -> None:
    """What is stored is what is declared here: whoever adds a field must think of what gets into it."""
    assert set(AuditRecord.__dataclass_fields__) == {
        "kind", "name", "user", "client", "transport", "request_id", "decision", "time", "credential",
        "address", "protocol_version", "reason", "arguments", "values", "disclosed", "characters", "duration", "error",
        "error_id",
    }  # fmt: skip
