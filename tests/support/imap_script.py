"""An IMAP server that follows a script: it behaves, but for what a test tells it to do otherwise. It also plays Gmail.

A thread for each connection. What a test finds out about it is in `commands`.
"""

import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TypeAlias

from mailquery.domain.uids import UidSet
from support.certificates import Certificate

CAPABILITIES = b"IMAP4rev1 SASL-IR AUTH=PLAIN IDLE ESEARCH"
GMAIL = b"IMAP4rev1 SASL-IR AUTH=PLAIN AUTH=XOAUTH2 IDLE CONDSTORE ESEARCH SPECIAL-USE X-GM-EXT-1"


class Talk:
    """One connection, as the server sees it."""

    def __init__(self, server: "ScriptedImap", connection: socket.socket) -> None:
        self.server = server
        self._socket = connection
        self._buffer = b""
        self.mailbox = ""

    def line(self) -> bytes:
        """The next that the client sends, without its end. Raises EOFError when it has gone."""
        while b"\r\n" not in self._buffer:
            piece = self._socket.recv(65536)
            if not piece:
                raise EOFError
            self._buffer += piece
        line, _, self._buffer = self._buffer.partition(b"\r\n")
        return line

    def say(self, *lines: bytes) -> None:
        self.raw(b"".join(line + b"\r\n" for line in lines))

    def raw(self, data: bytes) -> None:
        self._socket.sendall(data)

    def secure(self, certificate: Certificate) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate.certificate, certificate.key)
        self._socket = context.wrap_socket(self._socket, server_side=True)

    def hang_up(self) -> None:
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def wait_until_gone(self) -> None:
        with suppress(OSError, EOFError):
            while True:
                self.line()


# Given the tag and what follows the command's name.
Handler: TypeAlias = Callable[[Talk, bytes, bytes], None]


@dataclass(frozen=True, slots=True)
class ScriptedMessage:
    uid: int
    raw: bytes
    flags: bytes = rb"\Seen"
    labels: tuple[bytes, ...] = ()  # as they are sent: b'"\\\\Inbox"', b"Work"
    thread: int = 1

    @property
    def gmail_id(self) -> int:
        return 1_278_455_344_230_334_000 + self.uid


@dataclass
class ScriptedImap:
    """`on` are handlers by command ("UID FETCH", "LOGIN", ...) which stand for the usual ones. `greeting` may be None:
    nothing is said. `mailboxes` are LIST's answers by name."""

    on: Mapping[str, Handler] = field(default_factory=dict)
    greeting: bytes | None = b"* OK ready"
    capabilities: bytes = CAPABILITIES
    certificate: Certificate | None = None
    from_the_start: bool = True  # TLS, where there is a certificate; else by STARTTLS
    messages: Sequence[ScriptedMessage] = ()
    mailboxes: Mapping[str, bytes] = field(default_factory=lambda: {"INBOX": b'() "/" INBOX'})
    views: Mapping[str, Callable[[ScriptedMessage], bool]] = field(default_factory=dict)
    commands: list[bytes] = field(default_factory=list)
    port: int = 0

    def talk(self, connection: socket.socket) -> None:
        talk = Talk(self, connection)
        try:
            if self.certificate is not None and self.from_the_start:
                talk.secure(self.certificate)
            if self.greeting is None:
                talk.wait_until_gone()
                return
            talk.say(self.greeting)
            while True:
                self._obey(talk, talk.line())
        except (OSError, EOFError, ValueError):
            pass  # the client has gone, which is what most tests are about
        finally:
            talk.hang_up()

    def _obey(self, talk: Talk, line: bytes) -> None:
        self.commands.append(line)
        tag, _, rest = line.partition(b" ")
        words = rest.split(b" ")
        count = 2 if words[0].upper() == b"UID" else 1
        name = b" ".join(words[:count]).decode().upper()
        handler = self.on.get(name) or _USUAL.get(name)
        if handler is None:
            talk.say(tag + b" BAD unknown command")
        else:
            handler(talk, tag, b" ".join(words[count:]))

    def chosen(self, talk: Talk) -> list[ScriptedMessage]:
        """Those of the open mailbox."""
        view = self.views.get(talk.mailbox)
        return [message for message in self.messages if view is None or view(message)]


@contextmanager
def scripted(server: ScriptedImap) -> Iterator[ScriptedImap]:
    listener = socket.create_server(("127.0.0.1", 0))
    server.port = listener.getsockname()[1]
    connections: list[socket.socket] = []
    threads: list[threading.Thread] = []

    def accept() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                connections.append(connection)
                threads.append(threading.Thread(target=server.talk, args=(connection,), daemon=True))
                threads[-1].start()

    accepting = threading.Thread(target=accept, daemon=True)
    accepting.start()
    try:
        yield server
    finally:
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        accepting.join()
        for connection in connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in threads:
            thread.join()


