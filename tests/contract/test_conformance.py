"""The official conformance suite against the product's own server, with the suite's fixtures beside its tools.

The suite comes from the npm registry into `.tools/conformance`, once, with the Node that it needs.
"""

import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock

from contract.conftest import HERE, server_environment

SUITE = "@modelcontextprotocol/conformance@0.2.0-alpha.12"
NODE = "node@22.23.3"
FOLDER = HERE.parent.parent / ".tools" / "conformance"


@pytest.fixture(scope="session")
def suite() -> Path:
    """The suite's program. Skips where it can be neither found nor installed."""
    program = FOLDER / "node_modules" / ".bin" / "conformance"
    FOLDER.mkdir(parents=True, exist_ok=True)
    with FileLock(FOLDER / ".lock"):
        if program.exists():
            return program
        npm = shutil.which("npm")
        if npm is None:
            pytest.skip("npm is not installed, which the conformance suite comes by")
        install = [npm, "install", "--no-audit", "--no-fund", "--prefix", str(FOLDER), NODE, SUITE]
        done = subprocess.run(install, capture_output=True, text=True, timeout=110, check=False)
        if any(sign in done.stderr for sign in ("ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ETIMEDOUT", "ENETUNREACH")):
            pytest.skip("the conformance suite cannot be installed: the npm registry is not to be reached")
        assert done.returncode == 0, done.stderr
    return program


@pytest.fixture(scope="module")
def fixtures_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    command = [sys.executable, "-m", "mailquery", "serve", "--transport", "http", "--port", "0", "--conformance"]
    home = tmp_path_factory.mktemp("archive")
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, env={**server_environment(), "MAILQUERY_HOME": str(home)}
    ) as process:
        assert process.stderr is not None
        announced = re.search(r"http://\S+", process.stderr.readline())
        assert announced is not None
        # What it logs must not fill the pipe.
        threading.Thread(target=process.stderr.read, daemon=True).start()
        yield announced[0]
        process.terminate()


@pytest.mark.parametrize("revision", ["2025-11-25", "2026-07-28"])
def test_all_that_a_revision_requires_passes(suite: Path, fixtures_url: str, revision: str) -> None:
    node = suite.parent.parent / "node" / "bin"
    done = subprocess.run(
        [suite, "server", "--url", fixtures_url, "--requirements", revision],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
        env={**os.environ, "PATH": f"{node}{os.pathsep}{os.environ['PATH']}"},
    )
    _, found, summary = done.stdout.partition("=== SUMMARY ===")
    assert found, done.stdout[-2000:] + done.stderr[-2000:]
    assert done.returncode == 0, summary
