"""bench/load: how many calls a second the HTTP server answers, how long they take, and what they cost."""

import argparse
import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from mailbench import commands
from mailbench.archive import Plan
from mailbench.cache import Archive, bench_folder, synthetic
from mailbench.importing import measure_ours
from mailbench.load import servers
from mailbench.load.calls import AGAIN, ONCE, SHARES, ToolCall, pools, words_of
from mailbench.load.eras import ERAS, MODERN, Era, ask_once
from mailbench.load.recording import record
from mailbench.load.wrk import Driver, Load, wrk
from mailbench.measuring import cpu_seconds_of, memory_of, run_measured
from mailbench.report import machine, say, table, write_json

MIX, MIX_ONCE = "mix", "mix-once"
CALLS = (MIX, MIX_ONCE, *SHARES)
PEERS = ("fastmcp", "starlette", "echo")
_WARM_UP = 3  # seconds
_LOOKS = 20  # at the memory, in a soak
_COMPARED = 32  # connections at which programs are compared, where they were measured
_NOTHING = {"nothing": [ToolCall("nothing", {})]}


@dataclass(frozen=True, slots=True)
class Measured:
    """One server under one load. `cpu` is CPU milliseconds for each request, `cores` how many were busy, `memory` bytes
    at the end, `grown` by how many it grew meanwhile."""

    server: str
    era: str
    calls: str
    connections: int
    load: Load
    cpu: float
    cores: float
    memory: int
    grown: int

    def as_json(self) -> dict[str, Any]:
        return {
            **asdict(self),
            "rate": self.load.rate,
            "load_cores": self.load.cores,
            "error_share": self.load.error_share,
        }


@dataclass(slots=True)
class Bench:
    archive: Archive
    seconds: int
    connections: Sequence[int]
    workers: int
    settings: dict[str, str]
    is_cold: bool = False
    done: list[Measured] = field(default_factory=list)

    @property
    def home(self) -> Path:
        return commands.home_of(self.archive)

    def server(self) -> AbstractContextManager[servers.Server]:
        return servers.mailquery(self.home, workers=self.workers, settings=self.settings)

    def warm(self, server: servers.Server, driver: Driver, era: Era) -> None:
        if self.is_cold:
            return
        calls = [call for kind in driver.calls.values() for call in kind]
        say(f"making each of {len(calls):,} calls once{' in each worker' if self.workers > 1 else ''} ...")
        ask_once(server.url, era, calls, self.workers)

    def measure(self, server: servers.Server, what: str, driver: Driver, era: Era) -> None:
        """At each number of connections, one after the other, on the running server. Calls that are made again are
        measured as they are once each of them was made, unless that is to be left out."""
        if server.name == servers.OURS and not driver.once:
            self.warm(server, driver, era)
        for connections in self.connections:
            sessions = era.sessions(server.url, connections)
            driver.run(server.url, era, sessions, connections=connections, seconds=_WARM_UP)
            self.done.append(measured(server, what, driver, era, sessions, connections, self.seconds))
            show_line(self.done[-1])


def measured(
    server: servers.Server, what: str, driver: Driver, era: Era, sessions: Sequence[str], connections: int, seconds: int
) -> Measured:
    cpu, memory = cpu_seconds_of(server.pid), memory_of(server.pid)
    load = driver.run(server.url, era, sessions, connections=connections, seconds=seconds)
    cpu = cpu_seconds_of(server.pid) - cpu
    now = memory_of(server.pid)
    per_request = 1_000 * cpu / max(1, load.requests)
    return Measured(
        server.name, era.version, what, connections, load, per_request, cpu / load.seconds, now, now - memory
    )


def drivers(
    again: dict[str, list[ToolCall]], once: dict[str, list[ToolCall]], *, own_sessions: bool = False
) -> dict[str, Driver]:
    alone = {tool: Driver({tool: again[tool]}, {tool: 1}, own_sessions=own_sessions) for tool in SHARES}
    return {MIX: Driver(again, SHARES, own_sessions=own_sessions), MIX_ONCE: Driver(once, SHARES, once=True), **alone}


