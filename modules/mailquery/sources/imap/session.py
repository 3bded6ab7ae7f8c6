"""A conversation with an IMAP server, in one thread. It blocks: `connection` runs it beside the loop."""

import imaplib
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from imapclient import IMAPClient
from imapclient.exceptions import IMAPClientError

from mailquery.domain.accounts import Security, Server
from mailquery.sources.imap.faults import protocol_broken, unavailable
from mailquery.sources.imap.limits import Limits
from mailquery.sources.imap.refusals import of_command, of_goodbye
from mailquery.sources.imap.responses import Parts, literal_size
from mailquery.sources.imap.wire import Traffic, Wire
from mailquery.sources.remote import Reason
from mcpkit.errors import Fault

_DEPTH = 16  # commands that are sent without waiting: together they fit into the buffers between
_PARTS = 10_000  # literals of one response


@dataclass(frozen=True, slots=True)
class Completion:
    """How a command ended: OK, NO or BAD, and what the server said."""

    status: bytes
    text: str

    @property
    def ok(self) -> bool:
        return self.status == b"OK"


class _Client(IMAPClient):
    """IMAPClient over a `Wire`: greeting, capabilities, STARTTLS and what else is said once."""

    _imap: Wire

    def __init__(self, server: Server, limits: Limits, traffic: Traffic, started: Callable[[Wire], None]) -> None:
        self._server = server
        self._limits = limits
        self._traffic = traffic
        self._wire_started = started
        super().__init__(server.host, server.port, ssl=server.security is Security.TLS)
        # It would have imaplib format every line for a log, secrets too.
        self._imap.debug = 0
        del self._imap.__dict__["_mesg"]

    def _create_IMAP4(self) -> Wire:  # noqa: N802 - IMAPClient's name
        return Wire(self._limits, self._server, self._traffic, self._wire_started)

    def _set_read_timeout(self) -> None:
        """Nothing: the wire has its own."""


