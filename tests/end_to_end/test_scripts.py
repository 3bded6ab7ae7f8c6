"""`scripts/run` in a fresh copy of the checkout, in a folder with a space in its name: what a newcomer does."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from end_to_end.conftest import letter, write_mbox
from support.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
SETUP_SECONDS = 300
INDEX_UNREACHABLE = re.compile("Failed to fetch|error sending request|No matching distribution|Network is unreachable")


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What git would give a newcomer, with the environment set up."""
    copy = tmp_path_factory.mktemp("a folder") / "mail query"
    for name in ("modules", "infra", "scripts", "config"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("pyproject.toml", "README.md", "LICENSE", "requirements.lock", "requirements-dev.lock"):
        shutil.copy(ROOT / file, copy)
    done = subprocess.run(
        ["bash", "-c", '. "$1/scripts/lib/env.sh" && environment runtime', "bash", copy],
        capture_output=True,
        text=True,
        timeout=SETUP_SECONDS,
    )
    if done.returncode != 0 and INDEX_UNREACHABLE.search(done.stderr):
        pytest.skip("no package index can be reached to set up an environment from")
    assert done.returncode == 0, done.stderr
    return copy


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith("MAILQUERY_")}
    return {**own, "MAILQUERY_HOME": str(tmp_path / "archive"), "TERM": "dumb"}


class Running:
    """`scripts/run`, once its server accepts requests."""

    def __init__(self, checkout: Path, environment: dict[str, str], *arguments: str | Path) -> None:
        command = [checkout / "scripts" / "run", *arguments]
        self.process = subprocess.Popen(
            command, env=environment, cwd="/", stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        watchdog = threading.Timer(SETUP_SECONDS, self.process.kill)
        watchdog.start()
        self.err = ""
        for line in self.process.stderr:
            self.err += line
            if "serves MCP at" in line:
                break
        else:
            pytest.fail(self.err)
        watchdog.cancel()
        out = ""
        while "Ctrl-C ends" not in out:
            out += self.process.stdout.readline()
        self.out = out

    def close(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def sample(checkout: Path, environment: dict[str, str]) -> Iterator[Running]:
    running = Running(checkout, environment, "--port", str(free_port()))
    yield running
    running.close()


def test_what_it_prints_works_as_pasted(sample: Running, environment: dict[str, str]) -> None:
    curl = re.search(r"^  (curl .*)$", sample.out, re.MULTILINE)
    assert curl is not None
    if shutil.which("curl"):
        answer = json.loads(subprocess.check_output(["bash", "-c", curl[1]], timeout=30))
        assert answer["result"]["structuredContent"]["rows"]

    printed = re.search(r"^\{.*?^\}", sample.out, re.MULTILINE | re.DOTALL)
    assert printed is not None
    configuration = json.loads(printed[0])
    entry = configuration["mcpServers"]["mailquery"]
    request = {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    }
    answered = subprocess.run(
        [entry["command"], *entry["args"]],
        input=json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": request}) + "\n",
        env=environment | entry["env"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert json.loads(answered.stdout)["result"]["serverInfo"]["name"] == "mailquery"


def test_ctrl_c_ends_it(sample: Running) -> None:
    sample.process.send_signal(signal.SIGINT)
    _, err = sample.process.communicate(timeout=20)
    assert sample.process.returncode in (0, 130)
    assert "Traceback" not in err


def test_paths_are_imported_and_served(checkout: Path, environment: dict[str, str], tmp_path: Path) -> None:
    mbox = write_mbox(tmp_path / "own.mbox", [letter(number) for number in range(3)])
    running = Running(checkout, environment, mbox, "--port", str(free_port()))
    try:
        assert "3 messages imported" in running.err
        assert environment["MAILQUERY_HOME"] in running.out
    finally:
        running.close()


def test_a_taken_port_is_refused_before_anything_else(checkout: Path, environment: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = subprocess.run(
            [checkout / "scripts" / "run", "--port", port], env=environment, capture_output=True, text=True, timeout=60
        )
    assert done.returncode == 1
    assert f"Port {port} is in use" in done.stderr
    assert done.stdout == ""


def test_a_path_that_does_not_exist_ends_it(checkout: Path, environment: dict[str, str]) -> None:
    done = subprocess.run(
        [checkout / "scripts" / "run", "--port", str(free_port()), "/nowhere/at/all"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 3
    assert "/nowhere/at/all" in done.stderr
