"""Attachments as a user meets them: the commands, and an assistant over both transports."""

import stat
from pathlib import Path

import pytest

from end_to_end.conftest import CommandLine
from support.archives import Mail

REPORT = "first line of the report\n둘째 줄\n"
EXE = b"MZ\x90\x00" + bytes(600)
FILES = (
    ("../../.ssh/report.txt", "text/plain", REPORT.encode()),
    ("invoice.pdf", "application/pdf", EXE),
)


@pytest.fixture
def ids(mailquery: CommandLine, tmp_path: Path) -> list[str]:
    """The attachments' ids, in their order."""
    file = tmp_path / "letter.eml"
    mail = Mail(files=FILES, account="")
    file.write_bytes(mail.as_bytes())
    done = mailquery("import", file)
    assert done.code == 0, done.err
    return [each["id"] for each in mailquery("show", mail.id, "--json").json["attachments"]]


def test_an_attachment_is_read(mailquery: CommandLine, ids: list[str]) -> None:
    done = mailquery("attachments", "read", ids[0])
    assert done.code == 0, done.err
    assert done.text.strip() == REPORT.strip()
    shape = mailquery("attachments", "read", ids[1], "--json").json
    assert shape["type"] == "application/vnd.microsoft.portable-executable"
    assert shape["state"] == "unsupported"
    assert shape["signals"] == ["content_is_another_type"]


def test_an_attachment_is_saved_under_a_safe_new_name(mailquery: CommandLine, ids: list[str], tmp_path: Path) -> None:
    folder = tmp_path / "saved"
    folder.mkdir()
    paths = [mailquery("attachments", "save", id, "--to", folder).text.strip() for id in (*ids, ids[0])]
    assert paths == [str(folder / name) for name in ("report.txt", "invoice.exe", "report (2).txt")]
    assert sorted(each.name for each in folder.iterdir()) == ["invoice.exe", "report (2).txt", "report.txt"]
    for path in folder.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert (folder / "report.txt").read_bytes() == REPORT.encode()
    told = mailquery("attachments", "save", ids[1], "--to", folder, "--json").json
    assert told["size"] == len(EXE)
    assert told["path"] == str(folder / "invoice (2).exe")


def test_a_link_is_not_followed(mailquery: CommandLine, ids: list[str], tmp_path: Path) -> None:
    folder, victim = tmp_path / "saved", tmp_path / "victim"
    folder.mkdir()
    (folder / "report.txt").symlink_to(victim)
    assert mailquery("attachments", "save", ids[0], "--to", folder).text.strip().endswith("report (2).txt")
    assert not victim.exists()
    link = tmp_path / "link"
    link.symlink_to(folder)
    done = mailquery("attachments", "save", ids[0], "--to", link)
    assert done.code != 0
    assert "is a link" in done.err
