"""What jailed children do in tests: what they may, and everything that they may not."""

import contextlib
import ctypes
import fcntl
import os
import resource
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any


def work(data: bytes, options: dict[str, Any]) -> Iterator[bytes]:
    yield from globals()[f"_{options['do']}"](data)


def _reverse(data: bytes) -> Iterator[bytes]:
    yield data[::-1]


def _count(data: bytes) -> Iterator[bytes]:
    for number in range(int(data)):
        yield str(number).encode()


def _raise(data: bytes) -> Iterator[bytes]:
    yield b"before"
    raise KeyError(data)


def _loop(data: bytes) -> Iterator[bytes]:
    yield b"before"
    while True:
        pass


def _sleep(data: bytes) -> Iterator[bytes]:
    yield b"before"
    time.sleep(600)


def _crash(data: bytes) -> Iterator[bytes]:
    yield b"before"
    ctypes.string_at(0)


def _eat(data: bytes) -> Iterator[bytes]:
    held = []
    while True:
        held.append(bytearray(16 * 1024 * 1024))


def _flood(data: bytes) -> Iterator[bytes]:
    while True:
        yield bytes(1024 * 1024)


def _drip(data: bytes) -> Iterator[bytes]:
    while True:
        yield b""


def _babble(data: bytes) -> Iterator[bytes]:
    """What a child sends that hostile data has taken over."""
    for descriptor in range(3, 64):
        with contextlib.suppress(OSError):
            os.write(descriptor, b"z" + (5).to_bytes(8, "big") + b"hello")
    yield b"too late"


def _length(data: bytes) -> Iterator[bytes]:
    yield str(len(data)).encode()


def _print(data: bytes) -> Iterator[bytes]:
    sys.stdout.write("not for the parent")
    sys.stdout.flush()
    os.write(1, b"nor this")
    yield b"clean"


def _pid(data: bytes) -> Iterator[bytes]:
    yield str(os.getpid()).encode()


def _environment(data: bytes) -> Iterator[bytes]:
    yield repr(dict(os.environ)).encode()


def _refused(data: bytes) -> Iterator[bytes]:
    """What of the forbidden things was done: none of it, where all protections hold."""
    path = Path(data.decode())
    attempts: dict[str, Callable[[], object]] = {
        "read": path.read_bytes,
        "list": lambda: list(path.parent.iterdir()),
        "write": lambda: os.open(path, os.O_WRONLY | os.O_APPEND),
        "create": lambda: os.open(f"{path}.new", os.O_WRONLY | os.O_CREAT),
        "remove": path.unlink,
        "rename": lambda: path.rename(f"{path}.moved"),
        "folder": path.with_suffix(".folder").mkdir,
        "link": lambda: path.with_suffix(".link").symlink_to(path),
        "socket": socket.socket,
        "unix socket": lambda: socket.socket(socket.AF_UNIX),
        "fork": _forked,
        "run": lambda: subprocess.run(["/bin/true"], check=True),
        "kill": lambda: os.kill(os.getppid(), 0),
        "read a process": Path(f"/proc/{os.getppid()}/environ").read_bytes,
        "more time": lambda: resource.setrlimit(resource.RLIMIT_CPU, (1, 1)),
        "signals by files": _signalled,
    }
    for name, attempt in attempts.items():
        try:
            attempt()
        except (OSError, ValueError):
            continue
        yield name.encode()


def _forked() -> None:
    if os.fork() == 0:
        os._exit(0)


def _signalled() -> None:
    """A file that is ready has its owner, which may be any process of the same user, sent a signal."""
    for descriptor in range(64):
        try:
            os.fstat(descriptor)
        except OSError:
            continue
        fcntl.fcntl(descriptor, fcntl.F_SETOWN, os.getppid())
