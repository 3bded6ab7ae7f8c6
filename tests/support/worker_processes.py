"""The worker processes of a running server."""

from pathlib import Path


def workers_of(supervisor: int) -> list[int]:
    """Their process ids."""
    return [pid for pid in _children(supervisor) if b"mailquery.cli.server.workers" in command_of(pid)]


def command_of(process: int) -> bytes:
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:  # it has ended
        return b""


def _children(process: int) -> list[int]:
    return [int(pid) for pid in Path(f"/proc/{process}/task/{process}/children").read_text().split()]
