"""A real pymap on loopback, for the time of a test: an IMAP server of another house than Dovecot, with OBJECTID."""

import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from support.ports import free_port

_STARTS_WITHIN = 20.0  # seconds
USER = "demouser"
PASSWORD = "demopass"


@contextmanager
def running_pymap() -> Iterator[int]:
    """Its port, in the clear. It has the demonstration's mailboxes: INBOX, Sent and Trash, with four messages, and
    keeps nothing."""
    program = Path(sys.executable).with_name("pymap")
    assert program.exists() or shutil.which("pymap"), "pymap is a development dependency"
    port = free_port()
    process = subprocess.Popen(
        [program, "--host", "127.0.0.1", "--port", str(port), "--no-tls", "--no-service", "admin", "--no-service",
         "managesieve", "dict", "--demo-data"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )  # fmt: skip
    try:
        _await(process, port)
        yield port
    finally:
        process.send_signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(5)
        process.kill()
        process.communicate()


def _await(process: "subprocess.Popen[bytes]", port: int) -> None:
    until = time.monotonic() + _STARTS_WITHIN
    while time.monotonic() < until and process.poll() is None:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5) as client:
            if client.recv(64).startswith(b"* OK"):
                return
        time.sleep(0.05)
    process.kill()
    printed, _ = process.communicate()
    raise AssertionError(f"pymap did not start. {printed.decode(errors='replace')[-2000:]}")