def measure_peers(bench: Bench, peers: Sequence[str], again: dict[str, list[ToolCall]]) -> None:
    if "fastmcp" in peers:
        with servers.fastmcp() as server:
            bench.measure(server, "nothing", Driver(_NOTHING, {"nothing": 1}), MODERN)
    if "starlette" in peers:
        recordings = bench_folder() / f"load-recordings-{bench.archive.maildir.parent.name}.pickle"
        say("recording the SQL and the answers of the mix, for the bare route ...")
        record(bench.home, [call for calls in again.values() for call in calls], recordings)
        with servers.starlette(recordings, bench.home) as server:
            bench.measure(server, MIX, Driver(again, SHARES), MODERN)
    if "echo" in peers:
        with servers.echo() as server:
            bench.measure(server, "echo", Driver(again, SHARES), MODERN)


def soak(bench: Bench, driver: Driver, era: Era, connections: int, seconds: int) -> dict[str, Any]:
    """The mix for a long time, with the memory looked at now and then."""
    say(f"soak: {seconds} seconds of the mix at {connections} connections ...")
    with bench.server() as server:
        bench.warm(server, driver, era)
        sessions = era.sessions(server.url, connections)
        driver.run(server.url, era, sessions, connections=connections, seconds=_WARM_UP)
        with looking(partial(memory_of, server.pid), seconds / _LOOKS) as memory:
            found = measured(server, "soak", driver, era, sessions, connections, seconds)
    show_line(found)
    say("memory in MB: " + " ".join(f"{each / 2**20:.0f}" for each in memory))
    return {**found.as_json(), "memory_over_time": list(memory)}


