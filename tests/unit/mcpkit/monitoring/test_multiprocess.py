"""Figures of several processes, counted by processes of their own."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from mcpkit.errors import ErrorCode, Fault
from mcpkit.monitoring import multiprocess
from mcpkit.monitoring.multiprocess import FOLDER_VARIABLE, MultiprocessMetrics, mark_dead, prepare

_WORKER = """
import sys
from mcpkit.monitoring.metrics import CallMetrics
metrics = CallMetrics()
for _ in range(int(sys.argv[1])):
    metrics.started()
    metrics.ended("tool", "search", "ok", 0.002, 900)
metrics.started()
print("counted", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(FOLDER_VARIABLE, "")  # is put back
    (tmp_path / "counter_1.db").write_bytes(b"of an earlier run")
    prepare(tmp_path)
    return tmp_path


def started(calls: int) -> "subprocess.Popen[str]":
    process = subprocess.Popen(
        [sys.executable, "-c", _WORKER, str(calls)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "counted\n"
    return process


def figures(port: int) -> dict[str, float]:
    text = httpx2.get(f"http://127.0.0.1:{port}/metrics").text
    return {name: float(value) for name, value in re.findall(r"^(\w\S*) (\S+)$", text, re.MULTILINE)}


@pytest.fixture
def workers(folder: Path) -> Iterator["list[subprocess.Popen[str]]"]:
    found = [started(2), started(3)]
    yield found
    for process in found:
        process.communicate()


def test_the_sum_is_served_and_outlives_those_who_counted(workers: "list[subprocess.Popen[str]]", folder: Path) -> None:
    assert folder.stat().st_mode & 0o077 == 0
    metrics = MultiprocessMetrics(lambda: [each.pid for each in workers], lambda: 7, lambda: 3)
    with metrics.served("127.0.0.1", 0) as port:
        found = figures(port)
        assert found['mcp_requests_total{method="tool",status="ok",tool="search"}'] == 5
        assert found['mcp_request_duration_seconds_bucket{le="0.0025",method="tool",tool="search"}'] == 5
        assert found["mcp_inflight"] == 2
        assert (found["mcp_workers"], found["mcp_worker_restarts_total"]) == (2, 7)
        assert found["mcp_worker_hangs_total"] == 3
        assert found["process_resident_memory_bytes"] > 3 * 5_000_000
        for ended in (workers.pop(), workers.pop()):
            ended.kill()
            ended.communicate()
            mark_dead(ended.pid)
        found = figures(port)
        assert found['mcp_requests_total{method="tool",status="ok",tool="search"}'] == 5
        assert found['mcp_request_duration_seconds_count{method="tool",tool="search"}'] == 5
        assert found['mcp_request_duration_seconds_sum{method="tool",tool="search"}'] == pytest.approx(0.01)
        assert found.get("mcp_inflight", 0) == 0
        assert found["mcp_workers"] == 0
    assert sorted(file.name for file in folder.iterdir()) == ["counter_0.db", "histogram_0.db"]


def test_a_process_alone_has_no_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(FOLDER_VARIABLE, raising=False)
    assert multiprocess.folder() is None
    mark_dead(os.getpid())
    monkeypatch.setenv(FOLDER_VARIABLE, "/of/another/program")
    multiprocess.alone()
    assert multiprocess.folder() is None


def test_a_port_in_use_is_an_error_that_names_the_setting(folder: Path) -> None:
    metrics = MultiprocessMetrics(tuple)
    with metrics.served("127.0.0.1", 0) as port, pytest.raises(Fault) as caught, metrics.served("127.0.0.1", port):
        raise AssertionError("it was served")
    assert caught.value.code is ErrorCode.CONFIGURATION
