"""Mail is read from a real Dovecot, which has afterwards what it had before."""

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default

import anyio
import pytest

from mailquery.domain.accounts import Security, Server
from mailquery.domain.mailboxes import MailboxRole
from mailquery.domain.messages import Flag
from mailquery.domain.partial import OMITTED_SIZE
from mailquery.domain.uids import UidSet
from mailquery.sources.remote import Reason
from mcpkit.errors import ErrorCode, Fault
from support.dovecot import PASSWORD, Dovecot, running_dovecot
from support.imap_client import PATIENT, Fixed, connected, imap, plain


@pytest.fixture(scope="module")
def server() -> Iterator[Dovecot]:
    with running_dovecot() as dovecot:
        yield dovecot


@pytest.fixture
def user(server: Dovecot, request: pytest.FixtureRequest) -> str:
    """One of its own for each test."""
    name = f"{request.node.name.partition('[')[0]}@example.com"[-60:]
    server.add_user(name, PASSWORD)
    return name


def raw(number: int = 1, text: str = "Hello") -> bytes:
    return (
        f"From: Nadia <nadia@example.org>\r\nSubject: message {number}\r\nMessage-ID: <{number}@example.org>\r\n\r\n"
        f"{text}\r\n"
    ).encode()


def ways(server: Dovecot) -> dict[str, Server]:
    return {
        "plain": plain(server.port),
        "starttls": Server("localhost", server.port, Security.STARTTLS),
        "tls": Server("localhost", server.tls_port, Security.TLS),
        "pinned": Server("127.0.0.1", server.tls_port, Security.TLS, server.fingerprint),
        "pinned starttls": Server("127.0.0.1", server.port, Security.STARTTLS, server.fingerprint),
    }


