"""The bytes to and from an IMAP server, beneath imaplib: bounded in time and memory, whatever the server sends.

A `Wire` belongs to one thread; `break_off` may be used from any.
"""

import imaplib
import select
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Literal

from mailquery.domain.accounts import Server
from mailquery.sources.imap import tls
from mailquery.sources.imap.faults import broken_off, of_network, protocol_broken, timed_out, unavailable
from mailquery.sources.imap.limits import Allowance, Limits
from mailquery.sources.remote import Reason

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_CHUNK = 256 * 1024


class Traffic:
    """Bytes that came over several connections."""

    def __init__(self) -> None:
        self.received = 0
        self._lock = threading.Lock()

    def add(self, size: int) -> None:
        with self._lock:
            self.received += size


class Wire(imaplib.IMAP4):
    """`started` is given the wire before anything is waited for.

    Raises:
        Fault: SOURCE_UNAVAILABLE with the reasons TIMEOUT, BROKEN_OFF and PROTOCOL, from every method. The connection
            is then of no further use.
    """

    def __init__(self, limits: Limits, server: Server, traffic: Traffic, started: Callable[["Wire"], None]) -> None:
        self._limits = limits
        self._server = server
        self._traffic = traffic
        self._buffer = bytearray()
        self._aborted = False
        self._allowance = self._allow(limits.answer, seconds=limits.connect)
        started(self)
        super().__init__(server.host, server.port, limits.connect)

    # What imaplib calls

    def open(self, host: str = "", port: int = 0, timeout: float | None = None) -> None:
        self.host = host
        self.port = port
        self.sock = tls.connect(self._server, timeout or self._limits.connect)
        self.sock.setblocking(False)
        if self._aborted:
            self._abort_socket()

    def starttls(self, ssl_context: ssl.SSLContext | None = None) -> tuple[Literal["OK"], list[None]]:
        """The context is that of the server's settings, whatever is given."""
        kind, _ = self._simple_command("STARTTLS")
        if kind != "OK":
            raise unavailable(Reason.TLS, f"{self.host} refuses STARTTLS.")
        self._secure()
        self.untagged_responses.clear()  # what was said before proves nothing
        self._get_capabilities()
        return "OK", [None]

    def read(self, size: int) -> bytes:
        """A literal of `size` bytes. One that is too large is refused before anything of it is read."""
        if not self._allowance.takes_literal(size):
            raise protocol_broken(f"it announced {size} bytes, more than it was asked for")
        while len(self._buffer) < size:
            self._fill(max(_CHUNK, min(size - len(self._buffer), 4 * _CHUNK)))
        return self._cut(size)

    def readline(self) -> bytes:
        """With its end (CRLF)."""
        searched = 0
        while (end := self._buffer.find(b"\n", searched)) < 0:
            searched = len(self._buffer)
            if searched > self._allowance.line:
                raise protocol_broken("it sent a line without end")
            self._fill(_CHUNK)
        if not self._allowance.takes_line(end):
            raise protocol_broken("it sent more than it was asked for")
        return self._cut(end + 1)

    def send(self, data: "ReadableBuffer") -> None:
        view = memoryview(data)
        while view:
            try:
                view = view[self.sock.send(view) :]
            except (BlockingIOError, ssl.SSLWantWriteError):
                self._wait(writing=True)
            except ssl.SSLWantReadError:
                self._wait(writing=False)
            except OSError as error:
                raise self._failed(error) from error

    def shutdown(self) -> None:
        self._abort_socket()
        sock = getattr(self, "sock", None)  # none where there was no way to the server
        if sock is not None:
            sock.close()

    def _log(self, line: str) -> None:
        """Nothing: imaplib keeps the last lines for debugging, secrets too."""

    def _mesg(self, s: str, secs: float | None = None) -> None:
        """Nothing, for the same reason."""

    def _get_line(self) -> bytes:
        line = self.readline()
        if not line.endswith(b"\r\n"):
            raise protocol_broken("a line does not end as lines do")
        return line[:-2]

    # What the session calls

    @contextmanager
    def allowing(
        self, lines: int, *, line: int = 0, literals: int = 0, literal: int = 0, seconds: float = 0.0
    ) -> Iterator[None]:
        """For one command: how many bytes the lines of its answer may have altogether, and the longest of them; the
        same for literals; and how long it may take. Zero is what is usual."""
        before = self._allowance
        self._allowance = self._allow(lines, line=line, literals=literals, literal=literal, seconds=seconds)
        try:
            yield
        finally:
            self._allowance = before

    def line(self) -> bytes:
        """The next, without its end."""
        return self._get_line()

    def new_tag(self) -> bytes:
        self.tagnum += 1
        return b"M%d" % self.tagnum  # imaplib's own have letters from A to P

    def wait_until_readable(self, seconds: float) -> bool:
        """Whether something came within that time."""
        if self._buffer or self._pending():
            return True
        return self._poll(writing=False, seconds=seconds)

    def break_off(self) -> None:
        """Ends what the connection's thread is waiting for. From any thread."""
        self._aborted = True
        self._abort_socket()

    def _secure(self) -> None:
        """From here on within TLS (RFC 9051, section 6.2.1). What was received after the answer to STARTTLS could have
        been put in by somebody on the way, and would be taken for what came within TLS."""
        if self._buffer:
            raise protocol_broken("it went on in the clear after it had agreed to STARTTLS")
        self.sock.settimeout(max(0.01, self._allowance.seconds_left()))
        self.sock = tls.wrapper(self._server)(self.sock)
        self.sock.setblocking(False)
        if self._aborted:
            self._abort_socket()

    def _abort_socket(self) -> None:
        sock = getattr(self, "sock", None)
        if sock is not None:
            with suppress(OSError):
                # Of the socket itself: TLS would first want to say goodbye.
                socket.socket.shutdown(sock, socket.SHUT_RDWR)

    def _allow(
        self, lines: int, *, line: int = 0, literals: int = 0, literal: int = 0, seconds: float = 0.0
    ) -> Allowance:
        limits = self._limits
        return Allowance(
            limits,
            lines=lines,
            line=line or limits.line,
            literals=literals or limits.answer,
            literal=literal or limits.line,
            seconds=seconds or limits.command,
        )

    def _cut(self, size: int) -> bytes:
        with memoryview(self._buffer) as view:
            cut = bytes(view[:size])
        del self._buffer[:size]
        return cut

    def _fill(self, size: int) -> None:
        while True:
            if self._allowance.seconds_left() <= 0:
                raise timed_out("the answer takes too long")
            try:
                piece = self.sock.recv(size)
            except (BlockingIOError, ssl.SSLWantReadError):
                self._wait(writing=False)
                continue
            except ssl.SSLWantWriteError:
                self._wait(writing=True)
                continue
            except OSError as error:
                raise self._failed(error) from error
            if not piece:
                raise broken_off()
            self._traffic.add(len(piece))
            self._allowance.received(len(piece))
            self._buffer += piece
            return

    def _wait(self, *, writing: bool) -> None:
        seconds = min(self._limits.read, self._allowance.seconds_left())
        if seconds <= 0 or not self._poll(writing=writing, seconds=seconds):
            raise timed_out("it sends nothing" if not writing else "it takes nothing")

    def _poll(self, *, writing: bool, seconds: float) -> bool:
        try:
            poller = select.poll()
            poller.register(self.sock, select.POLLOUT if writing else select.POLLIN)
            return bool(poller.poll(seconds * 1000))
        except (OSError, ValueError) as error:  # closed meanwhile
            raise broken_off() from error

    def _pending(self) -> bool:
        return isinstance(self.sock, ssl.SSLSocket) and self.sock.pending() > 0

    def _failed(self, error: OSError) -> Exception:
        return broken_off() if self._aborted else of_network(error, self.host, self.port)
