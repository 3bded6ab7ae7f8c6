"""Folders of mail, single files, and what is told about paths that are not mail."""

import os
import plistlib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from mailquery.domain.messages import Flag, ProblemCode
from mailquery.sources.detection import open_sources
from mailquery.sources.interfaces import SourceMessage, UnreadablePlace
from mcpkit.errors import ErrorCode, Fault

Read = Callable[..., tuple[list[SourceMessage], list[UnreadablePlace]]]

FROM = b"From - Mon Mar  1 10:00:00 2021\n"
RAW = b"From: a@example.org\nSubject: x\n\nbody\n"


def put(path: Path, data: bytes = RAW) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def emlx(**properties: object) -> bytes:
    return b"%-10d\n%s%s" % (len(RAW), RAW, plistlib.dumps(properties))


def boxes(messages: list[SourceMessage]) -> list[str]:
    return [m.placements[0].mailbox for m in messages]


def test_a_folder_of_message_files_in_order(tmp_path: Path, read: Read) -> None:
    root = tmp_path / "archive"
    for name in ("2.eml", "1.eml", "10", "sub/b.EML"):
        put(root / name, RAW + name.encode())
    for name in (".DS_Store", "pic.png", "Inbox.msf", "._1.eml", "notes.txt", "x.pdf"):
        put(root / name, b"\x00\x01")
    put(root / "unknown", b"\x00\x01")
    put(root / "empty.eml", b"")
    os.utime(root / "1.eml", (1_500_000_000, 1_500_000_000))
    messages, problems = read(root)
    assert [m.raw.rpartition(b"\n")[2] for m in messages] == [b"1.eml", b"10", b"2.eml", b"sub/b.EML"]
    assert boxes(messages) == ["archive", "archive", "archive", "sub"]
    assert messages[0].source_date == datetime.fromtimestamp(1_500_000_000, UTC)
    assert messages[0].placements[0].flags is None
    assert messages[0].placements[0].locator == str(root / "1.eml")
    assert [(p.locator, p.problem.code) for p in problems] == [
        (str(root / "empty.eml"), ProblemCode.NOT_MAIL),
        (str(root / "unknown"), ProblemCode.NOT_MAIL),
    ]


def test_the_position_reaches_the_size(tmp_path: Path) -> None:
    for number in range(20):
        put(tmp_path / f"{number}.eml", RAW * (number + 1))
    put(tmp_path / "large.eml", RAW + b"x\n" * 300_000)
    put(tmp_path / "box", FROM + RAW)
    put(tmp_path / "unknown", b"\x00" * 100_000)
    (source,) = open_sources(tmp_path)
    seen = [source.position() for _ in source]
    assert seen == sorted(seen)
    assert source.position() == source.size()


def test_thunderbirds_profile(tmp_path: Path, read: Read) -> None:
    put(tmp_path / "prefs.js", b"user_pref")
    put(tmp_path / "storage" / "x", b"junk")
    local = tmp_path / "Mail" / "Local Folders"
    put(local / "Inbox", FROM + RAW)
    put(local / "Inbox.msf", b"<!-- -->")
    put(local / "Inbox.sbd" / "Work", FROM + RAW)
    put(local / "offers.pdf", FROM + RAW)
    put(local / "offers.pdf.msf", b"")
    put(local / "Trash", b"")
    put(local / "Trash.msf", b"")
    put(tmp_path / "ImapMail" / "imap.example.org" / "Sent", FROM + RAW)
    messages, problems = read(tmp_path)
    assert (boxes(messages), problems) == (
        ["imap.example.org/Sent", "Local Folders/Inbox", "Local Folders/offers.pdf", "Local Folders/Inbox/Work"],
        [],
    )
    assert boxes(read(local)[0]) == ["Inbox", "offers.pdf", "Inbox/Work"]
    assert boxes(read(local / "Inbox.sbd" / "Work")[0]) == ["Inbox/Work"]


def test_apple_mail(tmp_path: Path, read: Read) -> None:
    identity = "0F2AF6B4-6FCB-4BBC-9A33-3A2A4DD0E9A0"
    root = tmp_path / "V10" / identity
    put(root / "INBOX.mbox" / identity / "Data" / "1" / "Messages" / "5.emlx", emlx(flags=0b1000000010001))
    put(root / "INBOX.mbox" / identity / "Data" / "1" / "Attachments" / "5" / "2" / "x.bin", b"\x00")
    put(root / "INBOX.mbox" / identity / "Data" / "Messages" / "6.partial.emlx", emlx(flags=1))
    put(root / "INBOX.mbox" / "Info.plist", b"bplist")
    put(root / "Work.mbox" / "Acme.mbox" / "mbox", FROM + RAW)
    put(root / "Work.mbox" / "table_of_contents", b"\x00")
    messages, problems = read(tmp_path)
    assert problems == []
    assert boxes(messages) == ["INBOX", "INBOX", "Work/Acme"]
    assert boxes(read(root / "Work.mbox" / "Acme.mbox")[0]) == ["Acme"]
    assert boxes(read(root / "Work.mbox" / "Acme.mbox" / "mbox")[0]) == ["Acme"]
    by_name = {m.placements[0].locator.rpartition("/")[2]: m for m in messages}
    assert by_name["5.emlx"].placements[0].flags == Flag.SEEN | Flag.FLAGGED
    assert [p.code for p in by_name["6.partial.emlx"].problems] == [ProblemCode.TRUNCATED]