def gmail(messages: Sequence[ScriptedMessage], **others: object) -> ScriptedImap:
    """All Mail has every message; INBOX, Sent Mail and the label Work those with that label."""
    listed = {
        "INBOX": rb'(\HasNoChildren) "/" "INBOX"',
        "Work": rb'(\HasNoChildren) "/" "Work"',
        "[Gmail]": rb'(\HasChildren \Noselect) "/" "[Gmail]"',
        "[Gmail]/All Mail": rb'(\All \HasNoChildren) "/" "[Gmail]/Alle Nachrichten"',
        "[Gmail]/Sent Mail": rb'(\HasNoChildren \Sent) "/" "[Gmail]/Gesendet"',
        "[Gmail]/Important": rb'(\HasNoChildren \Important) "/" "[Gmail]/Wichtig"',
        "[Gmail]/Starred": rb'(\Flagged \HasNoChildren) "/" "[Gmail]/Markiert"',
    }
    server = ScriptedImap(
        capabilities=GMAIL,
        messages=messages,
        mailboxes=listed,
        views={
            "INBOX": lambda message: rb'"\\Inbox"' in message.labels,
            "Work": lambda message: b"Work" in message.labels,
            "[Gmail]/Gesendet": lambda message: rb'"\\Sent"' in message.labels,
        },
    )
    for name, value in others.items():
        setattr(server, name, value)
    return server


def _capability(talk: Talk, tag: bytes, arguments: bytes) -> None:
    talk.say(b"* CAPABILITY " + talk.server.capabilities, tag + b" OK done")


def _ok(talk: Talk, tag: bytes, arguments: bytes) -> None:
    talk.say(tag + b" OK done")


def _starttls(talk: Talk, tag: bytes, arguments: bytes) -> None:
    assert talk.server.certificate is not None
    talk.say(tag + b" OK go on")
    talk.secure(talk.server.certificate)


def _list(talk: Talk, tag: bytes, arguments: bytes) -> None:
    talk.say(*(b"* LIST " + listed for listed in talk.server.mailboxes.values()), tag + b" OK done")


def _status(talk: Talk, tag: bytes, arguments: bytes) -> None:
    name = arguments.rpartition(b" (")[0]
    talk.say(b"* STATUS " + name + b" (MESSAGES 1 UIDNEXT 2 UIDVALIDITY 7)", tag + b" OK done")


def _examine(talk: Talk, tag: bytes, arguments: bytes) -> None:
    talk.mailbox = arguments.removesuffix(b" (CONDSTORE)").decode().strip('"')
    messages = talk.server.chosen(talk)
    highest = max((message.uid for message in messages), default=0)
    talk.say(
        b"* %d EXISTS" % len(messages),
        b"* 0 RECENT",
        b"* OK [UIDVALIDITY 7] valid",
        b"* OK [UIDNEXT %d] next" % (highest + 1),
        b"* OK [HIGHESTMODSEQ 99] counted",
        tag + b" OK [READ-ONLY] open",
    )


def _search(talk: Talk, tag: bytes, arguments: bytes) -> None:
    uids = UidSet.of(message.uid for message in talk.server.chosen(talk))
    talk.say(b'* ESEARCH (TAG "' + tag + b'") UID ALL ' + str(uids).encode(), tag + b" OK done")


def _fetch(talk: Talk, tag: bytes, arguments: bytes) -> None:
    wanted, _, items = arguments.partition(b" (CHANGEDSINCE")[0].partition(b" ")
    # 1:* are all.
    uids = UidSet(((1, 0xFFFFFFFF),)) if b"*" in wanted else UidSet.parse(wanted.decode())
    for number, message in enumerate(talk.server.chosen(talk), start=1):
        if message.uid in uids:
            found = b" ".join(_item(item, message) for item in re.findall(rb"[A-Z0-9.-]+(?:\[[^\]]*\])?", items))
            talk.raw(b"* %d FETCH (%s)\r\n" % (number, found))
    talk.say(tag + b" OK done")


def _item(item: bytes, message: ScriptedMessage) -> bytes:
    known = {
        b"UID": b"%d" % message.uid,
        b"FLAGS": b"(%s)" % message.flags,
        b"INTERNALDATE": b'"26-Nov-2026 10:00:00 +0900"',
        b"RFC822.SIZE": b"%d" % len(message.raw),
        b"X-GM-MSGID": b"%d" % message.gmail_id,
        b"X-GM-THRID": b"%d" % message.thread,
        b"X-GM-LABELS": b"(%s)" % b" ".join(message.labels),
        b"BODY.PEEK[]": b"{%d}\r\n%s" % (len(message.raw), message.raw),
    }
    return (b"BODY[]" if item == b"BODY.PEEK[]" else item) + b" " + known[item]


def _logout(talk: Talk, tag: bytes, arguments: bytes) -> None:
    talk.say(b"* BYE", tag + b" OK bye")
    raise EOFError


_USUAL: Mapping[str, Handler] = {
    "CAPABILITY": _capability,
    "STARTTLS": _starttls,
    "LOGIN": _ok,
    "AUTHENTICATE": _ok,
    "NOOP": _ok,
    "ID": _ok,
    "LIST": _list,
    "STATUS": _status,
    "EXAMINE": _examine,
    "UID SEARCH": _search,
    "UID FETCH": _fetch,
    "LOGOUT": _logout,
}
