"""The limit of the server itself: everything is asked for at once, read, and thrown away."""

import re
import socket
import time

from mailbench.synchronising.dovecot import PASSWORD, USER

_BATCH = 250  # messages of one FETCH; they are sent without waiting for answers
_CHUNK = 1 << 20
_ITEMS = b"(UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[])"


class _Connection:
    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._rest = b""
        self.received = 0
        self._line()

    def say(self, command: bytes) -> None:
        self._socket.sendall(command + b"\r\n")

    def until(self, tag: bytes) -> bytes:
        """What is said up to the answer to `tag`; of long answers the end only. Literals are not looked into: a tag is
        one that no message holds."""
        seen = self._rest
        wanted = tag + b" "
        while wanted not in seen:
            read = self._socket.recv(_CHUNK)
            if not read:
                raise ConnectionError("the server has closed the connection")
            self.received += len(read)
            seen = seen[-_CHUNK:] + read
        at = seen.index(wanted)
        end = seen.find(b"\r\n", at)
        while end < 0:
            seen += self._socket.recv(_CHUNK)
            end = seen.find(b"\r\n", at)
        if not seen[at:].startswith(wanted + b"OK"):
            raise ConnectionError(seen[at:end].decode(errors="replace"))
        self._rest = seen[end + 2 :]
        return seen[:at]

    def _line(self) -> None:
        while b"\r\n" not in self._rest:
            self._rest += self._socket.recv(_CHUNK)
        self._rest = self._rest.split(b"\r\n", 1)[1]

    def close(self) -> None:
        self._socket.close()


def fetch_everything(port: int) -> tuple[int, int, float]:
    """(messages, bytes, seconds) for all mailboxes, with one connection and commands pipelined."""
    started = time.perf_counter()
    connection = _Connection(port)
    connection.say(f"mbtag-login LOGIN {USER} {PASSWORD}".encode())
    connection.until(b"mbtag-login")
    connection.say(b'mbtag-list LIST "" "*"')
    listed = connection.until(b"mbtag-list")
    names = re.findall(rb'\* LIST \([^)]*\) "." ("(?:[^"\\]|\\.)*"|\S+)\r\n', listed)
    messages = 0
    for number, name in enumerate(names):
        connection.say(b"mbtag-open%d EXAMINE %s" % (number, name))
        opened = connection.until(b"mbtag-open%d" % number)
        found = re.search(rb"\* (\d+) EXISTS", opened)
        exists = int(found[1]) if found else 0
        messages += exists
        starts = range(1, exists + 1, _BATCH)
        for first in starts:
            connection.say(
                b"mbtag-%d-%d FETCH %d:%d %s" % (number, first, first, min(exists, first + _BATCH - 1), _ITEMS)
            )
        if starts:
            connection.until(b"mbtag-%d-%d" % (number, starts[-1]))
    connection.close()
    return messages, connection.received, time.perf_counter() - started
