"""Records beside the database: in a file that a log shipper follows, or in syslog.

Each line has its place in the chain, so that a copy on another machine shows what was done to the original.
"""

import logging
import logging.handlers
import os
from collections.abc import Sequence
from pathlib import Path

_RIGHTS = 0o600


class FileCopy:
    """JSON lines appended to a file of the owner's alone, which is made anew once it was moved away."""

    def __init__(self, path: Path) -> None:
        self.place = path
        self._descriptor: int | None = None

    def write(self, lines: Sequence[str]) -> None:
        text = "".join(f"{line}\n" for line in lines).encode()
        descriptor = self._current()
        while text:  # one write as a rule, which other processes' lines do not get into
            text = text[os.write(descriptor, text) :]

    def close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _current(self) -> int:
        """The file that has the path now."""
        if self._descriptor is not None:
            opened = os.fstat(self._descriptor)
            try:
                present = os.stat(self.place)
            except FileNotFoundError:
                present = None
            if present is not None and (present.st_dev, present.st_ino) == (opened.st_dev, opened.st_ino):
                return self._descriptor
            self.close()
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        self._descriptor = os.open(self.place, flags, _RIGHTS)
        if os.fstat(self._descriptor).st_mode & 0o077:
            os.fchmod(self._descriptor, _RIGHTS)
        return self._descriptor


class SyslogCopy:
    """Syslog (RFC 3164's form), at a local socket or at HOST:PORT over UDP, facility `authpriv`, severity `info`."""

    def __init__(self, address: str, name: str) -> None:
        self._address = _address(address)
        self.place = Path(address)
        self._name = name
        self._handler: _Raising | None = None

    def write(self, lines: Sequence[str]) -> None:
        if self._handler is None:
            facility = logging.handlers.SysLogHandler.LOG_AUTHPRIV
            self._handler = _Raising(self._address, facility=facility, socktype=None)
            self._handler.ident = f"{self._name}-audit: "
            self._handler.append_nul = False
        for line in lines:
            self._handler.emit(logging.LogRecord("audit", logging.INFO, "", 0, line, None, None))

    def close(self) -> None:
        if self._handler is not None:
            self._handler.close()
            self._handler = None


class _Raising(logging.handlers.SysLogHandler):
    """One that does not print its failures and go on."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the standard library's name
        raise  # it is called where an exception is handled


def _address(written: str) -> str | tuple[str, int]:
    """Raises ValueError where it is neither a path nor HOST:PORT."""
    if written.startswith("/"):
        return written
    host, _, port = written.rpartition(":")
    if not host or not port.isdigit():
        raise ValueError(f"{written!r} is neither the path of a socket nor HOST:PORT")
    return host.strip("[]"), int(port)


def is_syslog_address(written: str) -> bool:
    try:
        _address(written)
    except ValueError:
        return False
    return True
