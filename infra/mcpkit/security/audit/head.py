"""The newest link of the chain, kept in a file beside the database.

A chain alone cannot tell that its last records were removed: what is left of it still holds. The head is signed with
the audit's key and moves forward only, after what it names has been committed. A process that dies in between leaves it
behind by what it wrote last; the next record brings it up to date.
"""

import fcntl
import hmac
import os
import re
from pathlib import Path

from mcpkit.security.audit.chain import Chain, Link

_FORM = re.compile(rb"(\d{19}) ([0-9a-f]{64}) ([0-9a-f]{64})\n")
_LENGTH = 19 + 1 + 64 + 1 + 64 + 1


class Head:
    """All of it blocks, for microseconds. Raises OSError."""

    def __init__(self, path: Path, chain: Chain) -> None:
        self.path = path
        self._chain = chain

    def read(self) -> Link | None:
        """None where there is none, or what is there was not written with this key."""
        try:
            return self._parsed(self.path.read_bytes())
        except FileNotFoundError:
            return None

    def advance(self, link: Link) -> None:
        """Names `link`, unless another process has named a later one already."""
        with _Opened(self.path) as descriptor:
            present = self._parsed(os.pread(descriptor, _LENGTH, 0))
            if present is None or present.sequence < link.sequence:
                self._write(descriptor, link)

    def replace(self, link: Link) -> None:
        """Names `link`, whatever was named before: where a chain begins."""
        with _Opened(self.path) as descriptor:
            self._write(descriptor, link)

    def _write(self, descriptor: int, link: Link) -> None:
        # In place and of one length: it needs no room on a full disk once it is there, and is never seen in halves.
        text = b"%019d %s %s\n" % (
            link.sequence,
            link.hash.hex().encode(),
            self._chain.head_proof(link).hex().encode(),
        )
        os.pwrite(descriptor, text, 0)

    def _parsed(self, text: bytes) -> Link | None:
        match = _FORM.fullmatch(text)
        if match is None:
            return None
        link = Link(int(match[1]), bytes.fromhex(match[2].decode()))
        return link if hmac.compare_digest(self._chain.head_proof(link), bytes.fromhex(match[3].decode())) else None


class _Opened:
    """The file, locked against other processes while it is open."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = -1

    def __enter__(self) -> int:
        self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        except BaseException:
            os.close(self._descriptor)
            raise
        return self._descriptor

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)