@pytest.mark.parametrize(
    ("data", "flags", "problems"),
    [
        (emlx(flags=1 | 2 | 4 | 16 | 64 | 256), Flag(63), []),
        (emlx(flags=0), Flag(0), []),
        (emlx(flags=(1 << 64) - 2**63), Flag(0), []),
        (emlx(flags="x"), None, []),
        (b"%d\n%s" % (len(RAW), RAW), None, []),
        (b"%d\n%s<plist><dict><key>" % (len(RAW), RAW), None, []),
        (b"%d\n%sbplist00\xff\xff" % (len(RAW), RAW), None, []),
        (b"9999\n" + RAW, None, [ProblemCode.TRUNCATED]),
    ],
)
def test_emlx(tmp_path: Path, read: Read, data: bytes, flags: object, problems: list[ProblemCode]) -> None:
    (message,) = read(put(tmp_path / "1.emlx", data))[0]
    assert message.raw == RAW
    assert message.placements[0].flags == flags
    assert [p.code for p in message.problems] == problems


def test_emlx_knows_when_it_was_received(tmp_path: Path, read: Read) -> None:
    (message,) = read(put(tmp_path / "1.emlx", emlx(**{"date-received": 1_400_000_000})))[0]
    assert message.source_date == datetime.fromtimestamp(1_400_000_000, UTC)


@pytest.mark.parametrize("name", ["1.eml", "message", "1.txt"])
def test_a_single_message(tmp_path: Path, read: Read, name: str) -> None:
    (message,) = read(put(tmp_path / "box" / name))[0]
    assert (message.raw, message.placements[0].mailbox) == (RAW, "box")


def test_a_mailbox_that_is_given_takes_the_place_of_all_names(tmp_path: Path, read: Read) -> None:
    put(tmp_path / "a" / "1.eml")
    put(tmp_path / "b", FROM + RAW)
    assert set(boxes(read(tmp_path, mailbox="Old")[0])) == {"Old"}


def test_a_format_can_be_insisted_on(tmp_path: Path, read: Read) -> None:
    body = RAW + b"\n" + FROM + RAW
    assert len(read(put(tmp_path / "1", FROM + body))[0]) == 2
    assert [m.raw for m in read(tmp_path / "1", format="eml")[0]] == [body]
    assert [m.raw for m in read(put(tmp_path / "2", b"free text"), format="eml")[0]] == [b"free text"]
    assert read(tmp_path / "2", format="mbox")[1][0].problem.code is ProblemCode.NOT_MAIL


def test_links_that_lead_in_a_circle_and_special_files(tmp_path: Path, read: Read) -> None:
    put(tmp_path / "a" / "1.eml")
    (tmp_path / "a" / "up").symlink_to(tmp_path)
    (tmp_path / "a" / "self").symlink_to("self")
    (tmp_path / "a" / "nowhere.eml").symlink_to("nowhere")
    os.mkfifo(tmp_path / "a" / "pipe.eml")
    messages, problems = read(tmp_path)
    assert (len(messages), problems) == (1, [])


def test_names_that_are_not_utf8_can_be_stored(tmp_path: Path, read: Read) -> None:
    folder = os.fsencode(tmp_path) + b"/caf\xe9"
    os.mkdir(folder)
    with open(folder + b"/\xff.eml", "wb") as file:
        file.write(RAW)
    (message,) = read(tmp_path)[0]
    assert message.placements[0].mailbox == "caf\\xe9"
    assert message.placements[0].locator.encode().endswith(b"/caf\\xe9/\\xff.eml")


@pytest.mark.parametrize(
    ("name", "data", "options", "code", "words"),
    [
        ("missing", None, {}, ErrorCode.NOT_FOUND, "Check the path"),
        ("a.bin", b"\x00\x01", {}, ErrorCode.INVALID_FORMAT, "--format"),
        ("a.pst", b"!BDN\x00", {}, ErrorCode.INVALID_FORMAT, "readpst"),
        ("a.msg", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", {}, ErrorCode.INVALID_FORMAT, ".eml"),
        ("a.7z", b"7z\xbc\xaf\x27\x1c", {}, ErrorCode.INVALID_FORMAT, "unpack"),
        ("a.eml", RAW, {"format": "maildir"}, ErrorCode.INVALID_FORMAT, "cur and new"),
        ("a.eml", RAW, {"format": "emlx"}, ErrorCode.INVALID_FORMAT, "size"),
        ("a.eml", RAW, {"format": "pst"}, ErrorCode.VALIDATION_ERROR, "mboxrd"),
    ],
)
def test_what_is_no_mail_is_refused_with_a_remedy(
    tmp_path: Path, name: str, data: bytes | None, options: dict[str, Any], code: ErrorCode, words: str
) -> None:
    if data is not None:
        put(tmp_path / name, data)
    with pytest.raises(Fault) as caught:
        open_sources(tmp_path / name, **options)
    assert caught.value.code is code
    assert words in caught.value.message
    if code is not ErrorCode.VALIDATION_ERROR:
        assert str(tmp_path / name) in caught.value.message


def test_a_folder_without_mail_and_a_pipe_are_refused(tmp_path: Path) -> None:
    put(tmp_path / "docs" / "a.pdf", b"%PDF")
    os.mkfifo(tmp_path / "pipe")
    cases: tuple[tuple[Path, dict[str, Any]], ...] = (
        (tmp_path / "docs", {}),
        (tmp_path / "pipe", {}),
        (tmp_path / "docs", {"format": "maildir"}),
    )
    for path, options in cases:
        with pytest.raises(Fault) as caught:
            open_sources(path, **options)
        assert caught.value.code is ErrorCode.INVALID_FORMAT
        assert str(path) in caught.value.message


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_refused(tmp_path: Path) -> None:
    put(tmp_path / "a.eml").chmod(0)
    with pytest.raises(Fault) as caught:
        open_sources(tmp_path / "a.eml")
    assert caught.value.code is ErrorCode.SOURCE_UNAVAILABLE
