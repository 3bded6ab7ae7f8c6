"""Google Takeout: labels become mailboxes and flags."""

from pathlib import Path

import pytest

from mailquery.domain.mailboxes import MailboxRole
from mailquery.domain.messages import Flag
from mailquery.sources.detection import open_sources
from mailquery.sources.gmail import read_labels
from mailquery.sources.interfaces import SourceMessage
from mailquery.sources.roles import role_of


@pytest.mark.parametrize(
    ("value", "mailboxes", "flags"),
    [
        (b" Inbox,Important,Opened,Category Personal\n", ("INBOX", "Important", "Category Personal"), Flag.SEEN),
        (b" Unread,Inbox", ("INBOX",), Flag(0)),
        (b" Sent,Starred", ("Sent",), Flag.SEEN | Flag.FLAGGED),
        (b" Drafts", ("Drafts",), Flag.SEEN | Flag.DRAFT),
        (b" Opened", ("Archived",), Flag.SEEN),
        (b" Archived,Work/Clients/Acme", ("Archived", "Work/Clients/Acme"), Flag.SEEN),
        (b' Inbox,"Receipts, 2024","a ""b"""', ("INBOX", "Receipts, 2024", 'a "b"'), Flag.SEEN),
        (b" Inbox,=?UTF-8?Q?Kunden/=C3=9Cbung?=,Opened", ("INBOX", "Kunden/Übung"), Flag.SEEN),
        (b" =?UTF-8?B?7JeF66y0?=", ("업무",), Flag.SEEN),
        (
            b" =?UTF-8?Q?Archiv=C3=A9s,Ouvert,Cat=C3=A9gorie=C2=A0:_E-mails_?=\r\n"
            b' =?UTF-8?Q?personnels,"Culture,_art"?=',
            ("Archivés", "Catégorie : E-mails personnels", "Culture, art"),
            Flag.SEEN,
        ),
        (b"Posteingang,Ungelesen,Markiert", ("INBOX",), Flag.FLAGGED),
        ("Boîte de réception,Non lus".encode(), ("INBOX",), Flag(0)),
        ("Recibidos,No leídos,Destacados".encode(), ("INBOX",), Flag.FLAGGED),
        ("받은편지함,읽지않음,별표편지함".encode(), ("INBOX",), Flag.FLAGGED),
        ("受信トレイ,未読,スター付き".encode(), ("INBOX",), Flag.FLAGGED),
        ("收件箱,未读,已加星标".encode(), ("INBOX",), Flag.FLAGGED),
        (b" =?x-unknown?B?!!!?=,=?UTF-8?B?a?=,\0", None, None),
    ],
)
def test_labels(value: bytes, mailboxes: object, flags: object) -> None:
    found, found_flags = read_labels(value)
    assert found
    if mailboxes is not None:
        assert (found, found_flags) == (mailboxes, flags)


def test_a_takeout_mbox(tmp_path: Path) -> None:
    path = tmp_path / "All mail Including Spam and Trash.mbox"
    path.write_bytes(
        b"From 1790@xxx Mon Mar 01 00:00:00 +0000 2024\r\nX-GM-THRID: 1790000000000000001\r\n"
        b"X-Gmail-Labels: Inbox,Unread\r\n ,Work/Acme\r\nSubject: a\r\n\r\nb\r\n\r\n"
        b"From 1791@xxx Mon Mar 01 00:00:00 +0000 2024\r\nX-GM-THRID: 1790000000000000001\r\n"
        b"X-Gmail-Labels: Spam\r\nSubject: a\r\n\r\nb\r\n\r\n"
    )
    (source,) = open_sources(path)
    first, second = (item for item in source if isinstance(item, SourceMessage))
    assert [p.mailbox for p in first.placements] == ["INBOX", "Work/Acme"]
    assert {p.flags for p in first.placements} == {Flag(0)}
    assert first.gmail_thread_id == second.gmail_thread_id == "1790000000000000001"
    assert dict(source.mailboxes()) == {
        "INBOX": MailboxRole.INBOX,
        "Work/Acme": MailboxRole.NONE,
        "Spam": MailboxRole.JUNK,
    }
    (source,) = open_sources(path, mailbox="Old")
    assert {p.mailbox for m in source if isinstance(m, SourceMessage) for p in m.placements} == {"Old"}


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("INBOX", MailboxRole.INBOX),
        ("Sent Items", MailboxRole.SENT),
        ("[Gmail]/Sent Mail", MailboxRole.SENT),
        ("INBOX/Trash", MailboxRole.TRASH),
        ("imap.example.org/Drafts", MailboxRole.DRAFTS),
        ("Clients/Sent", MailboxRole.NONE),
        ("Entwürfe", MailboxRole.DRAFTS),
        ("Entwu\u0308rfe", MailboxRole.DRAFTS),
        ("Courrier indésirable", MailboxRole.JUNK),
        ("Papelera", MailboxRole.TRASH),
        ("보낸편지함", MailboxRole.SENT),
        ("下書き", MailboxRole.DRAFTS),
        ("已删除邮件", MailboxRole.TRASH),
        ("Invoices", MailboxRole.NONE),
        ("", MailboxRole.NONE),
    ],
)
def test_roles(name: str, role: MailboxRole) -> None:
    assert role_of(name) is role
