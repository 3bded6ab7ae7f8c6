"""One synchronisation of an account at a time, across processes."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from mailquery.repositories.account_locks import AccountLocks
from mcpkit.errors import ErrorCode, Fault

_HOLDS_IT = """
import asyncio, sys
from pathlib import Path
from mailquery.repositories.account_locks import AccountLocks

async def hold():
    async with AccountLocks(Path(sys.argv[1])).hold("work"):
        print("held", flush=True)
        sys.stdin.read()

asyncio.run(hold())
"""


async def test_is_held_by_one_at_a_time(tmp_path: Path) -> None:
    locks, others = AccountLocks(tmp_path / "locks"), AccountLocks(tmp_path / "locks")
    assert not locks.is_held("work")
    async with locks.hold("work"):
        assert others.is_held("work")
        assert locks.is_held("work")
        with pytest.raises(Fault, match="synchronises work") as raised:
            async with others.hold("work"):
                pytest.fail("two at once")
        assert raised.value.code is ErrorCode.CONFLICT
        async with others.hold("Work"), others.hold("../집/\0"):
            assert others.is_held("Work")
    assert not others.is_held("work")
    async with others.hold("work"):
        pass


async def test_a_process_that_was_killed_holds_nothing(tmp_path: Path) -> None:
    locks = AccountLocks(tmp_path)
    with subprocess.Popen(
        [sys.executable, "-c", _HOLDS_IT, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        assert locks.is_held("work")
        with pytest.raises(Fault, match=rf"\({process.pid}\)"):
            async with locks.hold("work"):
                pytest.fail("two at once")
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert not locks.is_held("work")
        async with locks.hold("work"):
            pass


async def test_its_files_are_private(tmp_path: Path) -> None:
    folder = tmp_path / "locks"
    async with AccountLocks(folder).hold("work"):
        assert [file.stat().st_mode & 0o777 for file in folder.iterdir()] == [0o600]
    assert folder.stat().st_mode & 0o777 == 0o700
