"""Another's program on hostile data: one jailed process for each piece of data, which it reads from its standard input,
and whose standard output is the result."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress

from mcpkit.sandbox.children import ChildLimits, Ending, Outcome

_PIECE = 64 * 1024


async def run_program(
    command: Sequence[str],
    data: bytes,
    limits: ChildLimits,
    *,
    readable: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
) -> Outcome:
    """Runs `command`, whose first word is a path, on `data`; the outcome has one result, all that it wrote until its
    end. `limits.memory` is its address space in all. Beside its libraries it may read what lies beneath `readable`.
    FAILED is an exit code other than 0. Raises OSError where no process can be started."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-B", "-m", "mcpkit.sandbox.program"),
        *(str(limits.memory), str(limits.cpu_seconds), json.dumps(list(readable)), *command),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={"PATH": os.defpath, "LC_ALL": "C.UTF-8", **(environment or {})},  # nothing of what the parent knows
        cwd="/",
        start_new_session=True,  # Ctrl-C is the parent's to understand
    )
    sending = asyncio.create_task(_send(process, data))
    written = bytearray()
    try:
        async with asyncio.timeout(limits.seconds):
            await _receive(process, written, limits.output)
            code = await process.wait()
        ending, detail = _ended(code)
    except TimeoutError:
        ending, detail = Ending.TIME, ""
    except _TooMuch:
        ending, detail = Ending.OUTPUT, ""
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)
            await process.wait()
        sending.cancel()
        with suppress(asyncio.CancelledError, ConnectionError):  # it does not read any more
            await sending
    return Outcome(ending, (bytes(written),), detail)


class _TooMuch(Exception):
    """The program writes more than it may."""


async def _send(process: asyncio.subprocess.Process, data: bytes) -> None:
    assert process.stdin is not None
    for start in range(0, len(data), _PIECE):
        process.stdin.write(data[start : start + _PIECE])
        await process.stdin.drain()
    process.stdin.close()


async def _receive(process: asyncio.subprocess.Process, written: bytearray, most: int) -> None:
    assert process.stdout is not None
    while piece := await process.stdout.read(_PIECE):
        if len(written) + len(piece) > most:
            raise _TooMuch
        written += piece


def _ended(code: int) -> tuple[Ending, str]:
    if code == 0:
        return Ending.DONE, ""
    if code == -signal.SIGXCPU:
        return Ending.CPU, ""
    if code < 0:
        return Ending.CRASHED, signal.Signals(-code).name
    return Ending.FAILED, f"exit {code}"
