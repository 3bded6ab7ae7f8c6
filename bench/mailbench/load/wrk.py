"""The load generator: wrk (https://github.com/wg/wrk), driven by a Lua script."""

import json
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mailbench.load.calls import ToolCall
from mailbench.load.eras import Era

_SCRIPT = Path(__file__).with_name("drive.lua")
_TIMEOUT = 20  # seconds after which wrk counts an answer as missing


class LoadFailed(Exception):
    """wrk could not be run, or did not say what it found."""


@dataclass(frozen=True, slots=True)
class Load:
    """What one run of wrk found. Latencies are milliseconds. `errors` are answers that are no result (of HTTP, of
    JSON-RPC, or `isError`), `lost` those that never came; `first_error` is the beginning of one of them. `cpu` is the
    CPU time in seconds that making the load and looking at the answers took."""

    requests: int
    seconds: float
    cpu: float
    received: int  # bytes of bodies
    errors: int
    lost: int
    p50: float
    p95: float
    p99: float
    longest: float
    first_error: str = ""

    @property
    def rate(self) -> float:
        return self.requests / self.seconds

    @property
    def cores(self) -> float:
        """How many of the machine's cores the load itself took."""
        return self.cpu / self.seconds

    @property
    def error_share(self) -> float:
        return (self.errors + self.lost) / max(1, self.requests + self.lost)


@dataclass(slots=True)
class Driver:
    """Sends `calls`, of each kind with its weight. Where they are to be made `once`, the next run goes on with those
    that the last one did not get to. With `own_sessions` each connection keeps to one session, as those of a client do:
    for that it needs a thread of wrk, which does not tell its script the connection. Else each has all in turn."""

    calls: Mapping[str, Sequence[ToolCall]]
    weights: Mapping[str, float]
    once: bool = False
    own_sessions: bool = False
    _places: dict[str, int] = field(default_factory=dict)

    def run(self, url: str, era: Era, sessions: Sequence[str], *, connections: int, seconds: int) -> Load:
        """Raises `LoadFailed`."""
        threads = connections if self.own_sessions and sessions else 1
        with tempfile.NamedTemporaryFile("w", suffix=".calls", encoding="utf-8") as file:
            for name, value in era.headers.items():
                file.write(f"H\t{name}\t{value}\n")
            for session in sessions:
                file.write(f"S\t{session}\n")
            for kind, weight in self.weights.items():
                file.write(f"K\t{weight}\t{self._places.get(kind, 0)}\n")
                for call in self.calls[kind]:
                    file.write(f"C\t{call.tool}\t{_rest(call, era)}\n")
            file.flush()
            command = [
                *(wrk(), "--threads", str(threads), "--connections", str(connections), "--duration", f"{seconds}s"),
                *("--timeout", f"{_TIMEOUT}s", "--script", str(_SCRIPT), url, "--", file.name),
                "once" if self.once else "again",
                "own" if threads > 1 else "shared",
            ]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        line = next((line for line in done.stdout.splitlines() if line.startswith("MAILBENCH\t")), None)
        if line is None:
            raise LoadFailed(f"wrk ended with {done.returncode}: {(done.stderr or done.stdout)[-1_000:]}")
        _, *numbers, places, first_error = line.split("\t", 13)
        requests, micros, cpu, received, errors, broken, late, p50, p95, p99, longest = map(int, numbers)
        if places:
            self._places = dict(zip(self.weights, map(int, places.split(",")), strict=True))
        return Load(
            requests=requests,
            seconds=micros / 1e6,
            cpu=cpu / 1e6,
            received=received,
            errors=errors,
            lost=broken + late,
            p50=p50 / 1_000,
            p95=p95 / 1_000,
            p99=p99 / 1_000,
            longest=longest / 1_000,
            first_error=first_error,
        )


def wrk() -> str:
    """Its path. Ends the program, with the remedy, where there is none."""
    found = shutil.which("wrk")
    if found is None:
        raise SystemExit(
            "bench/load needs wrk, which makes the load: apt install wrk (Debian), brew install wrk (macOS)."
        )
    return found


def _rest(call: ToolCall, era: Era) -> str:
    """A request's body behind its id."""
    params = {"name": call.tool, "arguments": call.arguments, **era.params}
    body = json.dumps({"method": "tools/call", "params": params}, separators=(",", ":"))
    return body.removeprefix("{")
