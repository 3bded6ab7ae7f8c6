"""What is left of the machine that a server runs on: room on the disk, and memory."""

import asyncio
import os
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path

from mcpkit.monitoring.health import Outcome, Status

NO_SPACE = 64 << 20  # bytes, with which nothing more can be stored
LITTLE_SPACE = 1 << 30  # of which a tenth of a smaller disk is enough
_LITTLE_MEMORY = 0.10  # of what there may be
_NO_MEMORY = 0.02

_PROC = Path("/proc")
_CONTROL_GROUP = Path("/sys/fs/cgroup")


def disk_check(folder: Path) -> Callable[[], Awaitable[Outcome]]:
    """Of the disk that `folder` is on, or will be."""

    async def look() -> Outcome:
        return await asyncio.to_thread(disk, folder)  # a file system over the network may hang

    return look


def disk(folder: Path) -> Outcome:
    usage = shutil.disk_usage(_existing(folder))
    detail = f"{_size(usage.free)} free"
    if usage.free < NO_SPACE:
        return Outcome(Status.UNHEALTHY, detail)
    if usage.free < min(LITTLE_SPACE, usage.total // 10):
        return Outcome(Status.DEGRADED, detail)
    return Outcome(detail=detail)


def free_bytes(folder: Path) -> int:
    return shutil.disk_usage(_existing(folder)).free


async def memory_check() -> Outcome:
    return memory()


def memory(proc: Path = _PROC, control_group: Path = _CONTROL_GROUP) -> Outcome:
    """Of the control group (version 2) where it has a limit, such as a container's, else of the machine. What the
    system keeps of files and can give up at once counts as free."""
    found = _of_control_group(control_group) or _of_machine(proc)
    if found is None:
        return Outcome(detail="not known on this system")
    free, total = found
    detail = f"{_size(free)} of {_size(total)} free"
    if free < total * _NO_MEMORY:
        return Outcome(Status.UNHEALTHY, detail)
    return Outcome(Status.DEGRADED if free < total * _LITTLE_MEMORY else Status.HEALTHY, detail)


def _of_control_group(folder: Path) -> tuple[int, int] | None:
    try:
        limit = (folder / "memory.max").read_text("ascii").strip()
        if limit == "max":
            return None
        current = int((folder / "memory.current").read_text("ascii"))
        kept = _field(folder / "memory.stat", "inactive_file")
        return max(0, int(limit) - current + kept), int(limit)
    except (OSError, ValueError):
        return None


def _of_machine(proc: Path) -> tuple[int, int] | None:
    try:
        total = _field(proc / "meminfo", "MemTotal:") << 10
        return _field(proc / "meminfo", "MemAvailable:") << 10, total
    except (OSError, ValueError):
        return None


def _field(file: Path, name: str) -> int:
    for line in file.read_text("ascii").splitlines():
        words = line.split()
        if len(words) > 1 and words[0] == name:
            return int(words[1])
    raise ValueError(f"{file} has no {name}")


def _existing(folder: Path) -> Path:
    return next(each for each in (folder, *folder.parents) if os.path.exists(each))


def _size(count: int) -> str:
    return f"{count / (1 << 30):.1f} GiB" if count >= 1 << 30 else f"{count / (1 << 20):.0f} MiB"
