"""A slice of `bench/fuzz`: the product, as a user starts it, under malformed requests over both transports."""

import json
import os
import subprocess
import sys
from pathlib import Path

BENCH = Path(__file__).parents[2] / "bench"
REQUESTS = 480


def test_malformed_requests_are_answered_and_leave_the_server_as_it_was(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mailbench.fuzzing", "--requests", str(REQUESTS), "--seed", "3", "--json", "-"],
        capture_output=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(BENCH), *filter(None, sys.path)])},
        cwd=tmp_path,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()[-4_000:]
    figures = json.loads(done.stdout)
    assert figures["http"]["requests"] + figures["stdio"]["requests"] == REQUESTS
    assert figures["http"]["ordinary"] > 20
    assert figures["stdio"]["ordinary"] > 8
    assert figures["findings"] == {"HTTP": [], "STDIO": []}
    # Of the SDK, where one request ends the session of another that is being answered.
    assert set(figures["tracebacks"]) <= {"SSE response error: anyio.ClosedResourceError"}
