"""bench/start: from the start of a STDIO server's process to its first answer, as a desktop client waits for it."""

import argparse
import json
import subprocess
import time
from pathlib import Path

from mailbench import commands
from mailbench.archive import Plan
from mailbench.cache import synthetic
from mailbench.importing import measure_ours
from mailbench.measuring import Latency
from mailbench.report import machine, say, table, write_json

_CLIENT = {"name": "bench", "version": "1"}
_SEARCH = {"name": "search_messages", "arguments": {"query": "회의", "limit": 20}}
_ENVELOPE = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": _CLIENT,
    "io.modelcontextprotocol/clientCapabilities": {},
}

# What each kind of client writes before it has its answer; the last message is the one that is waited for.
ERAS: dict[str, list[dict[str, object]]] = {
    "2025-06-18": [
        {
            "id": 1,
            "method": "initialize",
            "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": _CLIENT},
        },
        {"method": "notifications/initialized"},
        {"id": 2, "method": "tools/call", "params": _SEARCH},
    ],
    "2026-07-28": [{"id": 1, "method": "tools/call", "params": {**_SEARCH, "_meta": _ENVELOPE}}],
}


class NoAnswer(Exception):
    """The server ended, or answered something else than the search's result."""


def time_to_first_answer(home: dict[str, str], messages: list[dict[str, object]]) -> float:
    """Seconds from before the process is started. Each request is written when the one before it was answered."""
    started = time.perf_counter()
    process = subprocess.Popen(
        commands.serve_command(), env=home, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
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
        result = json.loads(answer).get("result", {})
        if not result.get("structuredContent", {}).get("rows"):
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


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench/start", description=__doc__)
    parser.add_argument("--messages", type=int, default=50_000, help="size of the synthetic archive")
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--home", type=Path, help="an archive's home folder, in place of the synthetic one")
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
    figures: dict[str, Latency] = {}
    for era, messages in ERAS.items():
        time_to_first_answer(home, messages)  # compiles what has not been compiled yet
        figures[era] = Latency.of([time_to_first_answer(home, messages) for _ in range(chosen.runs)])
    rows = [(era, one.p50, one.p95, one.samples) for era, one in figures.items()]
    say(table("Process start to first search_messages answer", ("protocol", "p50 ms", "p95 ms", "runs"), rows))
    if chosen.json:
        starts = [
            {"protocol": era, "p50_ms": one.p50, "p95_ms": one.p95, "samples": one.samples}
            for era, one in figures.items()
        ]
        write_json({"machine": machine(), "starts": starts}, chosen.json)


if __name__ == "__main__":
    main()
