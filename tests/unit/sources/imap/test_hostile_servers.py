"""Whatever a server does, it ends with a fault of the right kind, soon, and with little memory."""

import base64
import subprocess
import sys
import threading
import time
from pathlib import Path

import anyio
import pytest

from mailquery.domain.accounts import Security, Server
from mailquery.domain.uids import UidSet
from mailquery.sources.imap.limits import Limits
from mailquery.sources.remote import Reason
from mcpkit.errors import ErrorCode, Fault
from support.certificates import Authority
from support.imap_client import QUICK, Fixed, connected, imap, plain
from support.imap_script import Handler, ScriptedImap, ScriptedMessage, Talk, scripted

RAW = b"From: a@example.org\r\nSubject: hello\r\n\r\nHello\r\n"
ONE = (ScriptedMessage(1, RAW),)
ALL = UidSet(((1, 1),))
SOON = 20.0  # seconds: more than any limit of QUICK, with room for a busy machine


def saying(*lines: bytes) -> Handler:
    """Says that, and then nothing more."""

    def handle(talk: Talk, tag: bytes, arguments: bytes) -> None:
        talk.raw(b"".join(lines).replace(b"TAG", tag))

    return handle


def endlessly(piece: bytes, pause: float = 0.0) -> Handler:
    def handle(talk: Talk, tag: bytes, arguments: bytes) -> None:
        while True:
            talk.raw(piece)
            time.sleep(pause)

    return handle


async def read_everything(port: int, limits: Limits) -> None:
    async with connected(imap(plain(port), limits=limits)) as connection:
        await connection.mailboxes()
        await connection.states(["INBOX"])
        await connection.open("INBOX")
        await connection.uids()
        await connection.describe(ALL)
        await connection.fetch(ALL)


async def fault_of(script: ScriptedImap, limits: Limits = QUICK) -> Fault:
    """What connecting, and everything that is then asked of a mailbox, ends with."""
    with scripted(script):
        started = time.monotonic()
        with pytest.raises(Fault) as raised:
            await read_everything(script.port, limits)
        assert time.monotonic() - started < SOON
        return raised.value


def is_about(fault: Fault, reason: Reason, code: ErrorCode = ErrorCode.SOURCE_UNAVAILABLE) -> bool:
    return fault.code is code and fault.details["reason"] == reason


