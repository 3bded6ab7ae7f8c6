"""What an IMAP server may take of our time and memory."""

import time
from dataclasses import dataclass

_MEGABYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds and bytes.

    `connect` is for the way to the server, TLS and the greeting included. `read` is how long a server may send nothing,
    `command` how long one command may take; it is longer for answers that need it at `slowest` bytes per second.
    `idle` is how long IDLE lasts before it is renewed (RFC 2177: 29 minutes at most). `message` is the largest message
    that is fetched whole, and `batch` what one call of `fetch` may bring altogether.
    """

    connect: float = 15.0
    read: float = 60.0
    command: float = 300.0
    idle: float = 1500.0
    slowest: int = 4096
    message: int = 64 * _MEGABYTE
    batch: int = 256 * _MEGABYTE
    text: int = 8 * _MEGABYTE  # of a message of which only the text is fetched
    line: int = _MEGABYTE
    answer: int = 4 * _MEGABYTE  # to a command that has no limit of its own


class Allowance:
    """What is left for one command: bytes of lines, bytes of literals, and time. An answer that comes in many small
    pieces costs more memory than its bytes: each is charged for what it takes beside them."""

    _PER_PIECE = 100

    def __init__(self, limits: Limits, *, lines: int, line: int, literals: int, literal: int, seconds: float) -> None:
        self.line = line
        self.literal = literal
        self._lines_left = lines
        self._literals_left = literals
        self._slowest = limits.slowest
        self._started = time.monotonic()
        self._seconds = seconds
        self._received = 0

    def takes_line(self, size: int) -> bool:
        """Whether a line of that size may come; it is counted."""
        self._lines_left -= size + self._PER_PIECE
        return size <= self.line and self._lines_left >= 0

    def takes_literal(self, size: int) -> bool:
        self._literals_left -= size + self._PER_PIECE
        return size <= self.literal and self._literals_left >= 0

    def received(self, size: int) -> None:
        self._received += size

    def seconds_left(self) -> float:
        return self._started + self._seconds + self._received / self._slowest - time.monotonic()
