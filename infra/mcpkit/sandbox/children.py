"""A pool of jailed child processes, seen from the parent. A child that ends, in whatever way, costs its piece of data
and nothing more."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self

from mcpkit.sandbox import frames

_STARTS_WITHIN = 30.0  # seconds
_ENDS_WITHIN = 5.0
_PIECES = 200  # of data that one child works on; what libraries leak goes with it
_PIPE = 1024 * 1024
_OVERHEAD = 100  # bytes that the parent needs for a result beside what is in it, and that count as output too
_LONGEST_NAME = 100


class Ending(StrEnum):
    """How the work on one piece of data ended."""

    DONE = "done"
    FAILED = "failed"  # the function raised
    TIME = "time"
    CPU = "cpu"
    MEMORY = "memory"
    OUTPUT = "output"
    CRASHED = "crashed"


@dataclass(frozen=True, slots=True)
class ChildLimits:
    """Of one piece of data: `memory` is bytes of address space beyond what a child has at its start, `cpu_seconds` are
    the processor's and `seconds` the clock's, `output` is bytes of results."""

    memory: int = 512 * 1024 * 1024
    cpu_seconds: int = 20
    seconds: float = 30.0
    output: int = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Outcome:
    """`results` are those that were given before the end. `detail` is the name of what was raised, or of the signal
    that ended the process."""

    ending: Ending
    results: tuple[bytes, ...]
    detail: str = ""


@dataclass(slots=True)
class _Child:
    process: asyncio.subprocess.Process
    held: Mapping[str, bool]
    pieces: int = 0

    async def end(self) -> int:
        """Kills it where it lives; its return code."""
        if self.process.returncode is None:
            with suppress(ProcessLookupError):
                # Not `process.kill`, which takes the return code away from whom asyncio has wait for it.
                os.kill(self.process.pid, signal.SIGKILL)
        return await self.process.wait()

    async def ended(self) -> int:
        """The return code of a child that has closed its stream."""
        try:
            async with asyncio.timeout(_ENDS_WITHIN):
                return await self.process.wait()
        except TimeoutError:
            return await self.end()


@dataclass(slots=True)
class _Answer:
    results: list[bytes] = field(default_factory=list)
    size: int = 0


class _TooMuch(Exception):
    """The child gives more than it may."""


class ChildPool:
    """`work` names the function that the children run, as `module:function` (`mcpkit.sandbox.child`); `paths` are
    searched for its module before the installed ones. At most `size` run at once; one is started when it is first
    needed, and anew where one has ended."""

    def __init__(self, work: str, size: int, limits: ChildLimits | None = None, *, paths: Sequence[str] = ()) -> None:
        self._work = work
        self._paths = paths
        self._limits = limits or ChildLimits()
        self._free = asyncio.Semaphore(size)
        self._idle: list[_Child] = []
        self._held: Mapping[str, bool] = {}

    async def run(self, data: bytes, options: Mapping[str, Any]) -> Outcome:
        """Works on `data`. Waits where all children are at work. Raises OSError where no process can be started."""
        async with self._free:
            child = await self._take()
            try:
                outcome, useful = await self._ask(child, data, options)
            except BaseException:
                await child.end()
                raise
            if useful and child.pieces < _PIECES:
                self._idle.append(child)
            else:
                await child.end()
            return outcome

    async def protections(self) -> Mapping[str, bool]:
        """Which of `jail.PROTECTIONS` hold here, as a child has found."""
        if not self._held:
            async with self._free:
                self._idle.append(await self._start())
        return self._held

    async def close(self) -> None:
        """Ends the children. What still runs is for its caller to cancel."""
        while self._idle:
            await self._idle.pop().end()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _take(self) -> _Child:
        while self._idle:
            child = self._idle.pop()
            if child.process.returncode is None:
                return child
        return await self._start()

    async def _start(self) -> _Child:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-B", "-m", "mcpkit.sandbox.child"),
            *(self._work, str(self._limits.memory), str(self._limits.cpu_seconds), *self._paths),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={"PATH": os.defpath, "LC_ALL": "C.UTF-8"},  # nothing of what the parent knows
            cwd="/",
            limit=_PIPE,
            start_new_session=True,  # Ctrl-C is the parent's to understand
        )
        child = _Child(process, {})
        try:
            async with asyncio.timeout(_STARTS_WITHIN):
                kind, content = await _frame(child)
        except BaseException as error:
            code = await child.end()
            if isinstance(error, asyncio.IncompleteReadError | TimeoutError):
                raise OSError(f"a child process for {self._work} did not start ({code})") from error
            raise
        assert kind == frames.READY
        child.held = self._held = json.loads(content)
        return child

    async def _ask(self, child: _Child, data: bytes, options: Mapping[str, Any]) -> tuple[Outcome, bool]:
        """The outcome, and whether the child can be asked again."""
        child.pieces += 1
        answer = _Answer()
        try:
            async with asyncio.timeout(self._limits.seconds):
                kind, content = await self._exchange(child, data, options, answer)
        except TimeoutError:
            return Outcome(Ending.TIME, tuple(answer.results)), False
        except _TooMuch:
            return Outcome(Ending.OUTPUT, tuple(answer.results)), False
        except (asyncio.IncompleteReadError, ConnectionError):
            return _ended(await child.ended(), answer), False
        results = tuple(answer.results)
        match kind:
            case frames.DONE:
                return Outcome(Ending.DONE, results), True
            case frames.FAILED:
                return Outcome(Ending.FAILED, results, content[:_LONGEST_NAME].decode("ascii", "replace")), True
            case frames.NO_MEMORY:
                return Outcome(Ending.MEMORY, results), False
        return Outcome(Ending.CRASHED, results, "it does not keep to the protocol"), False

    async def _exchange(
        self, child: _Child, data: bytes, options: Mapping[str, Any], answer: _Answer
    ) -> tuple[bytes, bytes]:
        """Sends the data and takes results until the child is done with it; how it says so."""
        sending = asyncio.create_task(_send(child, data, options))
        try:
            while True:
                kind, content = await _frame(child, self._limits.output - answer.size)
                if kind != frames.RESULT:
                    return kind, content
                answer.size += len(content) + _OVERHEAD
                if answer.size > self._limits.output:
                    raise _TooMuch
                answer.results.append(content)
        finally:
            sending.cancel()
            with suppress(asyncio.CancelledError, ConnectionError):  # the child does not read any more
                await sending


async def _send(child: _Child, data: bytes, options: Mapping[str, Any]) -> None:
    stream = child.process.stdin
    assert stream is not None
    stream.write(frames.pack(frames.OPTIONS, json.dumps(dict(options)).encode()))
    stream.write(frames.HEAD.pack(frames.DATA, len(data)))
    # In pieces: a transport copies what it cannot send at once.
    for start in range(0, len(data), _PIPE):
        stream.write(data[start : start + _PIPE])
        await stream.drain()


async def _frame(child: _Child, most: int = _PIPE) -> tuple[bytes, bytes]:
    stream = child.process.stdout
    assert stream is not None
    kind, length = frames.HEAD.unpack(await stream.readexactly(frames.HEAD.size))
    if length > most:
        raise _TooMuch
    return kind, await stream.readexactly(length)


def _ended(code: int, answer: _Answer) -> Outcome:
    if code == -signal.SIGPROF:
        return Outcome(Ending.CPU, tuple(answer.results))
    name = signal.Signals(-code).name if code < 0 else f"exit {code}"
    return Outcome(Ending.CRASHED, tuple(answer.results), name)