@pytest.mark.parametrize(
    ("command", "said", "reason"),
    [
        ("UID FETCH", b"* 1 FETCH (UID 1 BODY[] {10000000000}\r\n", Reason.PROTOCOL),
        ("UID FETCH", b"* 1 FETCH (UID 1 BODY[] {99999999999999999999}\r\n", Reason.PROTOCOL),
        ("UID FETCH", b"* 1 FETCH (UID 1 FLAGS (\\Seen)\r\nTAG OK done\r\n", Reason.PROTOCOL),
        ("UID FETCH", b"* 1 FETCH " + b"(" * 100_000 + b"\r\nTAG OK done\r\n", Reason.PROTOCOL),
        ("UID FETCH", b'* 1 FETCH (UID 1 X "without an end)\r\nTAG OK done\r\n', Reason.PROTOCOL),
        ("UID FETCH", b"* 1 FETCH (UID 1))))\r\nTAG OK done\r\n", Reason.PROTOCOL),
        ("UID FETCH", b"+ go on\r\n", Reason.PROTOCOL),
        ("UID FETCH", b"* BYE good night\r\n", Reason.BROKEN_OFF),
        ("UID FETCH", b"* BYE too many connections\r\n", Reason.BUSY),
        ("UID FETCH", b"TAG NO not today\r\n", Reason.REFUSED),
        ("UID FETCH", b"TAG BAD what?\r\n", Reason.REFUSED),
        ("UID FETCH", b"OTHER OK done\r\n", Reason.PROTOCOL),
        ("UID FETCH", b"\xff\xfe\x00\r\n", Reason.PROTOCOL),
        ("UID FETCH", b"\r\n", Reason.PROTOCOL),
        ("UID FETCH", b"TAG OK done\n", Reason.PROTOCOL),
        ("UID FETCH", b"", Reason.TIMEOUT),
        ("UID SEARCH", b"* ESEARCH UID ALL 1:99999999999\r\nTAG OK done\r\n", Reason.PROTOCOL),
        ("UID SEARCH", b"* ESEARCH UID ALL 0:3\r\nTAG OK done\r\n", Reason.PROTOCOL),
        ("UID SEARCH", b"* ESEARCH UID ALL no,set\r\nTAG OK done\r\n", Reason.PROTOCOL),
        ("UID SEARCH", b"* SEARCH 1 4294967296\r\nTAG OK done\r\n", Reason.PROTOCOL),
        ("UID SEARCH", b"TAG OK done\r\n", Reason.PROTOCOL),
        ("EXAMINE", b"* 1 EXISTS\r\nTAG OK done\r\n", Reason.PROTOCOL),
        ("EXAMINE", b"* 1 EXISTS\r\n* OK [UIDVALIDITY 0] none\r\nTAG OK done\r\n", Reason.PROTOCOL),
        ("CAPABILITY", b"TAG OK done\r\n", Reason.PROTOCOL),
        ("CAPABILITY", b"* CAPABILITY \xff\xff\r\nTAG OK done\r\n", Reason.PROTOCOL),
        ("CAPABILITY", b"* CAPABILITY POP3\r\nTAG OK done\r\n", Reason.PROTOCOL),
        ("CAPABILITY", b"TAG BAD no\r\n", Reason.PROTOCOL),
        ("CAPABILITY", b"+ go on\r\n", Reason.TIMEOUT),
        ("CAPABILITY", b"* OK {10000000000}\r\n", Reason.PROTOCOL),
        ("AUTHENTICATE", b"+ \r\n+ \r\n+ \r\n", Reason.PROTOCOL),
        ("STATUS", b"* STATUS INBOX (MESSAGES 1\r\nTAG OK done\r\n", Reason.PROTOCOL),
    ],
)
async def test_what_a_server_may_not_say_ends_the_connection(command: str, said: bytes, reason: Reason) -> None:
    fault = await fault_of(ScriptedImap(on={command: saying(said)}, messages=ONE))
    assert is_about(fault, reason), (fault.message, fault.details)


@pytest.mark.parametrize("command", ["CAPABILITY", "AUTHENTICATE", "LIST", "EXAMINE", "UID SEARCH", "UID FETCH"])
@pytest.mark.parametrize(
    "piece", [b"x" * 65536, b"* 1 EXISTS\r\n" * 4096, b"* OK still here\r\n" * 4096], ids=["line", "exists", "ok"]
)
async def test_an_answer_without_end_is_not_read_to_its_end(command: str, piece: bytes) -> None:
    fault = await fault_of(ScriptedImap(on={command: endlessly(piece)}, messages=ONE))
    assert is_about(fault, Reason.PROTOCOL), (fault.message, fault.details)


@pytest.mark.parametrize("command", ["CAPABILITY", "AUTHENTICATE", "LIST", "UID SEARCH", "UID FETCH"])
async def test_a_byte_now_and_then_does_not_outlive_the_command(command: str) -> None:
    limits = Limits(connect=1.0, read=1.0, command=1.0, slowest=1024)
    fault = await fault_of(ScriptedImap(on={command: endlessly(b"x", 0.05)}, messages=ONE), limits)
    assert is_about(fault, Reason.TIMEOUT)


async def test_a_greeting_that_never_comes_is_not_waited_for() -> None:
    fault = await fault_of(ScriptedImap(greeting=None), Limits(connect=0.5, read=0.5, command=1.0))
    assert is_about(fault, Reason.TIMEOUT)


@pytest.mark.parametrize(
    ("greeting", "reason"),
    [
        (b"* PREAUTH welcome", Reason.PROTOCOL),
        (b"* BYE go away", Reason.BROKEN_OFF),
        (b"* BYE [UNAVAILABLE] try again in 90 seconds", Reason.BUSY),
        (b"220 smtp.example.com ESMTP", Reason.PROTOCOL),
        (b"+OK POP3 ready", Reason.PROTOCOL),
        (b"HTTP/1.1 400 Bad Request", Reason.PROTOCOL),
        (b"\x00\xff", Reason.PROTOCOL),
    ],
)
async def test_a_greeting_of_another_kind_is_refused(greeting: bytes, reason: Reason) -> None:
    fault = await fault_of(ScriptedImap(greeting=greeting))
    assert is_about(fault, reason)
    if reason is Reason.BUSY:
        assert fault.retry_after == 90


