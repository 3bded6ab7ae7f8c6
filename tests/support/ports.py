"""Ports of loopback."""

import socket


def free_port() -> int:
    """One that nobody listened at a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port
