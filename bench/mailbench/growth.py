"""How answers, the archive and memory grow with the number of messages: streamed archives of several sizes."""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Any

from mailbench.archive import SHORT, Plan
from mailbench.commands import environment
from mailbench.report import say, table
from mailbench.streamed import Streamed, build

_TOLD_EVERY = 20_000  # messages


def measure_growth(sizes: Sequence[int], *, reuse: bool, rounds: int, terms: int) -> list[dict[str, object]]:
    """Builds an archive of short mail of each size (or takes the one that is there) and has it searched by a process of
    its own. Prints one table for all; returns the figures."""
    results = []
    for size in sizes:
        say(f"building {size:,} short messages, 2.8 KB in the mean ...")
        started = time.perf_counter()
        archive = asyncio.run(build(Plan(size, measure=SHORT), anew=not reuse, progress=_tell(started)))
        assert archive is not None  # nothing limits the number of blocks
        seconds = time.perf_counter() - started
        results.append(_asked(archive, rounds, terms) | {"build_seconds": seconds})
    _show(results)
    return results


def _tell(started: float) -> Any:
    told = 0

    def progress(messages: int) -> None:
        nonlocal told
        if messages - told >= _TOLD_EVERY:
            told = messages
            say(f"  {messages:,} messages, {time.perf_counter() - started:.0f} s")

    return progress


def _asked(archive: Streamed, rounds: int, terms: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "mailbench.answering", archive.home, "--rounds", rounds, "--terms", terms]
    variables = environment(archive.home)
    done = subprocess.run([str(part) for part in command], env=variables, stdout=subprocess.PIPE, check=True)
    figures: dict[str, Any] = json.loads(done.stdout)
    return {
        "messages": archive.written.messages,
        "mail_bytes": archive.written.bytes,
        "archive_bytes": archive.archive_bytes,
        **figures,
    }


def _show(results: Sequence[dict[str, Any]]) -> None:
    columns = ["ms: p50 / p95 / p99", *(f"{one['messages']:,}" for one in results), "hits of the last"]
    rows = []
    for last in results[-1]["latencies"]:
        row: list[object] = [last["kind"]]
        for one in results:
            found = next((each for each in one["latencies"] if each["kind"] == last["kind"]), None)
            row.append(
                _three(found["latency"]) + (" stopped" if one["stopped"].get(last["kind"]) else "") if found else None
            )
        rows.append([*row, last["hits"]])
    say(
        table(
            "Latency by the number of messages (10,000 hits: or more; stopped: by the time limit)",
            columns,
            rows,
        )
    )
    rows = [
        ["archive, bytes/message", *(one["archive_bytes"] // one["messages"] for one in results)],
        ["of which raw mail before compression", *(one["mail_bytes"] // one["messages"] for one in results)],
        ["peak memory (RSS), MB", *(one["memory"]["peak_rss"] / 2**20 for one in results)],
        ["of which at the end its own, MB", *(one["memory"]["anonymous"] / 2**20 for one in results)],
        ["and of files, MB", *(one["memory"]["mapped"] / 2**20 for one in results)],
        ["build, s", *(one["build_seconds"] for one in results)],
    ]
    say(table("Size and memory of the searching process", ["", *(f"{one['messages']:,}" for one in results)], rows))


def _three(latency: dict[str, float]) -> str:
    return f"{latency['p50']:.2f} / {latency['p95']:.2f} / {latency['p99']:.2f}"