async def test_messages_that_were_not_asked_for_are_left_out() -> None:
    def handle(talk: Talk, tag: bytes, arguments: bytes) -> None:
        for uid in (0, 2, 7, 4294967295):
            talk.raw(b"* %d FETCH (UID %d BODY[] {5}\r\nwrong)\r\n" % (uid, uid))
        talk.raw(b"* 1 FETCH (FLAGS (\\Seen))\r\n* 1 FETCH (UID 1 BODY[] NIL)\r\n* 9 EXPUNGE\r\n* X-SOMETHING else\r\n")
        talk.raw(b'* 3 FETCH (BODY[] "right" UID 3)\r\n')
        talk.say(tag + b" OK done")

    with scripted(ScriptedImap(on={"UID FETCH": handle}, messages=ONE)) as script:
        async with connected(imap(plain(script.port))) as connection:
            await connection.open("INBOX")
            assert await connection.fetch(UidSet(((1, 1), (3, 3)))) == {3: b"right"}
            assert await connection.describe(UidSet(((1, 1), (3, 3)))) == []


async def test_text_in_no_encoding_does_no_harm() -> None:
    listed = {"one": b'(\\\xff) "/" "\xff\x01\xfe"', "two": b'() "." "a/b.c\x00"', "three": b'() NIL "&gibberish"'}
    said = saying(b'* 1 FETCH (UID 1 FLAGS (\\Seen \xff\xfe) INTERNALDATE "\xff" RFC822.SIZE 5)\r\nTAG OK \xff\r\n')
    with scripted(ScriptedImap(on={"UID FETCH": said}, messages=ONE, mailboxes=listed)) as script:
        async with connected(imap(plain(script.port))) as connection:
            for mailbox in await connection.mailboxes():
                mailbox.name.encode("utf-8")
                assert mailbox.name.isprintable()
            await connection.open("INBOX")
            (message,) = await connection.describe(ALL)
            assert (message.size, message.received) == (5, None)


async def test_more_than_was_asked_for_altogether_is_refused() -> None:
    """Each message is small enough, and there is no end of them."""
    limits = Limits(connect=5, read=1, command=2, message=100_000, batch=1_000_000, answer=100_000, line=100_000)
    fault = await fault_of(
        ScriptedImap(
            on={"UID FETCH": endlessly(b"* 1 FETCH (UID 1 BODY[] {90000}\r\n" + b"x" * 90_000 + b")\r\n")}, messages=ONE
        ),
        limits,
    )
    assert is_about(fault, Reason.PROTOCOL)


_CHILD = """
import asyncio, resource, sys
from mailquery.domain.accounts import Security, Server
from mailquery.domain.uids import UidSet
from mailquery.sources.imap.limits import Limits
from mailquery.sources.imap.server import ImapServer
from mailquery.sources.credentials import Credential, CredentialKind
from mcpkit.errors import Fault

class Fixed:
    async def current(self):
        return Credential(CredentialKind.PASSWORD, "x")
    async def instead_of(self, rejected):
        return None

async def main():
    server = ImapServer(Server("127.0.0.1", int(sys.argv[1]), Security.NONE), "ana", Fixed(), Limits())
    connection = await server.connect()
    await connection.open("INBOX")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        await getattr(connection, sys.argv[2])(*([UidSet(((1, 1),))] if sys.argv[2] != "uids" else []))
    except Fault as fault:
        print(fault.details["reason"])
    print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)

asyncio.run(main())
"""


@pytest.mark.parametrize(
    ("method", "handler"),
    [
        ("fetch", saying(b"* 1 FETCH (UID 1 BODY[] {10000000000}\r\n")),
        ("fetch", endlessly(b"* 1 FETCH (FLAGS (\\Seen))\r\n" * 4096)),
        ("fetch", endlessly(b"x" * 65536)),
        ("describe", endlessly(b"* 1 FETCH (UID 1 FLAGS () RFC822.SIZE 5)\r\n" * 4096)),
        ("flags", endlessly(b"* 1 FETCH (UID 1 X {65000}\r\n" + b"x" * 65_000 + b")\r\n")),
        ("uids", endlessly(b"* SEARCH" + b" 1 3" * 20_000 + b"\r\n")),
    ],
    ids=["literal of 10 GB", "flags", "line", "descriptions", "literals", "uids"],
)
def test_a_flood_takes_little_memory(method: str, handler: Handler, tmp_path: Path) -> None:
    command = "UID SEARCH" if method == "uids" else "UID FETCH"
    with scripted(ScriptedImap(on={command: handler}, messages=ONE)) as script:
        ended = subprocess.run(
            [sys.executable, "-c", _CHILD, str(script.port), method], capture_output=True, text=True, timeout=60
        )
    assert ended.returncode == 0, ended.stderr
    reason, megabytes = ended.stdout.split()
    assert reason == Reason.PROTOCOL
    assert int(megabytes) < 40