@contextlib.contextmanager
def looking(look: Callable[[], int], every: float) -> Iterator[list[int]]:
    """What `look` gives now and then, meanwhile."""
    found: list[int] = []
    ended = threading.Event()

    def go_on() -> None:
        while not ended.wait(every):
            found.append(look())

    thread = threading.Thread(target=go_on, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        ended.set()
        thread.join()


def show_line(one: Measured) -> None:
    say(
        f"  {one.server}, {one.era}, {one.calls}, {one.connections} connections: {one.load.rate:,.0f}/s, "
        f"p99 {one.load.p99:.1f} ms, {one.cores:.2f} cores and {one.load.cores:.2f} of wrk, "
        f"{one.load.errors + one.load.lost} errors" + (f": {one.load.first_error}" if one.load.first_error else "")
    )


def show(done: Sequence[Measured]) -> None:
    columns = (
        *(
            "server",
            "protocol",
            "calls",
            "conn.",
            "req/s",
            "p50 ms",
            "p95 ms",
            "p99 ms",
            "max ms",
            "errors",
            "errors %",
        ),
        *("CPU ms/req", "cores", "wrk cores", "MB", "kB/answer"),
    )
    rows = [
        (
            *(one.server, one.era, one.calls, one.connections, round(one.load.rate)),
            *(one.load.p50, one.load.p95, one.load.p99, one.load.longest),
            *(one.load.errors + one.load.lost, f"{one.load.error_share:.3%}"),
            *(one.cpu, one.cores, one.load.cores),
            *(round(one.memory / 2**20), one.load.received / max(1, one.load.requests) / 1_000),
        )
        for one in done
    ]
    say(table("Requests over HTTP", columns, rows))


def ratios(done: Sequence[Measured]) -> dict[str, float]:
    """mailquery's rate of the mix in parts of each peer's, at the same number of connections, in each era."""
    at = _COMPARED if any(one.connections == _COMPARED for one in done) else max(one.connections for one in done)
    rates = {(one.server, one.era, one.calls): one.load.rate for one in done if one.connections == at}
    peers = {key[0]: rate for key, rate in rates.items() if key[0] != "mailquery"}
    found: dict[str, float] = {}
    for (server, era, calls), rate in rates.items():
        if server == "mailquery" and calls in (MIX, MIX_ONCE):
            found |= {f"{calls}, {era}, to {name}, {at} connections": rate / of for name, of in peers.items()}
    return found


def prepared(messages: int) -> Archive:
    """The archive, imported, and its attachments read, as they are some time after a server was started on it."""
    archive = synthetic(Plan(messages))
    if not commands.has_archive(archive):
        say(f"importing {archive.name} messages ...")
        measure_ours(archive)
    say("reading what is attached, where that was not done ...")
    run_measured(commands.extract_command(), commands.environment(commands.home_of(archive)))
    return archive


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="bench/load",
        description=__doc__,
        epilog="mix: 60 % searches of all kinds, 25 % messages, 10 % threads, 5 % statistics, drawn from some 5,000 "
        "different calls, of which a few are made again and again and most hardly ever; each was made once before, but "
        "for --cold. mix-once: likewise, no call twice. A run of everything takes half an hour; --seconds, "
        "--connections, --eras and --calls make it shorter.",
    )
    parser.add_argument("--messages", type=int, default=50_000, help="size of the synthetic archive")
    parser.add_argument("--seconds", type=int, default=20, help="of each load")
    parser.add_argument("--connections", type=int, nargs="+", default=[1, 32, 64, 256])
    parser.add_argument("--eras", nargs="+", choices=ERAS, default=list(ERAS), help="protocol revisions")
    parser.add_argument("--calls", nargs="*", choices=CALLS, default=CALLS, help="none with no name")
    parser.add_argument("--peers", nargs="*", choices=PEERS, default=PEERS, help="beside mailquery; none with no name")
    parser.add_argument(
        "--cold",
        action="store_true",
        help="begin with an empty memory for answers: no call is made before it is measured",
    )
    parser.add_argument(
        "--own-sessions",
        action="store_true",
        help="each connection keeps to a session of its own, for which wrk has a thread (not in mix-once)",
    )
    parser.add_argument("--workers", type=int, default=1, help="worker processes of mailquery")
    parser.add_argument("--soak", type=int, metavar="SECONDS", help="then the mix for so long, at 32 connections")
    parser.add_argument("--set", metavar="NAME=VALUE", action="append", default=[], help="a variable for mailquery")
    parser.add_argument("--json", metavar="FILE", help="write the figures to FILE, or to standard output with -")
    chosen = parser.parse_args()
    wrk()
    archive = prepared(chosen.messages)
    say("choosing words and ids ...")
    words = words_of(archive)
    again, once = pools(words, AGAIN), pools(words, ONCE)
    say(
        "mailquery's limits of callers are set out of the way, and consent is granted: "
        + _assigned(servers.NOT_IN_THE_WAY)
    )
    settings = dict(each.partition("=")[::2] for each in chosen.set)
    bench = Bench(archive, chosen.seconds, chosen.connections, chosen.workers, settings, chosen.cold)
    driven = drivers(again, once, own_sessions=chosen.own_sessions)
    result: dict[str, Any] = {
        "machine": machine(),
        "workers": chosen.workers,
        "settings": settings,
        "cold": chosen.cold,
        "own_sessions": chosen.own_sessions,
    }
    try:
        for era in (ERAS[name] for name in chosen.eras):
            for name in chosen.calls:
                with bench.server() as server:
                    bench.measure(server, name, driven[name], era)
        measure_peers(bench, chosen.peers, again)
        if chosen.soak:
            result["soak"] = soak(bench, driven[MIX], ERAS[chosen.eras[0]], _COMPARED, chosen.soak)
    finally:  # Ctrl-C too: what was measured is shown
        if bench.done:
            show(bench.done)
            result |= {"measured": [one.as_json() for one in bench.done], "ratios": ratios(bench.done)}
            for name, ratio in ratios(bench.done).items():
                say(f"{name}: {ratio:.2f}")
        if chosen.json:
            write_json(result, chosen.json)


def _assigned(variables: dict[str, str]) -> str:
    return " ".join(f"{name}={value!r}" if " " in value else f"{name}={value}" for name, value in variables.items())


if __name__ == "__main__":
    main()
