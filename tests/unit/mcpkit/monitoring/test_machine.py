import shutil
from pathlib import Path
from typing import NamedTuple

import pytest

from mcpkit.monitoring.health import Status
from mcpkit.monitoring.machine import disk, free_bytes, memory

MIB = 1 << 20
GIB = 1 << 30


class Usage(NamedTuple):
    total: int
    used: int
    free: int


@pytest.mark.parametrize(
    ("total", "free", "status"),
    [
        (100 * GIB, 5 * GIB, Status.HEALTHY),
        (100 * GIB, GIB - 1, Status.DEGRADED),
        (2 * GIB, GIB // 2, Status.HEALTHY),  # of a small disk a tenth is enough
        (2 * GIB, 150 * MIB, Status.DEGRADED),
        (100 * GIB, 63 * MIB, Status.UNHEALTHY),
    ],
)
def test_room_on_the_disk(monkeypatch: pytest.MonkeyPatch, total: int, free: int, status: Status) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: Usage(total, total - free, free))
    found = disk(Path("/"))
    assert found.status is status
    assert found.detail.endswith(" free")


def test_a_folder_that_is_not_there_yet_is_on_the_disk_of_the_one_above(tmp_path: Path) -> None:
    assert free_bytes(tmp_path / "not" / "yet") > 0
    assert disk(tmp_path / "not" / "yet").detail


def group(folder: Path, limit: str, current: int, inactive: int) -> Path:
    (folder / "memory.max").write_text(f"{limit}\n")
    (folder / "memory.current").write_text(f"{current}\n")
    (folder / "memory.stat").write_text(f"anon 1\ninactive_file {inactive}\nactive_file 7\n")
    return folder


@pytest.mark.parametrize(
    ("current", "inactive", "status"),
    [
        (500 * MIB, 0, Status.HEALTHY),
        (990 * MIB, 500 * MIB, Status.HEALTHY),  # what is kept of files can be given up
        (950 * MIB, 0, Status.DEGRADED),
        (1020 * MIB, 1 * MIB, Status.UNHEALTHY),
    ],
)
def test_memory_of_a_container(tmp_path: Path, current: int, inactive: int, status: Status) -> None:
    found = memory(tmp_path, group(tmp_path, str(GIB), current, inactive))
    assert found.status is status
    assert found.detail.endswith("of 1.0 GiB free")


def test_memory_of_the_machine_where_the_container_has_no_limit(tmp_path: Path) -> None:
    (tmp_path / "meminfo").write_text("MemTotal:  1048576 kB\nMemFree:  10 kB\nMemAvailable:  51200 kB\n")
    assert memory(tmp_path, group(tmp_path, "max", 5, 5)).status is Status.DEGRADED
    assert memory(tmp_path, tmp_path / "none").detail == "50 MiB of 1.0 GiB free"


def test_what_the_system_does_not_tell_is_no_problem(tmp_path: Path) -> None:
    assert memory(tmp_path, tmp_path).status is Status.HEALTHY
