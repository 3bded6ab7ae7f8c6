"""Compressed files and archives: read in place, whatever they hold and however damaged they are."""

import bz2
import contextlib
import gzip
import io
import random
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from mailquery.domain.messages import Flag, ProblemCode
from mailquery.sources import streams
from mailquery.sources.detection import open_sources
from mailquery.sources.interfaces import SourceMessage, UnreadablePlace
from mcpkit.errors import Fault

Read = Callable[..., tuple[list[SourceMessage], list[UnreadablePlace]]]

FROM = b"From a@example.org Mon Mar  1 10:00:00 2021\n"


def raw(number: int) -> bytes:
    noise = random.Random(number).randbytes(300).hex().encode()
    return b"From: a@example.org\nSubject: %d\n\n%s\n" % (number, noise)


MBOX = b"".join(FROM + raw(n) + b"\n" for n in range(200))
ENTRIES = {
    "Takeout/Mail/Work.mbox": MBOX,
    "Takeout/archive_browser.html": b"<html>",
    "mails/2020/one.eml": raw(1001),
    "backup/Maildir/cur/1:2,S": raw(1002),
    "backup/Maildir/.Sent.Old/new/2": raw(1003),
    "backup/Maildir/tmp/3": raw(1004),
    "../../etc/evil.eml": raw(1005),
    "/absolute/evil.eml": raw(1006),
    "inner.zip": b"PK\x03\x04" + b"x" * 100,
    "photo.jpg": b"\xff\xd8",
    "data.bin": b"\x01\x02\x03",
}


def tar_of(entries: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, data in entries.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            info.mtime = 1_600_000_000
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def zip_of(entries: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return out.getvalue()


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("m.mbox.gz", gzip.compress(MBOX)),
        ("m.gz", gzip.compress(MBOX[:5000]) + gzip.compress(MBOX[5000:])),
        ("m.bz2", bz2.compress(MBOX)),
        ("no-ending", gzip.compress(MBOX)),
    ],
)
def test_a_compressed_mbox(tmp_path: Path, read: Read, name: str, data: bytes) -> None:
    (tmp_path / name).write_bytes(data)
    messages, problems = read(tmp_path / name)
    assert [m.raw for m in messages] == [raw(n) for n in range(200)]
    assert problems == []
    (source,) = open_sources(tmp_path / name)
    list(source)
    assert source.position() == source.size() == len(data)


@pytest.mark.parametrize("pack", [zip_of, tar_of, lambda e: gzip.compress(tar_of(e))], ids=["zip", "tar", "tgz"])
def test_an_archive_of_everything(tmp_path: Path, read: Read, pack: Callable[[dict[str, bytes]], bytes]) -> None:
    (tmp_path / "takeout-001.zip").write_bytes(pack(ENTRIES))
    messages, problems = read(tmp_path / "takeout-001.zip")
    found = {(m.placements[0].mailbox, m.placements[0].flags) for m in messages}
    assert len(messages) == 205
    assert found == {
        ("Work", None),
        ("mails/2020", None),
        ("INBOX", Flag.SEEN),
        ("Sent/Old", Flag(0)),
        ("etc", None),
        ("absolute", None),
    }
    assert [(p.locator.rpartition("!/")[2], p.problem.code) for p in problems] == [
        ("inner.zip", ProblemCode.NOT_MAIL),
        ("data.bin", ProblemCode.NOT_MAIL),
    ]
    assert [p.name for p in tmp_path.parent.rglob("evil*")] == []


def test_a_cut_gzip_gives_what_is_before_the_cut(tmp_path: Path, read: Read) -> None:
    (tmp_path / "m.gz").write_bytes(gzip.compress(MBOX)[:-20_000])
    messages, problems = read(tmp_path / "m.gz")
    assert len(messages) > 20
    assert [m.raw for m in messages[:-1]] == [raw(n) for n in range(len(messages) - 1)]
    assert [p.code for p in messages[-1].problems] == [ProblemCode.TRUNCATED]
    assert [p.problem.code for p in problems] == [ProblemCode.UNREADABLE]


@pytest.mark.parametrize("pack", [zip_of, tar_of, lambda e: gzip.compress(tar_of(e))], ids=["zip", "tar", "tgz"])
def test_damage_anywhere_is_reported_and_never_raised(
    tmp_path: Path, read: Read, pack: Callable[[dict[str, bytes]], bytes]
) -> None:
    data = pack({"a.mbox": MBOX[:20_000], "b.eml": raw(1), "c.eml": raw(2)})
    path = tmp_path / "x.zip"
    for seed in range(60):
        dice = random.Random(seed)
        broken = bytearray(data[: dice.randrange(600, len(data))] if seed % 2 else data)
        for _ in range(5):
            broken[dice.randrange(4, min(len(broken), 257) if seed % 3 == 0 else len(broken))] = dice.randrange(256)
        path.write_bytes(broken)
        with contextlib.suppress(Fault):  # where nothing of it looks like mail any more
            read(path)


def test_an_encrypted_entry_is_reported(tmp_path: Path, read: Read) -> None:
    data = bytearray(zip_of({"a.eml": raw(1), "b.eml": raw(2)}))
    central = data.index(b"PK\x01\x02")
    data[central + 8] |= 1
    data[6] |= 1
    (tmp_path / "x.zip").write_bytes(data)
    messages, problems = read(tmp_path / "x.zip")
    assert [m.raw for m in messages] == [raw(2)]
    assert "encrypted" in problems[0].problem.detail


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lambda d: zip_of({"a.mbox": d, "b.mbox": d})])
def test_a_bomb_is_stopped(
    tmp_path: Path, read: Read, monkeypatch: pytest.MonkeyPatch, pack: Callable[[bytes], bytes]
) -> None:
    monkeypatch.setattr(streams, "EXPANSION_ALWAYS", 1 << 20)
    (tmp_path / "m.mbox.gz").write_bytes(pack(FROM + raw(1) + b"\n" + b"\n" * 60_000_000))
    _, problems = read(tmp_path / "m.mbox.gz")
    assert problems
    assert "expands" in problems[-1].problem.detail


def test_a_tar_header_that_claims_a_huge_name_is_refused(tmp_path: Path, read: Read) -> None:
    info = tarfile.TarInfo("././@LongLink")
    info.type = tarfile.GNUTYPE_LONGNAME
    info.size = 1 << 34
    (tmp_path / "x.tar").write_bytes(tar_of({"a.eml": raw(1)})[:1536] + info.tobuf(tarfile.GNU_FORMAT) + b"x" * 10_000)
    messages, problems = read(tmp_path / "x.tar")
    assert [m.raw for m in messages] == [raw(1)]
    assert "too long" in problems[0].problem.detail


def test_links_in_a_tar_are_passed_over(tmp_path: Path, read: Read) -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE):
            info = tarfile.TarInfo("a.eml")
            info.type, info.linkname = kind, "/etc/passwd"
            archive.addfile(info)
    (tmp_path / "x.tar").write_bytes(out.getvalue())
    assert read(tmp_path / "x.tar") == ([], [])


def test_closing_early_closes_the_file(tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_bytes(zip_of(ENTRIES))
    (source,) = open_sources(tmp_path / "x.zip")
    items = iter(source)
    assert isinstance(next(items), SourceMessage)
    items.close()  # type: ignore[attr-defined]  # it is a generator; a file left open would be a ResourceWarning
