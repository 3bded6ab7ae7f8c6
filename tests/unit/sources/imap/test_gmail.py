"""Gmail's extensions: one mailbox holds everything, the others are labels on it."""

import pytest

from mailquery.domain.mailboxes import MailboxRole
from mailquery.domain.uids import UidSet
from support.imap_client import connected, imap, plain
from support.imap_script import ScriptedMessage, gmail, scripted

RAW = b"From: a@example.org\r\nSubject: hello\r\n\r\nHello\r\n"
MESSAGES = (
    ScriptedMessage(1, RAW, rb"\Seen", (rb'"\\Inbox"', b"Work", rb'"\\Important"'), thread=7),
    ScriptedMessage(2, RAW, b"", (rb'"\\Sent"', b'"Work/2026"', b'"&vBvHQNO4ycDVaA-"', rb'"\\Starred"'), thread=7),
    ScriptedMessage(3, RAW, b"", (), thread=8),
    ScriptedMessage(4, RAW, b"", (rb'"\\Unheard"', b'{5}\r\na"b\\c'), thread=9),
)


async def test_mailboxes_tell_which_show_what_lies_in_others() -> None:
    with scripted(gmail(MESSAGES)) as script:
        async with connected(imap(plain(script.port))) as connection:
            assert connection.has_labels
            assert connection.counts_changes
            found = {mailbox.name: mailbox for mailbox in await connection.mailboxes()}
    assert found["[Gmail]/Alle Nachrichten"].role is MailboxRole.ALL
    assert {name for name, mailbox in found.items() if mailbox.contains_others} == {
        "[Gmail]/Alle Nachrichten",
        "[Gmail]/Wichtig",
        "[Gmail]/Markiert",
    }
    assert not found["[Gmail]"].selectable
    assert found["[Gmail]/Gesendet"].role is MailboxRole.SENT


async def test_labels_are_the_names_of_mailboxes() -> None:
    with scripted(gmail(MESSAGES)) as script:
        async with connected(imap(plain(script.port))) as connection:
            await connection.open("[Gmail]/Alle Nachrichten")
            found = {message.uid: message for message in await connection.describe(UidSet(((1, 9),)))}
            changes = {change.uid: change.labels for change in await connection.flags(UidSet(((1, 9),)))}
            since = {change.uid: change.labels for change in await connection.changed_since(5)}
    assert found[1].labels == ("INBOX", "Work", "[Gmail]/Wichtig")
    assert found[2].labels == ("[Gmail]/Gesendet", "Work/2026", "받은편지함", "[Gmail]/Markiert")
    assert found[3].labels == ()
    assert found[4].labels[-1] == 'a"b\\c'
    assert changes == since == {uid: message.labels for uid, message in found.items()}


async def test_the_same_message_has_one_content_id_in_every_mailbox() -> None:
    with scripted(gmail(MESSAGES)) as script:
        async with connected(imap(plain(script.port))) as connection:
            ids = []
            for key in ("[Gmail]/Alle Nachrichten", "INBOX", "Work"):
                await connection.open(key)
                ids += [
                    (message.content_id, message.gmail_thread_id)
                    for message in await connection.describe(await connection.uids())
                    if message.uid == 1
                ]
    assert ids == [(str(MESSAGES[0].gmail_id), "7")] * 3


@pytest.mark.parametrize("capability", [b" ID", b""])
async def test_a_server_that_wants_to_know_who_calls_is_told(capability: bytes) -> None:
    """163.com and others refuse to open a mailbox otherwise (RFC 2971)."""
    with scripted(gmail(MESSAGES, capabilities=b"IMAP4rev1 AUTH=PLAIN ESEARCH" + capability)) as script:
        async with connected(imap(plain(script.port))) as connection:
            await connection.open("INBOX")
        assert any(b' ID ("name"' in command for command in script.commands) == bool(capability)