# TLS


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def trusted(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> Authority:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.path))
    return authority


async def fault_of_connecting(server: Server) -> Fault:
    with pytest.raises(Fault) as raised:
        await imap(server).connect()
    return raised.value


@pytest.mark.parametrize("security", [Security.TLS, Security.STARTTLS])
@pytest.mark.parametrize(
    ("hosts", "expired", "self_signed", "words"),
    [
        (("localhost",), True, False, "has expired"),
        (("localhost",), False, True, "pin its fingerprint"),
        (("other.example",), False, False, "for another name"),
    ],
)
async def test_a_certificate_that_is_not_right_is_refused(
    trusted: Authority, security: Security, hosts: tuple[str, ...], expired: bool, self_signed: bool, words: str
) -> None:
    issued = trusted.issue(*hosts, expired=expired, self_signed=self_signed)
    script = ScriptedImap(
        certificate=issued, from_the_start=security is Security.TLS, capabilities=b"IMAP4rev1 STARTTLS AUTH=PLAIN"
    )
    with scripted(script):
        fault = await fault_of_connecting(Server("localhost", script.port, security))
        assert is_about(fault, Reason.CERTIFICATE)
        assert words in fault.message
        assert not any(b"AUTH" in command for command in script.commands)
        # Pinned, it is trusted as it is.
        pinned = Server("localhost", script.port, security, issued.fingerprint.upper())
        async with connected(imap(pinned)):
            pass


@pytest.mark.parametrize("security", [Security.TLS, Security.STARTTLS])
async def test_a_certificate_that_is_not_the_pinned_one_is_refused(trusted: Authority, security: Security) -> None:
    script = ScriptedImap(
        certificate=trusted.issue("localhost"),
        from_the_start=security is Security.TLS,
        capabilities=b"IMAP4rev1 STARTTLS AUTH=PLAIN",
    )
    with scripted(script):
        fault = await fault_of_connecting(Server("localhost", script.port, security, "00" * 32))
    assert is_about(fault, Reason.CERTIFICATE)
    assert not any(b"AUTH" in command for command in script.commands)


async def test_starttls_that_is_not_offered_is_not_done_without() -> None:
    with scripted(ScriptedImap()) as script:
        fault = await fault_of_connecting(Server("localhost", script.port, Security.STARTTLS))
    assert is_about(fault, Reason.TLS)
    assert not any(b"AUTH" in command for command in script.commands)


async def test_starttls_that_is_refused_is_not_done_without() -> None:
    script = ScriptedImap(
        on={"STARTTLS": saying(b"TAG NO not here\r\n")}, capabilities=b"IMAP4rev1 STARTTLS AUTH=PLAIN"
    )
    with scripted(script):
        fault = await fault_of_connecting(Server("localhost", script.port, Security.STARTTLS))
    assert is_about(fault, Reason.TLS)
    assert not any(b"AUTH" in command for command in script.commands)


async def test_a_preauthenticated_greeting_does_not_lead_around_starttls() -> None:
    script = ScriptedImap(greeting=b"* PREAUTH hello", capabilities=b"IMAP4rev1 STARTTLS AUTH=PLAIN")
    with scripted(script):
        fault = await fault_of_connecting(Server("localhost", script.port, Security.STARTTLS))
    assert is_about(fault, Reason.PROTOCOL)


