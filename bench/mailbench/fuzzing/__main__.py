"""bench/fuzz: malformed requests against the product over HTTP and STDIO. Ends with 1 where anything is found."""

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from mailbench.fuzzing.oracle import Oracle
from mailbench.fuzzing.over_http import HttpRun, fuzz_http
from mailbench.fuzzing.over_stdio import StdioRun, fuzz_stdio
from mailbench.fuzzing.product import look_around, make_product
from mailbench.report import machine, say, table, write_json

MOST_GROWTH = 64 * 1024 * 1024  # bytes that a process may hold more at the end than once it was warm
_SHOWN = 20


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench/fuzz", description=__doc__)
    parser.add_argument("--requests", type=int, default=20_000, help="in all; three of four go over HTTP")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--transport", choices=("http", "stdio"), help="only this one")
    parser.add_argument("--json", metavar="FILE", help="write the figures to FILE, or to standard output with -")
    chosen = parser.parse_args()
    over_http = {"http": chosen.requests, "stdio": 0}.get(chosen.transport, chosen.requests * 3 // 4)
    with tempfile.TemporaryDirectory(prefix="mailquery-fuzz-") as folder:
        product = make_product(Path(folder))
        known = look_around(product)
        oracles = {"HTTP": Oracle(product.secrets()), "STDIO": Oracle(product.secrets())}
        began = time.perf_counter()
        http = asyncio.run(fuzz_http(product, known, oracles["HTTP"], requests=over_http, seed=chosen.seed))
        between = time.perf_counter()
        lines = chosen.requests - over_http
        stdio = asyncio.run(fuzz_stdio(product, known, oracles["STDIO"], requests=lines, seed=chosen.seed))
        ended = time.perf_counter()
    check_growth(http, stdio, oracles)
    for transport, oracle in oracles.items():
        say(outcomes_table(transport, oracle))
    rows: list[Sequence[object]] = [
        ("HTTP", http.requests, http.ordinary, between - began, megabytes(growth_of(http.memory))),
        ("STDIO", stdio.requests, stdio.ordinary, ended - between, megabytes(max(stdio.growth, default=0))),
    ]
    say(table(f"Seed {chosen.seed}", ("transport", "malformed", "ordinary", "seconds", "growth MB"), rows))
    logged = [(what, times) for oracle in oracles.values() for what, times in oracle.tracebacks.most_common()]
    if logged:
        say(table("Tracebacks in the log", ("what", "times"), logged))
    found = [
        (f"{transport}: {what}", times) for transport, oracle in oracles.items() for what, times in oracle.found.items()
    ]
    say(table("Findings", ("what", "times"), found or [("none", 0)]))
    for oracle in oracles.values():
        for finding in oracle.findings[:_SHOWN]:
            say(f"\n{finding.what} ({finding.kind}, number {finding.number}):\n  {finding.excerpt}")
    if chosen.json:
        findings = {name: [asdict(finding) for finding in oracle.findings] for name, oracle in oracles.items()}
        result: dict[str, object] = {
            "machine": machine(),
            "seed": chosen.seed,
            "http": asdict(http),
            "stdio": asdict(stdio),
            "seconds": ended - began,
            "findings": findings,
            "tracebacks": dict(logged),
            "examples": {what: text for oracle in oracles.values() for what, text in oracle.examples.items()},
        }
        write_json(result, chosen.json)
    is_whole = http.requests == over_http and stdio.requests == lines
    return 0 if is_whole and not found else 1


def check_growth(http: HttpRun, stdio: StdioRun, oracles: dict[str, Oracle]) -> None:
    for transport, grown in (("HTTP", growth_of(http.memory)), ("STDIO", max(stdio.growth, default=0))):
        if grown > MOST_GROWTH:
            oracles[transport].report(
                f"memory grew by more than {megabytes(MOST_GROWTH)} MB", "memory", 0, f"{grown:,}"
            )


def growth_of(memory: Sequence[int]) -> int:
    """Bytes from after the first fifth to the end."""
    return memory[-1] - memory[len(memory) // 5] if memory else 0


def megabytes(size: int) -> int:
    return round(size / 1024 / 1024)


def outcomes_table(transport: str, oracle: Oracle) -> str:
    columns = sorted({what for _, what in oracle.outcomes})
    kinds = sorted({kind for kind, _ in oracle.outcomes})
    rows = [(kind, *(oracle.outcomes.get((kind, what)) for what in columns)) for kind in kinds]
    return table(f"Over {transport}: what became of each kind of request", ("kind", *columns), rows)


if __name__ == "__main__":
    sys.exit(main())
