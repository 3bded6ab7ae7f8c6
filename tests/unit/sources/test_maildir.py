"""Maildir, Maildir++ and nested folders, also while another program works in them."""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mailquery.domain.mailboxes import MailboxRole
from mailquery.domain.messages import Flag, ProblemCode
from mailquery.sources.detection import open_sources
from mailquery.sources.interfaces import SourceMessage, UnreadablePlace
from mailquery.sources.naming import modified_utf7

Read = Callable[..., tuple[list[SourceMessage], list[UnreadablePlace]]]

RAW = b"From: a@example.org\nSubject: x\n\nbody\n"


def make(path: Path) -> Path:
    for part in ("cur", "new", "tmp"):
        (path / part).mkdir(parents=True, exist_ok=True)
    return path


def test_flags_and_parts(tmp_path: Path, read: Read) -> None:
    root = make(tmp_path / "Maildir")
    names = {
        "1.a.h:2,": Flag(0),
        "2.a.h:2,DFPRST": Flag.DRAFT | Flag.FLAGGED | Flag.FORWARDED | Flag.ANSWERED | Flag.SEEN | Flag.DELETED,
        "3.a.h;2,S": Flag.SEEN,
        "4.a.h!2,F": Flag.FLAGGED,
        "5.a.h,S=37:2,Sab": Flag.SEEN,
        "6.a.h": Flag(0),
    }
    for name in names:
        (root / "cur" / name).write_bytes(RAW)
    (root / "new" / "7.a.h:2,S").write_bytes(RAW)
    (root / "tmp" / "8.a.h").write_bytes(RAW)
    (root / "cur" / ".hidden").write_bytes(b"x")
    (root / "dovecot-uidlist").write_bytes(b"3 V1")
    os.utime(root / "cur" / "1.a.h:2,", (1_600_000_000, 1_600_000_000))
    messages, problems = read(root)
    assert problems == []
    found = {m.placements[0].locator.rpartition("/")[2]: m.placements[0].flags for m in messages}
    assert found == {**names, "7.a.h:2,S": Flag(0)}
    assert all(m.raw == RAW and m.placements[0].mailbox == "INBOX" for m in messages)
    assert messages[1].source_date == datetime.fromtimestamp(1_600_000_000, UTC)


def test_maildir_plus_plus_and_nested_folders(tmp_path: Path) -> None:
    root = make(tmp_path / "Maildir")
    for folder in (".Sent", ".Work.2024", ".&ZeVnLIqe-", ".Entw&APw-rfe", "Lists/python"):
        (make(root / folder) / "cur" / "1:2,S").write_bytes(RAW)
    (source,) = open_sources(root)
    assert source.format == "maildir"
    assert [m.placements[0].mailbox for m in source if isinstance(m, SourceMessage)] == [
        "日本語",
        "Entwürfe",
        "Sent",
        "Work/2024",
        "Lists/python",
    ]
    assert ("Sent", MailboxRole.SENT) in source.mailboxes()
    assert ("INBOX", MailboxRole.INBOX) in source.mailboxes()
    assert ("Entwürfe", MailboxRole.DRAFTS) in source.mailboxes()


def test_several_maildirs_in_a_folder(tmp_path: Path, read: Read) -> None:
    for name in ("INBOX", "Sent", "acme/INBOX"):
        (make(tmp_path / name) / "new" / "1").write_bytes(RAW)
    assert [m.placements[0].mailbox for m in read(tmp_path)[0]] == ["INBOX", "Sent", "acme/INBOX"]


def test_the_inbox_of_a_home_folder_is_called_so(tmp_path: Path, read: Read) -> None:
    (make(tmp_path / "Maildir") / "new" / "1").write_bytes(RAW)
    (make(tmp_path / "Maildir" / ".Sent") / "new" / "1").write_bytes(RAW)
    assert [m.placements[0].mailbox for m in read(tmp_path)[0]] == ["INBOX", "Sent"]


@pytest.mark.parametrize(
    ("encoded", "decoded"),
    [("a&-b", "a&b"), ("&U,BTFw-", "台北"), ("&2D3c5w-", "📧"), ("&bad", "&bad"), ("&2D0-", "&2D0-"), ("Büro", "Büro")],
)
def test_modified_utf7(encoded: str, decoded: str) -> None:
    assert modified_utf7(encoded) == decoded


def test_a_message_that_is_moved_while_reading_is_followed(tmp_path: Path) -> None:
    root = make(tmp_path / "Maildir")
    for number in range(4):
        (root / "new" / f"{number}.x").write_bytes(RAW)
    (source,) = open_sources(root)
    items = iter(source)
    first = next(items)
    (root / "new" / "1.x").rename(root / "cur" / "1.x:2,S")
    (root / "new" / "2.x").unlink()
    rest = list(items)
    found = [m.placements[0] for m in (first, *rest) if isinstance(m, SourceMessage)]
    # It is read where it went; `cur` is listed after that and gives it again, as one more copy of the same place.
    assert [(p.locator.rpartition("/")[2], p.flags) for p in found] == [
        ("0.x", Flag(0)),
        ("1.x:2,S", Flag.SEEN),
        ("3.x", Flag(0)),
        ("1.x:2,S", Flag.SEEN),
    ]


def test_what_is_no_file_is_passed_over_and_an_empty_one_reported(tmp_path: Path, read: Read) -> None:
    root = make(tmp_path / "Maildir")
    os.mkfifo(root / "cur" / "fifo")
    (root / "cur" / "folder").mkdir()
    (root / "cur" / "link").symlink_to("nowhere")
    (root / "cur" / "empty:2,").write_bytes(b"")
    (root / ".Loop").symlink_to(root)
    messages, problems = read(root)
    assert messages == []
    assert [p.problem.code for p in problems] == [ProblemCode.NOT_MAIL]


def test_a_message_over_the_limit_is_cut(tmp_path: Path, read: Read) -> None:
    (make(tmp_path / "Maildir") / "cur" / "1:2,").write_bytes(RAW * 10)
    (message,) = read(tmp_path / "Maildir", limit=len(RAW))[0]
    assert message.raw == RAW
    assert [p.code for p in message.problems] == [ProblemCode.TOO_LARGE]