async def test_what_is_put_in_behind_the_answer_to_starttls_is_not_believed(trusted: Authority) -> None:
    """Responses injected in the clear would be read as if they had come within TLS (as in CVE-2021-38370)."""

    def inject(talk: Talk, tag: bytes, arguments: bytes) -> None:
        talk.raw(tag + b" OK go on\r\n* CAPABILITY IMAP4rev1 LOGINDISABLED\r\n")
        talk.secure(trusted.issue("localhost"))

    script = ScriptedImap(on={"STARTTLS": inject}, capabilities=b"IMAP4rev1 STARTTLS AUTH=PLAIN")
    with scripted(script):
        fault = await fault_of_connecting(Server("localhost", script.port, Security.STARTTLS))
    assert is_about(fault, Reason.PROTOCOL)
    assert not any(b"AUTH" in command for command in script.commands)


async def test_a_server_without_tls_where_tls_is_chosen_is_refused() -> None:
    with scripted(ScriptedImap()) as script:
        fault = await fault_of_connecting(Server("localhost", script.port, Security.TLS))
    assert is_about(fault, Reason.TLS)


async def test_without_tls_nothing_but_this_machine_is_spoken_to() -> None:
    fault = await fault_of_connecting(Server("192.0.2.1", 143, Security.NONE))
    assert is_about(fault, Reason.TLS)


async def test_a_host_that_is_not_known_and_a_port_where_nothing_listens_are_told_apart() -> None:
    assert is_about(await fault_of_connecting(Server("mail.invalid", 993)), Reason.NAME)
    assert is_about(await fault_of_connecting(Server("a" * 70 + ".example", 993)), Reason.NAME)
    with scripted(ScriptedImap()) as script:
        port = script.port
    assert is_about(await fault_of_connecting(Server("localhost", port)), Reason.CONNECT)


# Cancelling


async def test_a_call_that_nobody_waits_for_any_more_ends_at_once() -> None:
    gone = threading.Event()

    def hold(talk: Talk, tag: bytes, arguments: bytes) -> None:
        talk.wait_until_gone()
        gone.set()

    with scripted(ScriptedImap(on={"UID FETCH": hold}, messages=ONE)) as script:
        limits = Limits(read=600, command=600)
        connection = await imap(plain(script.port), limits=limits).connect()
        await connection.open("INBOX")
        with anyio.move_on_after(0.1) as scope:
            await connection.fetch(ALL)
        assert scope.cancelled_caught
        assert await anyio.to_thread.run_sync(gone.wait, SOON)
        with pytest.raises(Fault) as raised:
            await connection.uids()
        assert is_about(raised.value, Reason.BROKEN_OFF)
        await connection.close()


async def test_a_login_that_nobody_waits_for_any_more_ends_at_once() -> None:
    gone = threading.Event()

    def hold(talk: Talk, tag: bytes, arguments: bytes) -> None:
        talk.wait_until_gone()
        gone.set()

    with scripted(ScriptedImap(on={"AUTHENTICATE": hold})) as script:
        with anyio.move_on_after(0.2):
            await imap(plain(script.port), limits=Limits(read=600, command=600)).connect()
        assert await anyio.to_thread.run_sync(gone.wait, SOON)


async def test_the_loop_goes_on_while_a_server_lets_one_wait() -> None:
    with scripted(ScriptedImap(on={"UID FETCH": saying(b"")}, messages=ONE)) as script:
        connection = await imap(plain(script.port), limits=QUICK).connect()
        await connection.open("INBOX")
        turns = 0

        async def count() -> None:
            nonlocal turns
            while True:
                turns += 1
                await anyio.sleep(0.01)

        async with anyio.create_task_group() as group:
            group.start_soon(count)
            with pytest.raises(Fault):
                await connection.fetch(ALL)
            group.cancel_scope.cancel()
        assert turns > 20
        await connection.close()


async def test_no_secret_is_in_a_fault() -> None:
    def refuse(talk: Talk, tag: bytes, arguments: bytes) -> None:
        talk.say(tag + b" NO [AUTHENTICATIONFAILED] no")

    with scripted(ScriptedImap(on={"AUTHENTICATE": refuse})) as script:
        with pytest.raises(Fault) as raised:
            await imap(plain(script.port), credentials=Fixed("hunter2-hunter2")).connect()
        encoded = base64.b64encode(b"hunter2-hunter2").decode()
        assert is_about(raised.value, Reason.LOGIN, ErrorCode.LOGIN_FAILED)
        for text in (str(raised.value), str(raised.value.details), raised.value.others, repr(raised.value)):
            assert "hunter2" not in text
            assert encoded[:10] not in text
