"""Attachments as a user meets them: the commands, and an assistant over both transports."""

import stat
from contextlib import ExitStack
from pathlib import Path

import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters

from end_to_end.conftest import CONSENTED, CommandLine
from end_to_end.served import serving
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


@pytest.mark.parametrize("mode", ["legacy", "auto"])
@pytest.mark.parametrize("transport", ["stdio", "http"])
async def test_an_assistant_reads_it_over_both_transports_in_both_eras(
    mailquery: CommandLine, ids: list[str], transport: str, mode: str
) -> None:
    with ExitStack() as running:
        if transport == "http":
            target: str | StdioServerParameters = running.enter_context(serving(mailquery, **CONSENTED))
        else:
            command = mailquery.command("serve", "--transport", "stdio")
            target = StdioServerParameters(command=command[0], args=command[1:], env=mailquery.environment)
        async with Client(target, mode=mode) as client:
            found = await client.call_tool("read_attachment", {"id": ids[0]})
            assert found.structured_content is not None
            assert found.structured_content["text"] == REPORT.strip()
            assert found.structured_content["untrusted"] is True
            warned = await client.call_tool("read_attachment", {"id": ids[1]})
            assert warned.structured_content is not None
            assert warned.structured_content["signals"] == ["content_is_another_type"]
            got = await client.call_tool("get_attachment", {"id": ids[1]})
            assert not got.is_error
            assert got.structured_content is not None
            assert "download" not in got.structured_content
