"""Limits that the worker processes of one server have in common."""

import asyncio
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mcpkit.errors import Fault
from mcpkit.security.limits.rate_limits import Limits, RateLimits
from mcpkit.security.limits.shared_meters import _ENTRIES, _PLACES, SharedMeters

_PROCESS = """
import asyncio, sys
from pathlib import Path
from mcpkit.errors import Fault
from mcpkit.security.limits.rate_limits import Limits, RateLimits
from mcpkit.security.limits.shared_meters import SharedMeters
async def main():
    limits = RateLimits("principal", Limits(requests_per_minute=1, burst=100), None, SharedMeters(Path(sys.argv[1])))
    admitted = 0
    for _ in range(200):
        try:
            await limits.request("ana")
        except Fault:
            continue
        admitted += 1
    print(admitted)
asyncio.run(main())
"""


def limits(folder: Path, of: str = "principal", **chosen: int) -> RateLimits:
    return RateLimits(of, Limits(**chosen), None, SharedMeters(folder))


async def admitted(within: RateLimits, key: str, times: int) -> int:
    count = 0
    for _ in range(times):
        try:
            await within.request(key)
        except Fault:
            continue
        count += 1
    return count


async def test_what_one_counts_is_gone_for_the_other(tmp_path: Path) -> None:
    one, other = (limits(tmp_path, requests_per_minute=1, burst=2, characters_per_hour=1000) for _ in range(2))
    assert await admitted(one, "ana", 1) == 1
    assert await admitted(other, "ana", 5) == 1
    assert await admitted(one, "ana", 1) == 0
    assert await admitted(one, "bo", 5) == 2
    assert await admitted(limits(tmp_path, "address", requests_per_minute=1, burst=2), "ana", 5) == 2
    await one.spend_characters("ana", 1000)
    with pytest.raises(Fault, match="characters"):
        await other.check_characters("ana")
    await other.check_characters("bo")


def test_processes_that_count_at_once_admit_as_many_as_one(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _PROCESS, str(tmp_path)]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    counts = [int(process.communicate()[0]) for process in processes]
    assert sum(counts) == 100, counts


async def test_more_callers_than_there_is_room_for_forget_those_who_asked_for_least(tmp_path: Path) -> None:
    meters = SharedMeters(tmp_path)
    within = RateLimits("principal", Limits(requests_per_minute=600, burst=2), None, meters)
    strict = RateLimits("strict", Limits(requests_per_minute=1, burst=1), None, meters)
    await strict.request("greedy")
    # In steps, so that the test takes no second of the loop at once.
    for start in range(0, 20_000, 1000):
        for number in range(start, start + 1000):
            await within.request(f"caller {number}")
        await asyncio.sleep(0)
    assert (tmp_path / "meters").stat().st_size == _PLACES * _ENTRIES * 24
    with pytest.raises(Fault):
        await strict.request("greedy")


_HOLDER = """
import sys, time
from pathlib import Path
from mcpkit.security.limits.shared_meters import SharedMeters
SharedMeters(Path(sys.argv[1]))._backend.lock.acquire()
print("held", flush=True)
time.sleep(600)
"""


async def test_a_process_that_is_stopped_with_the_lock_keeps_nobody_from_counting(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", _HOLDER, str(tmp_path)], stdout=subprocess.PIPE, text=True) as holder:
        try:
            assert holder.stdout is not None
            assert holder.stdout.readline() == "held\n"
            within = limits(tmp_path, requests_per_minute=1, burst=3)
            assert await admitted(within, "ana", 5) == 3
            began = time.monotonic()
            assert await admitted(within, "bo", 100) == 3
            assert time.monotonic() - began < 5, "it is waited for once, not for each request"
        finally:
            holder.kill()
    assert await admitted(limits(tmp_path, requests_per_minute=1, burst=3), "ana", 5) == 0
