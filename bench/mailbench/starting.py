"""bench/start: from the start of a STDIO server's process to its first answer, as a desktop client waits for it."""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from mailbench import commands
from mailbench.archive import Plan
from mailbench.cache import synthetic
from mailbench.fastmcp_environment import fastmcp_python
from mailbench.importing import measure_ours
from mailbench.load.servers import PROGRAMS
from mailbench.measuring import Latency
from mailbench.report import machine, say, table, write_json

_CLIENT = {"name": "bench", "version": "1"}
_SEARCH: dict[str, object] = {"name": "search_messages", "arguments": {"query": "회의", "limit": 20}}
_NOTHING: dict[str, object] = {"name": "nothing", "arguments": {}}
_ENVELOPE = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": _CLIENT,
    "io.modelcontextprotocol/clientCapabilities": {},
}

Messages = list[dict[str, object]]


def _after_a_handshake(call: dict[str, object]) -> Messages:
    return [
        {
            "id": 1,
            "method": "initialize",
            "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": _CLIENT},
        },
        {"method": "notifications/initialized"},
        {"id": 2, "method": "tools/call", "params": call},
    ]


def _at_once(call: dict[str, object]) -> Messages:
    return [{"id": 1, "method": "tools/call", "params": {**call, "_meta": _ENVELOPE}}]


# What each kind of client writes before it has its answer; the last message is the one that is waited for.
ERAS: dict[str, Callable[[dict[str, object]], Messages]] = {
    "2025-06-18": _after_a_handshake,
    "2026-07-28": _at_once,
}


class NoAnswer(Exception):
    """The server ended, or answered something else than the result."""


@dataclass(frozen=True, slots=True)
class Program:
    """A server over STDIO, the call that is made to it, and whether the structured content that comes is its answer."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    call: dict[str, object]
    is_answer: Callable[[Mapping[str, Any]], bool]


def time_to_first_answer(program: Program, messages: Messages) -> float:
    """Seconds from before the process is started. Each request is written when the one before it was answered."""
    started = time.perf_counter()
    process = subprocess.Popen(
        program.command,
        env=dict(program.environment),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        if process.stdin is None or process.stdout is None or process.stderr is None:
            raise NoAnswer("no pipes")
        answer = b""
        for message in messages:
            process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")
            process.stdin.flush()
            if "id" in message:
                answer = process.stdout.readline()
                if not answer:
                    raise NoAnswer(process.stderr.read()[-2_000:].decode(errors="replace"))
        seconds = time.perf_counter() - started
        if not program.is_answer(json.loads(answer).get("result", {}).get("structuredContent", {})):
            raise NoAnswer(answer[:2_000].decode(errors="replace"))
        process.stdin.close()
        process.wait(20)
        return seconds
    finally:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()


def ours(home: Mapping[str, str]) -> Program:
    """mailquery with the archive of the environment `home`."""
    return Program("mailquery", commands.serve_command(), home, _SEARCH, lambda content: bool(content.get("rows")))


def fastmcp() -> Program:
    """FastMCP's server with a tool that does nothing."""
    command = [str(fastmcp_python()), str(PROGRAMS / "empty_fastmcp.py"), "stdio"]
    return Program("FastMCP, empty tool", command, os.environ, _NOTHING, lambda content: content == {"done": 1})


def time_to_import() -> float:
    """Seconds from before a Python is started until it has the SDK's server and has ended: less than any server takes
    that is made with it."""
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import mcp.server.lowlevel"], check=True)
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench/start", description=__doc__)
    parser.add_argument("--messages", type=int, default=50_000, help="size of the synthetic archive")
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--home", type=Path, help="an archive's home folder, in place of the synthetic one")
    parser.add_argument(
        "--peers", action="store_true", help="also FastMCP with an empty tool, and the SDK's import alone"
    )
    parser.add_argument("--json", metavar="FILE", help="write the figures to FILE, or to standard output with -")
    chosen = parser.parse_args()
    if chosen.home:
        home = commands.environment(chosen.home)
    else:
        archive = synthetic(Plan(chosen.messages))
        if not commands.has_archive(archive):
            say(f"importing {archive.name} messages ...")
            measure_ours(archive)
        home = commands.environment(commands.home_of(archive))
    programs = [ours(home), fastmcp()] if chosen.peers else [ours(home)]
    timed: dict[tuple[str, str], Callable[[], float]] = {
        (program.name, era): partial(time_to_first_answer, program, messages(program.call))
        for era, messages in ERAS.items()
        for program in programs
    }
    if chosen.peers:
        timed["the SDK's import alone", ""] = time_to_import
    for measure in timed.values():
        measure()  # compiles what has not been compiled yet
    taken: dict[tuple[str, str], list[float]] = {each: [] for each in timed}
    for _ in range(chosen.runs):  # by turns, since the speed of a machine changes
        for each, measure in timed.items():
            taken[each].append(measure())
    figures = {each: Latency.of(seconds) for each, seconds in taken.items()}
    rows = [(name, era, one.p50, one.p95, one.samples) for (name, era), one in figures.items()]
    say(table("Process start to the first answer", ("program", "protocol", "p50 ms", "p95 ms", "runs"), rows))
    if chosen.json:
        starts = [
            {"program": name, "protocol": era, "p50_ms": one.p50, "p95_ms": one.p95, "samples": one.samples}
            for (name, era), one in figures.items()
        ]
        write_json({"machine": machine(), "starts": starts}, chosen.json)


if __name__ == "__main__":
    main()