class Session:
    """Connected and greeted, and secured where STARTTLS was chosen; not logged in.

    `started` is given the wire before anything is waited for, so that it can be aborted.

    Raises:
        Fault: SOURCE_UNAVAILABLE, as `sources.remote` says, from every method.
    """

    def __init__(self, server: Server, limits: Limits, traffic: Traffic, started: Callable[[Wire], None]) -> None:
        self._server = server
        self._limits = limits
        self._is_idling = False
        self.exists = 0  # messages in the open mailbox, as far as the server has told
        self.changed = False  # whether it told of a change of the open mailbox since somebody looked
        self._capabilities: frozenset[bytes] = frozenset()
        wires: list[Wire] = []

        def remember(wire: Wire) -> None:
            wires.append(wire)
            started(wire)

        try:
            with _translated("the greeting"):
                self._client = _Client(server, limits, traffic, remember)
                self.wire = self._client._imap
                self._check_greeting()
                if server.security is Security.STARTTLS:
                    self._start_tls()
        except BaseException:
            for wire in wires:
                wire.shutdown()
            raise

    def _check_greeting(self) -> None:
        if self.wire.state == "AUTH":
            raise protocol_broken("it takes us for logged in before we were")

    def _start_tls(self) -> None:
        if "STARTTLS" not in self.wire.capabilities:
            raise unavailable(
                Reason.TLS,
                f"{self._server.host} offers no STARTTLS at port {self._server.port}, or somebody on the way has taken "
                "the offer out. Nothing was said to it. Try TLS, usually at port 993.",
            )
        with self.wire.allowing(self._limits.answer, seconds=self._limits.connect):
            self._client.starttls()

    def has(self, capability: str) -> bool:
        return capability.encode() in self.capabilities

    @property
    def capabilities(self) -> frozenset[bytes]:
        if not self._capabilities:
            self.refresh_capabilities()
        return self._capabilities

    def refresh_capabilities(self) -> None:
        """What a server offers is another thing after a login, or within TLS."""
        found: list[bytes] = []

        def take(parts: Parts) -> None:
            if parts[0][:11].upper() == b"CAPABILITY ":
                found.extend(parts[0][11:].upper().split())

        self.run([b"CAPABILITY"], take, what="CAPABILITY")
        if not found:
            raise protocol_broken("it does not say what it can do")
        self._capabilities = frozenset(found)

    def run(
        self,
        commands: Sequence[bytes],
        take: Callable[[Parts], None] | None = None,
        *,
        what: str,
        lines: int = 0,
        line: int = 0,
        literals: int = 0,
        literal: int = 0,
        seconds: float = 0.0,
        refusable: bool = False,
    ) -> list[Completion]:
        """Sends commands, some of them before the answers to those before have come, and gives each response to `take`.
        How each ended, in their order. What comes back is bounded as `Wire.allowing`
        says.

        Raises:
            Fault: also with the reasons REFUSED and BUSY where a command was refused, if it is not `refusable`. The
                session is of further use then.
        """
        completed: dict[bytes, Completion] = {}
        tags: list[bytes] = []
        waiting: deque[bytes] = deque()
        with (
            _translated(what),
            self.wire.allowing(
                lines or self._limits.answer, line=line, literals=literals, literal=literal, seconds=seconds
            ),
        ):
            while len(completed) < len(commands):
                while len(tags) < len(commands) and len(waiting) < _DEPTH:
                    batch = commands[len(tags) : len(tags) + _DEPTH - len(waiting)]
                    new = [self.wire.new_tag() for _ in batch]
                    self.wire.send(b"".join(b"%s %s\r\n" % pair for pair in zip(new, batch, strict=True)))
                    tags += new
                    waiting += new
                self._read(waiting, completed, take)
        ended = [completed[tag] for tag in tags]
        if not refusable:
            for completion in ended:
                if not completion.ok:
                    raise of_command(what, completion.text)
        return ended

    def converse(self, command: bytes, answer: Callable[[bytes], bytes], *, what: str) -> Completion:
        """Of a command that the server asks questions about (AUTHENTICATE). `answer` is given each challenge, and gives
        what is sent."""
        completed: dict[bytes, Completion] = {}
        tag = self.wire.new_tag()
        waiting = deque([tag])
        with _translated(what), self.wire.allowing(self._limits.answer):
            self.wire.send(b"%s %s\r\n" % (tag, command))
            while tag not in completed:
                line = self.wire.line()
                if line.startswith(b"+"):
                    self.wire.send(answer(line[1:].strip()) + b"\r\n")
                else:
                    self._understand(line, waiting, completed, None)
        return completed[tag]

    def idle(self, seconds: float) -> bool:
        """Whether the open mailbox changed within that time, which is at most that of one IDLE (RFC 2177)."""
        completed: dict[bytes, Completion] = {}
        tag = self.wire.new_tag()
        waiting = deque([tag])
        if self.changed:  # while something else was asked for
            self.changed = False
            return True
        with _translated("IDLE"), self._idling():
            with self.wire.allowing(self._limits.answer, seconds=self._limits.read):
                self.wire.send(tag + b" IDLE\r\n")
                while not (line := self.wire.line()).startswith(b"+"):
                    self._understand(line, waiting, completed, None)
                    if tag in completed:
                        raise of_command("IDLE", completed[tag].text)
            with self.wire.allowing(self._limits.answer, seconds=seconds + self._limits.read):
                while not self.changed and self.wire.wait_until_readable(seconds):
                    self._understand(self.wire.line(), waiting, completed, None)
                    if tag in completed:
                        raise protocol_broken("it ended IDLE by itself")
            with self.wire.allowing(self._limits.answer, seconds=self._limits.read):
                self.wire.send(b"DONE\r\n")
                while tag not in completed:
                    self._read(waiting, completed, None)
        changed, self.changed = self.changed, False
        return changed

    def goodbye(self, seconds: float) -> None:
        """Logs out, and closes in any case."""
        try:
            with _translated("LOGOUT"), self.wire.allowing(self._limits.answer, seconds=seconds):
                tag = self.wire.new_tag()
                self.wire.send(tag + b" LOGOUT\r\n")
                while not self.wire.line().startswith(tag):
                    pass
        except Fault:
            pass  # nothing more is wanted of it
        finally:
            self.wire.shutdown()

    @contextmanager
    def _idling(self) -> Iterator[None]:
        self._is_idling = True
        try:
            yield
        finally:
            self._is_idling = False

    def _read(
        self, waiting: deque[bytes], completed: dict[bytes, Completion], take: Callable[[Parts], None] | None
    ) -> None:
        line = self.wire.line()
        if line.startswith(b"+"):
            raise protocol_broken("it asks for more than there is to say")
        self._understand(line, waiting, completed, take)

    def _understand(
        self,
        line: bytes,
        waiting: deque[bytes],
        completed: dict[bytes, Completion],
        take: Callable[[Parts], None] | None,
    ) -> None:
        if line.startswith(b"* "):
            parts = self._response(line[2:])
            self._note(parts[0])
            if take is not None:
                take(parts)
            return
        tag, _, rest = line.partition(b" ")
        status, _, said = rest.partition(b" ")
        if tag not in waiting or status.upper() not in (b"OK", b"NO", b"BAD"):
            raise protocol_broken("it answers what it was not asked")
        waiting.remove(tag)
        completed[tag] = Completion(status.upper(), said.decode("utf-8", "replace"))

    def _response(self, line: bytes) -> Parts:
        size = literal_size(line)
        if size is None:
            return (line,)
        parts = [line]
        while size is not None:
            parts.append(self.wire.read(size))
            parts.append(self.wire.line())
            if len(parts) > _PARTS:
                raise protocol_broken("a response has no end")
            size = literal_size(parts[-1])
        return parts

    def _note(self, line: bytes) -> None:
        """What a server may say at any time (RFC 9051, section 7)."""
        if line[:4].upper() in (b"BYE ", b"BYE"):
            raise of_goodbye(line[4:].decode("utf-8", "replace"))
        number, _, kind = line.partition(b" ")
        if number.isdigit() and len(number) <= 10:
            kind = kind[:8].upper()
            if kind.startswith(b"EXISTS"):
                self.exists = int(number)
                self.changed = True
            elif kind.startswith(b"EXPUNGE"):
                self.exists = max(0, self.exists - 1)
                self.changed = True
            elif kind.startswith(b"FETCH ") and self._is_idling:
                self.changed = True
        elif line[:9].upper() == b"VANISHED ":
            self.changed = True


@contextmanager
def _translated(what: str) -> Iterator[None]:
    """What imaplib and IMAPClient raise where a server says what they do not expect."""
    try:
        yield
    except imaplib.IMAP4.error as error:
        said = str(error.args[0] if error.args else "")
        if isinstance(error.args[:1] and error.args[0], bytes):
            said = error.args[0].decode("utf-8", "replace")
        if "BYE" in said:
            raise of_goodbye(said) from error
        raise protocol_broken(f"{what} was not as it has to be") from error
    except (IMAPClientError, ValueError, LookupError, TypeError, AttributeError, AssertionError) as error:
        raise protocol_broken(f"{what} was not as it has to be") from error