@pytest.mark.parametrize("way", ["plain", "starttls", "tls", "pinned", "pinned starttls"])
async def test_reading_everything_in_every_way_changes_nothing(
    server: Dovecot, user: str, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if "pinned" not in way:
        monkeypatch.setenv("SSL_CERT_FILE", str(server.authority.path))
    mail = server.mail(user)
    mail.deliver([raw(1), raw(2), raw(3)])
    mail.deliver([raw(4), raw(5)], flags="FRS")
    mail.deliver(raw(6), "Work/2026", flags="D")
    before = mail.everything()
    made = imap(ways(server)[way], user=user)
    async with connected(made) as connection:
        assert connection.counts_changes
        assert not connection.has_labels
        for mailbox in await connection.mailboxes():
            if not mailbox.selectable:
                continue
            state = await connection.open(mailbox.key)
            uids = await connection.uids()
            assert len(uids) == state.messages
            await connection.describe(uids)
            await connection.flags(uids)
            await connection.changed_since(1)
            for uid, content in (await connection.fetch(uids)).items():
                assert await connection.fetch_text(uid) == content
            await connection.wait(0.05)
    assert mail.everything() == before
    assert made.bytes_received > 1000


async def test_a_certificate_that_nobody_vouches_for_is_refused(server: Dovecot, user: str) -> None:
    for way in ("tls", "starttls"):
        with pytest.raises(Fault) as raised:
            await imap(ways(server)[way], user=user).connect()
        assert raised.value.details["reason"] == Reason.CERTIFICATE


@pytest.mark.parametrize(
    "password",
    ["simple", 'quo"te and back\\slash', "Grüße, 안녕 🎈", "a:b{c}", " leading and trailing ", "%s {5}", "x" * 500],
)
async def test_passwords_of_any_kind(server: Dovecot, password: str) -> None:
    name = f"p-{password.encode().hex()[:40]}@example.com"
    server.add_user(name, password)
    async with connected(imap(plain(server.port), user=name, credentials=Fixed(password))) as connection:
        assert await connection.mailboxes()


async def test_a_wrong_password_is_said_to_be_one_and_another_is_tried_once(server: Dovecot, user: str) -> None:
    with pytest.raises(Fault) as raised:
        await imap(plain(server.port), user=user, credentials=Fixed("wrong")).connect()
    assert (raised.value.code, raised.value.details["reason"]) == (ErrorCode.LOGIN_FAILED, Reason.LOGIN)
    with pytest.raises(Fault):
        await imap(plain(server.port), user=user, credentials=Fixed("wrong", then="wrong, too")).connect()
    async with connected(imap(plain(server.port), user=user, credentials=Fixed("old", then=PASSWORD))):
        pass


async def test_login_without_plain() -> None:
    """A server that offers LOGIN only, whose password has to go as a literal."""
    with running_dovecot(mechanisms="login", password="pässword") as dovecot:
        async with connected(imap(plain(dovecot.port), credentials=Fixed("pässword"))) as connection:
            assert await connection.mailboxes()


async def test_mailboxes_have_their_names_and_roles(server: Dovecot, user: str) -> None:
    mail = server.mail(user)
    names = [
        "Drafts",
        "Junk",
        "Sent",
        "Trash",
        "받은 편지함/서울",
        "Größe & more",
        'quo"te',
        "a.b.c",
        "back\\slash",
        "2024",
    ]
    mail.create(*names)
    async with connected(imap(plain(server.port), user=user)) as connection:
        found = {mailbox.name: mailbox for mailbox in await connection.mailboxes()}
        assert set(found) == {*names, "INBOX", "받은 편지함"}
        assert not found["받은 편지함"].selectable
        roles = {name: mailbox.role for name, mailbox in found.items() if mailbox.role and "편지" not in name}
        assert roles == {
            "INBOX": MailboxRole.INBOX,
            "Drafts": MailboxRole.DRAFTS,
            "Junk": MailboxRole.JUNK,
            "Sent": MailboxRole.SENT,
            "Trash": MailboxRole.TRASH,
        }
        for mailbox in found.values():
            if mailbox.selectable:
                assert (await connection.open(mailbox.key)).messages == 0
                assert set(await connection.states([mailbox.key])) == {mailbox.key}


async def test_states_of_many_mailboxes_leave_out_those_that_are_gone(server: Dovecot, user: str) -> None:
    mail = server.mail(user)
    mail.create(*(f"Project {number:03d}" for number in range(100)))
    mail.deliver([raw(1), raw(2)], "Project 050")
    async with connected(imap(plain(server.port), user=user)) as connection:
        keys = [mailbox.key for mailbox in await connection.mailboxes()]
        states = await connection.states([*keys, "No such mailbox", "no\\such"])
        assert set(states) == set(keys)
        assert (states["Project 050"].messages, states["Project 050"].uid_next) == (2, 3)
        assert states["Project 050"].highest_modseq > 0
        few = await connection.states(["Project 050", "inbox", "No such mailbox"])
        assert few == {"Project 050": states["Project 050"], "inbox": states["INBOX"]}
        opened = await connection.open("Project 050")
        assert opened == states["Project 050"]


async def test_a_mailbox_that_is_gone_is_not_found_and_the_connection_goes_on(server: Dovecot, user: str) -> None:
    async with connected(imap(plain(server.port), user=user)) as connection:
        with pytest.raises(Fault) as raised:
            await connection.open("Gone")
        assert raised.value.code is ErrorCode.NOT_FOUND
        assert (await connection.open("INBOX")).messages == 0
        assert await connection.uids() == UidSet()
        assert await connection.describe(UidSet()) == []


async def test_messages_come_byte_for_byte(server: Dovecot, user: str) -> None:
    contents = [
        raw(1),
        b"Subject: eight bits \xff\xfe\r\n\r\n"
        + bytes(range(1, 256)).replace(b"\n", b"").replace(b"\r", b"")
        + b"\r\n",
        b"no header at all",
        b"Subject: dots\r\n\r\n.\r\n..\r\n* 1 FETCH (UID 1 BODY[] {5}\r\nTAG OK done\r\n)\r\n",
        b"Subject: long\r\n\r\n" + b"x" * 300_000 + b"\r\n",
        raw(2, "{10}"),
    ]
    server.mail(user).deliver(contents)
    async with connected(imap(plain(server.port), user=user)) as connection:
        await connection.open("INBOX")
        assert await connection.fetch(await connection.uids()) == dict(enumerate(contents, start=1))


async def test_what_is_known_of_messages(server: Dovecot, user: str) -> None:
    mail = server.mail(user)
    when = datetime(2021, 2, 28, 23, 59, 59, tzinfo=UTC)
    mail.deliver(raw(1), flags="DFRST", received=when)
    mail.deliver(raw(2))
    mail.flag("uid 2", "$Forwarded", "keyword")
    async with connected(imap(plain(server.port), user=user)) as connection:
        await connection.open("INBOX")
        first, second = await connection.describe(UidSet(((1, 9),)))
        assert first.flags == Flag.DRAFT | Flag.FLAGGED | Flag.ANSWERED | Flag.SEEN | Flag.DELETED
        assert (first.uid, first.size, first.received) == (1, len(raw(1)), when)
        assert second.flags == Flag.FORWARDED
        assert [(change.uid, change.flags) for change in await connection.flags(UidSet(((2, 2), (5, 5))))] == [
            (2, Flag.FORWARDED)
        ]


async def test_changes_since_a_moment_are_told(server: Dovecot, user: str) -> None:
    mail = server.mail(user)
    mail.deliver([raw(number) for number in range(1, 21)])
    async with connected(imap(plain(server.port), user=user)) as connection:
        before = await connection.open("INBOX")
        mail.flag("uid 3:4", "\\Flagged")
        mail.deliver(raw(21))
        mail.expunge("uid 7")
        after = await connection.open("INBOX")
        assert after.highest_modseq > before.highest_modseq
        changes = {change.uid: change.flags for change in await connection.changed_since(before.highest_modseq)}
        assert changes == {3: Flag.FLAGGED, 4: Flag.FLAGGED, 21: Flag(0)}
        assert list(await connection.uids()) == [*range(1, 7), *range(8, 22)]
        assert await connection.changed_since(after.highest_modseq) == []


async def test_uids_with_many_holes_are_asked_for_in_several_commands(server: Dovecot, user: str) -> None:
    mail = server.mail(user)
    mail.deliver(raw(number) for number in range(1, 6001))
    chosen = UidSet.of(range(1, 6001, 2))
    async with connected(imap(plain(server.port), user=user)) as connection:
        await connection.open("INBOX")
        assert {message.uid for message in await connection.describe(chosen)} == set(chosen)
        assert set(await connection.fetch(chosen)) == set(chosen)
        mail.expunge("uid 1:3000")
        assert set(await connection.fetch(chosen)) == set(range(3001, 6001, 2))


async def test_new_mail_is_waited_for(server: Dovecot, user: str) -> None:
    mail = server.mail(user)
    mail.deliver(raw(1))
    async with connected(imap(plain(server.port), user=user, limits=replace(PATIENT, idle=0.3))) as connection:
        await connection.open("INBOX")
        assert not await connection.wait(0.7)  # IDLE is renewed meanwhile
        async with anyio.create_task_group() as group:
            changed: list[bool] = []

            async def wait() -> None:
                changed.append(await connection.wait(20))

            group.start_soon(wait)
            await anyio.sleep(0.1)
            mail.deliver(raw(2))
        assert changed == [True]
        assert list(await connection.uids()) == [1, 2]
        await connection.wait(0)
        assert not await connection.wait(0.2)


async def test_a_server_that_ends_is_noticed_and_connected_to_again() -> None:
    with running_dovecot() as dovecot:
        dovecot.mail().deliver(raw(1))
        made = imap(plain(dovecot.port))
        connection = await made.connect()
        await connection.open("INBOX")
        dovecot.kill()
        with pytest.raises(Fault) as raised:
            await connection.uids()
        assert raised.value.details["reason"] == Reason.BROKEN_OFF
        await connection.close()
        with pytest.raises(Fault) as raised:
            await made.connect()
        assert raised.value.details["reason"] == Reason.CONNECT
        dovecot.start()
        async with connected(made) as again:
            await again.open("INBOX")
            assert list(await again.uids()) == [1]


async def test_too_many_connections_are_said_to_be_too_many() -> None:
    with running_dovecot(extra="mail_max_userip_connections = 1") as dovecot:
        made = imap(plain(dovecot.port))
        async with connected(made):
            with pytest.raises(Fault) as raised:
                async with connected(made) as second:
                    await second.mailboxes()
            assert raised.value.details["reason"] == Reason.BUSY


def large() -> bytes:
    """Text in two forms, an inline picture, a message within, and two attachments."""
    inner = EmailMessage()
    inner["Subject"] = "inner"
    inner.set_content("The forwarded text\n")
    inner.add_attachment(b"\x01" * 5000, maintype="application", subtype="zip", filename="inner.zip")
    message = EmailMessage()
    message["Subject"] = "Größe"
    message["From"] = "Nadia <nadia@example.org>"
    message.set_content("Plain text, Grüße\n")
    message.add_alternative("<p>HTML text</p>", subtype="html")
    message.add_attachment(b"\x00" * 100_000, maintype="image", subtype="png", filename="Bild größe.png")
    message.add_attachment(inner)
    message.add_attachment("attached text\n" * 1000, filename="list.txt")
    return message.as_bytes(policy=default.clone(linesep="\r\n"))


async def test_of_a_large_message_the_text_is_fetched_and_the_rest_is_named(server: Dovecot, user: str) -> None:
    mail = server.mail(user)
    mail.deliver(large())
    before = mail.everything()
    made = imap(plain(server.port), user=user)
    async with connected(made) as connection:
        await connection.open("INBOX")
        received = made.bytes_received
        raw_text = await connection.fetch_text(1)
        assert made.bytes_received - received < 10_000
        assert await connection.fetch_text(2) is None
    assert mail.everything() == before
    assert raw_text is not None
    whole = BytesParser(policy=default).parsebytes(large())
    part = BytesParser(policy=default).parsebytes(raw_text)
    assert not part.defects
    assert part["Subject"] == "Größe"
    wholes, parts = list(whole.walk()), list(part.walk())
    assert [each.get_content_type() for each in parts] == [each.get_content_type() for each in wholes]
    assert [each.get_filename() for each in parts] == [each.get_filename() for each in wholes]
    omitted = []
    for theirs, ours in zip(wholes, parts, strict=True):
        assert not ours.defects
        if ours.is_multipart():
            continue
        if ours[OMITTED_SIZE]:
            omitted.append(ours.get_filename())
            assert int(ours[OMITTED_SIZE]) == len(str(theirs.get_payload()))
            assert not str(ours.get_payload()).strip()
        else:
            assert ours.get_content() == theirs.get_content()
    assert omitted == ["Bild größe.png", "inner.zip", "list.txt"]


async def test_text_that_is_too_long_is_cut_and_says_so(server: Dovecot, user: str) -> None:
    forged = f"{OMITTED_SIZE}: 5\r\n".encode()
    long = b"Subject: long\r\n" + forged + b"Content-Type: text/plain\r\n\r\n" + b"line of text\r\n" * 10_000
    server.mail(user).deliver(long)
    limits = replace(PATIENT, text=2000)
    async with connected(imap(plain(server.port), user=user, limits=limits)) as connection:
        await connection.open("INBOX")
        cut = await connection.fetch_text(1)
    assert cut is not None
    header, _, body = cut.partition(b"\r\n\r\n")
    assert header.count(OMITTED_SIZE.encode()) == 1
    assert b": 140000" in header
    assert long.partition(b"\r\n\r\n")[2].startswith(body)
    assert len(body) == 2000


async def test_closing_is_quick_and_may_be_done_twice(server: Dovecot, user: str) -> None:
    connection = await imap(plain(server.port), user=user).connect()
    await connection.open("INBOX")
    async with anyio.create_task_group() as group:

        async def wait() -> None:
            with contextlib.suppress(Fault):
                await connection.wait(60)

        group.start_soon(wait)
        await anyio.sleep(0.1)
        with anyio.fail_after(5):
            await connection.close()
            await connection.close()
