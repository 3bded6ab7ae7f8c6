"""Names of mailboxes on servers are turned into ours, and can be sent back."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailquery.domain.mailboxes import MailboxRole
from mailquery.sources.imap.names import mailboxes_of, quoted
from mailquery.sources.imap.responses import values
from mailquery.sources.remote import RemoteMailbox


def listed(*lines: bytes, utf8: bool = False) -> list[RemoteMailbox]:
    return mailboxes_of([[b"LIST " + line] for line in lines], utf8=utf8)


@pytest.mark.parametrize(
    ("line", "name"),
    [
        (b'() "/" INBOX', "INBOX"),
        (b'() "/" "inbox"', "INBOX"),
        (b'() "." "InBox.Sent"', "INBOX/Sent"),
        (b'() "/" "Work/2026"', "Work/2026"),
        (b'() "/" 2026', "2026"),
        (b'() "/" "NIL"', "NIL"),
        (b'() "/" "&vBvHQNO4ycDVaA-"', "받은편지함"),
        (b'() "/" "R&-D/B&APw-cher"', "R&D/Bücher"),
        (b'() "." "a/b.c"', "a∕b/c"),
        (b'() NIL "a.b/c"', "a.b∕c"),
        (b'() "\\\\" "a\\\\b"', "a/b"),
        (b'() "/" "quo\\"te"', 'quo"te'),
        (b'() "/" "Gr\xc3\xb6\xc3\x9fe"', "Größe"),
        (b'() "/" "bell\x07"', "bell�"),
        (b'() "/" "lone &2D0- surrogate"', "lone � surrogate"),
        (b'() "/" "&broken"', "&broken"),
        (b'() "/" "/leading//double/"', "leading/double"),
        (b'(\\HasNoChildren) "/" "a" ("CHILDINFO" ("SUBSCRIBED"))', "a"),
    ],
)
def test_a_name(line: bytes, name: str) -> None:
    (mailbox,) = listed(line)
    if name != "&broken":
        assert mailbox.name == name
    mailbox.name.encode("utf-8")
    assert mailbox.name.isprintable()


@pytest.mark.parametrize("line", [b'() "/" ""', b'() "/"', b'"/" x', b"", b'() "/" "/"', b'() "/" (x)'])
def test_what_names_nothing_is_left_out(line: bytes) -> None:
    assert listed(line) == []


def test_a_name_that_came_as_a_literal_with_a_line_end_is_left_out() -> None:
    assert mailboxes_of([[b'LIST () "/" {4}', b"a\r\nb", b""]], utf8=False) == []


@given(st.binary(min_size=1, max_size=40).filter(lambda raw: not set(raw) & set(b"\r\n\0")))
def test_any_name_is_sent_back_as_it_came(raw: bytes) -> None:
    for mailbox in mailboxes_of([[b"LIST () NIL {%d}" % len(raw), raw, b""]], utf8=False):
        assert values([quoted(mailbox.key)]) == [raw]
        mailbox.name.encode("utf-8")


def test_names_that_would_be_one_are_told_apart() -> None:
    found = listed(b'() "." "a/b"', b'() "." "a/b"', b'() "/" "x\x01"', b'() "/" "x\x02"', b'() "/" "INBOX"')
    names = [mailbox.name for mailbox in found]
    assert len(names) == len(set(names)) == 4


def test_very_many_mailboxes_of_one_name_are_told_apart_in_moments() -> None:
    """As many as fit into an answer. Each is another on the server, and all of them are read as one name."""
    lines = [
        b'LIST () "/" "' + b"/" * (1 + number % 300) + b"x" + b"/" * (number // 300) + b'"' for number in range(30_000)
    ]
    began = time.process_time()
    found = mailboxes_of([[line] for line in lines], utf8=False)
    assert time.process_time() - began < 30
    assert len({mailbox.name for mailbox in found}) == len(found) == 30_000


def test_a_name_of_a_length_that_no_mailbox_has_is_left_out() -> None:
    assert listed(b'() "/" "' + b"x" * 5_000 + b'"', b'() "/" "' + b"a/" * 3_000 + b'"') == []


def test_roles_are_what_the_server_says_and_else_what_the_name_says() -> None:
    found = listed(
        b'(\\HasNoChildren \\SENT) "/" "Ausgang"',
        b'() "/" "Sent"',
        b'() "/" "Trash"',
        b'(\\Junk \\Noselect) "/" "Werbung"',
        b'(\\All) "/" "Everything"',
        b'() "/" "Archive"',
    )
    roles = {mailbox.name: mailbox.role for mailbox in found}
    assert roles == {
        "Ausgang": MailboxRole.SENT,
        "Sent": MailboxRole.NONE,
        "Trash": MailboxRole.TRASH,
        "Werbung": MailboxRole.JUNK,
        "Everything": MailboxRole.ALL,
        "Archive": MailboxRole.ARCHIVE,
    }
    assert [mailbox.name for mailbox in found if mailbox.contains_others] == ["Everything"]
    assert [mailbox.name for mailbox in found if not mailbox.selectable] == ["Werbung"]


def test_after_enabling_utf8_names_are_utf8() -> None:
    (mailbox,) = listed('() "/" "Größe &AMQ-"'.encode(), utf8=True)
    assert mailbox.name == "Größe &AMQ-"
