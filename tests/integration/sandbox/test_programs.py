"""Another's program in the jail reads its input, writes its result, and can do nothing else."""

import sys
from pathlib import Path

import pytest

from mcpkit.sandbox.children import ChildLimits, Ending, Outcome
from mcpkit.sandbox.programs import run_program

LIMITS = ChildLimits(memory=1 << 30, cpu_seconds=1, seconds=20.0, output=100_000)
on_linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux has these protections")


async def shell(script: str, data: bytes = b"", limits: ChildLimits = LIMITS) -> Outcome:
    return await run_program(["/bin/sh", "-c", script], data, limits)


async def test_it_reads_its_input_and_its_output_is_the_result() -> None:
    done = await shell('read -r line; printf "%s!" "$line"', b"one line\nand another")
    assert done == Outcome(Ending.DONE, (b"one line!",))


async def test_much_data_that_it_does_not_read_holds_nothing_up() -> None:
    assert (await shell("echo done", bytes(5_000_000))).results == (b"done\n",)


async def test_what_it_wrote_until_it_failed_is_kept() -> None:
    assert await shell("echo before; exit 3") == Outcome(Ending.FAILED, (b"before\n",), "exit 3")
    assert (await shell("kill -SEGV $$; echo still")).ending in (Ending.CRASHED, Ending.DONE)
    assert (await run_program(["/no/such/program"], b"", LIMITS)).ending is Ending.FAILED


async def test_its_time_its_work_and_its_output_are_limited() -> None:
    assert (await shell("while :; do :; done")).ending is Ending.CPU
    assert (await shell("read -r line < /dev/zero", limits=ChildLimits(seconds=0.5))).ending in (
        Ending.TIME,
        Ending.FAILED,
    )
    assert (await shell("while :; do echo 0123456789; done")).ending is Ending.OUTPUT


@on_linux
async def test_it_reads_no_files_but_libraries_writes_none_and_starts_nothing(tmp_path: Path) -> None:
    target, secret = tmp_path / "written", tmp_path / "secret"
    secret.write_text("secret")
    for script in (
        f"echo x > {target}",
        f"read -r line < {secret} && echo $line",
        "read -r line < /etc/passwd && echo $line",
        "echo x | { read -r line; echo $line; }",  # would be another process
        "exec /bin/cat /etc/passwd",
    ):
        done = await shell(script)
        assert done.results == (b"",), script
        assert done.ending is not Ending.DONE, script
    assert not target.exists()


@on_linux
async def test_nothing_of_the_parents_environment_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_TOKEN", "hidden")
    assert (await shell('echo "$SECRET_TOKEN$GIVEN"')).results == (b"\n",)
    done = await run_program(["/bin/sh", "-c", "echo $GIVEN"], b"", LIMITS, environment={"GIVEN": "given"})
    assert done.results == (b"given\n",)
