"""A program whose disk is slow or fails and whose clock jumps, while it runs, as a test says.

Between the program and the system's library: `faults.c`, compiled here and preloaded.
"""

import mmap
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

_SOURCE = Path(__file__).with_name("faults.c")
_FIELDS = ("clock_seconds", "read_ms", "sync_ms", "write_errno", "reads")  # as the struct in the source has them
_BYTES = 8


class Faults:
    """`environment` is for the program. Only files whose path contains `only` are slow or fail."""

    def __init__(self, folder: Path, only: str) -> None:
        compiler = shutil.which("gcc") or shutil.which("cc")
        if compiler is None:
            pytest.skip("making a slow disk needs a C compiler")
        library, file = folder / "faults.so", folder / "faults"
        # One call on Linux with glibc; `-D` so that the 32-bit names stay functions of their own.
        command = [compiler, "-shared", "-fPIC", "-O1", "-o", str(library), str(_SOURCE), "-ldl"]
        made = subprocess.run(command, capture_output=True, text=True, timeout=60)
        if made.returncode:
            pytest.skip(f"the faults cannot be compiled here: {made.stderr[:200]}")
        file.write_bytes(bytes(_BYTES * len(_FIELDS)))
        with file.open("r+b") as opened:
            self._map = mmap.mmap(opened.fileno(), 0)
        self.environment: Mapping[str, str] = {
            "LD_PRELOAD": str(library),
            "FAULTS_FILE": str(file),
            "FAULTS_ONLY": only,
        }

    def close(self) -> None:
        self._map.close()

    @contextmanager
    def clock(self, seconds: int) -> Iterator[None]:
        """The program's time of day differs by `seconds` from the machine's."""
        with self._set("clock_seconds", seconds):
            yield

    @contextmanager
    def slow_reads(self, milliseconds: int) -> Iterator[None]:
        with self._set("read_ms", milliseconds):
            yield

    @contextmanager
    def slow_syncs(self, milliseconds: int) -> Iterator[None]:
        with self._set("sync_ms", milliseconds):
            yield

    @contextmanager
    def failing_writes(self, error: int) -> Iterator[None]:
        with self._set("write_errno", error):
            yield

    @property
    def now(self) -> float:
        """The program's unix second."""
        return time.time() + self._get("clock_seconds")

    @property
    def reads(self) -> int:
        """How many were slow so far."""
        return self._get("reads")

    @contextmanager
    def _set(self, name: str, value: int) -> Iterator[None]:
        self._put(name, value)
        try:
            yield
        finally:
            self._put(name, 0)

    def _put(self, name: str, value: int) -> None:
        at = _FIELDS.index(name) * _BYTES
        self._map[at : at + _BYTES] = value.to_bytes(_BYTES, "little", signed=True)

    def _get(self, name: str) -> int:
        at = _FIELDS.index(name) * _BYTES
        return int.from_bytes(self._map[at : at + _BYTES], "little", signed=True)
