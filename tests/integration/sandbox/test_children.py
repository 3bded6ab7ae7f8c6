"""Jailed children compute, and can do nothing else; whatever becomes of one costs its own piece of work."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from mcpkit.sandbox.children import ChildLimits, ChildPool, Ending
from mcpkit.sandbox.jail import PROTECTIONS

LIMITS = ChildLimits(memory=256 * 1024 * 1024, cpu_seconds=1, seconds=30.0, output=4 * 1024 * 1024)


@asynccontextmanager
async def children(size: int = 1, limits: ChildLimits = LIMITS) -> AsyncIterator[ChildPool]:
    async with ChildPool("support.sandboxed:work", size, limits, paths=(str(Path(__file__).parents[2]),)) as pool:
        yield pool


async def test_results_come_in_their_order() -> None:
    async with children() as pool:
        outcome = await pool.run(b"5", {"do": "count"})
        assert outcome.ending is Ending.DONE
        assert outcome.results == (b"0", b"1", b"2", b"3", b"4")


async def test_large_data_goes_in_and_comes_out() -> None:
    data = os.urandom(3 * 1024 * 1024)
    async with children() as pool:
        assert (await pool.run(data, {"do": "reverse"})).results == (data[::-1],)


async def test_a_child_works_on_many_pieces() -> None:
    async with children() as pool:
        first, second = [await pool.run(b"", {"do": "pid"}) for _ in range(2)]
        assert first.results == second.results


@pytest.mark.parametrize(
    ("what", "ending"),
    [
        ("raise", Ending.FAILED),
        ("loop", Ending.CPU),
        ("crash", Ending.CRASHED),
    ],
)
async def test_what_was_given_before_the_end_is_kept_and_the_next_piece_is_worked_on(what: str, ending: Ending) -> None:
    async with children() as pool:
        outcome = await pool.run(b"", {"do": what})
        assert outcome.ending is ending
        assert outcome.results == (b"before",)
        assert (await pool.run(b"ab", {"do": "reverse"})).results == (b"ba",)


async def test_a_child_that_sleeps_is_ended_when_its_time_is_over() -> None:
    async with children(limits=ChildLimits(seconds=0.5)) as pool:
        outcome = await pool.run(b"", {"do": "sleep"})
        assert outcome.ending is Ending.TIME
        assert outcome.results == (b"before",)


async def test_memory_is_limited() -> None:
    async with children(limits=ChildLimits(memory=64 * 1024 * 1024)) as pool:
        assert (await pool.run(b"", {"do": "eat"})).ending is Ending.MEMORY
        assert (await pool.run(b"ab", {"do": "reverse"})).results == (b"ba",)


async def test_output_is_limited() -> None:
    async with children() as pool:
        outcome = await pool.run(b"", {"do": "flood"})
        assert outcome.ending is Ending.OUTPUT
        assert sum(map(len, outcome.results)) <= LIMITS.output


async def test_what_a_library_prints_is_no_result() -> None:
    async with children() as pool:
        assert (await pool.run(b"", {"do": "print"})).results == (b"clean",)


async def test_no_more_children_than_the_pool_has_run_at_once() -> None:
    async with children(size=2) as pool:
        outcomes = await asyncio.gather(*(pool.run(b"", {"do": "pid"}) for _ in range(8)))
        assert len({outcome.results for outcome in outcomes}) <= 2


async def test_a_cancelled_piece_ends_its_child() -> None:
    async with children() as pool:
        pid = int((await pool.run(b"", {"do": "pid"})).results[0])
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await pool.run(b"", {"do": "sleep"})
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


async def test_many_empty_results_are_too_much_as_well() -> None:
    async with children() as pool:
        outcome = await pool.run(b"", {"do": "drip"})
        assert outcome.ending is Ending.OUTPUT
        assert len(outcome.results) < LIMITS.output // 50


async def test_a_child_that_speaks_otherwise_is_ended() -> None:
    async with children() as pool:
        outcome = await pool.run(b"", {"do": "babble"})
        assert outcome.ending in (Ending.CRASHED, Ending.OUTPUT)
        assert (await pool.run(b"ab", {"do": "reverse"})).results == (b"ba",)


async def test_the_event_loop_goes_on_while_much_data_goes_in() -> None:
    data = bytes(50 * 1024 * 1024)
    async with children(limits=ChildLimits(memory=1024 * 1024 * 1024)) as pool:
        await pool.run(b"", {"do": "pid"})
        longest, last, done = 0.0, time.perf_counter(), asyncio.Event()

        async def beat() -> None:
            nonlocal longest, last
            while not done.is_set():
                await asyncio.sleep(0)
                longest, last = max(longest, time.perf_counter() - last), time.perf_counter()

        beating = asyncio.create_task(beat())
        assert (await pool.run(data, {"do": "length"})).results == (str(len(data)).encode(),)
        done.set()
        await beating
        assert longest < 0.5


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells a child of its parent's end")
def test_no_child_outlives_a_parent_that_is_killed() -> None:
    tests = Path(__file__).parents[2]
    program = f"""
import asyncio
from mcpkit.sandbox.children import ChildLimits, ChildPool

async def main():
    async with ChildPool("support.sandboxed:work", 1, ChildLimits(), paths=({str(tests)!r},)) as pool:
        print((await pool.run(b"", {{"do": "pid"}})).results[0].decode(), flush=True)
        await pool.run(b"", {{"do": "loop"}})

asyncio.run(main())
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        parent.kill()
    end = time.monotonic() + 10
    while _runs(child) and time.monotonic() < end:
        time.sleep(0.05)
    assert not _runs(child)


def _runs(pid: int) -> bool:
    """A process that is dead and not waited for does not run."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
async def test_children_that_end_are_waited_for() -> None:
    async with children() as pool:
        pids = []
        for _ in range(3):
            pids.append(int((await pool.run(b"", {"do": "pid"})).results[0]))
            await pool.run(b"", {"do": "crash"})
        assert len(set(pids)) == 3
        assert not any(Path(f"/proc/{pid}").exists() for pid in pids)


async def test_children_know_nothing_of_the_parents_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAILQUERY_MASTER_KEY", "secret")
    async with children() as pool:
        assert b"secret" not in (await pool.run(b"", {"do": "environment"})).results[0]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the whole jail is Linux's")
async def test_a_child_does_nothing_that_it_may_not(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"mail")
    async with children() as pool:
        held = await pool.protections()
        if not all(held[name] for name in ("files read", "system calls")):
            pytest.skip(f"this machine lacks protections: {held}")
        outcome = await pool.run(str(secret).encode(), {"do": "refused"})
    assert outcome.ending is Ending.DONE
    assert outcome.results == ()
    assert [path.name for path in tmp_path.iterdir()] == ["secret"]
    assert secret.read_bytes() == b"mail"


async def test_which_protections_hold_is_told() -> None:
    async with children() as pool:
        assert tuple(await pool.protections()) == PROTECTIONS


async def test_work_that_there_is_not_is_an_error_and_no_wait() -> None:
    async with ChildPool("mcpkit.sandbox.child:nothing", 1) as pool:
        with pytest.raises(OSError, match="did not start"):
            await pool.run(b"", {})
