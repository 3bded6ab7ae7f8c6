import base64

import pytest
from mcp_types import BlobResourceContents, EmbeddedResource, TextResourceContents

from mcpkit.errors import ErrorCode, Fault
from support.archives import Archive, Mail
from support.calling import Caller

PDF = ("invoice.pdf", "application/pdf", b"%PDF-1.4 \xff\x00" * 100)
NOTE = ("note.txt", "text/plain", ("예산안 note\n" * 500).encode())


async def test_rows_have_what_is_needed_to_choose(archive: Archive, caller: Caller) -> None:
    (stored,) = await archive.add(Mail(subject="March", files=(PDF, NOTE)))
    result = await caller.tool("list_attachments", type="pdf")
    (row,) = result["rows"]
    assert row["id"].startswith(f"{stored}-")
    del row["id"]
    assert row == {
        "name": "invoice.pdf",
        "type": "application/pdf",
        "size": len(PDF[2]),
        "message": stored,
        "date": "2026-03-09T14:05+09:00",
        "from": "Ana Lima <ana@acme.example>",
        "subject": "March",
    }
    assert result["total"] == 1


async def test_pages_cut_by_the_budget_join_to_the_whole(archive: Archive, caller: Caller) -> None:
    files = tuple((f"file number {number}.pdf", "application/pdf", b"%PDF") for number in range(9))
    await archive.add(Mail(files=files), Mail(text="two", files=files))
    seen: list[str] = []
    arguments: dict[str, object] = {"max_chars": 1_500, "limit": 7}
    while True:
        result = await caller.tool("list_attachments", **arguments)
        seen += [row["id"] for row in result["rows"]]
        if "cursor" not in result:
            break
        assert result["rows"]
        arguments["cursor"] = result["cursor"]
    assert len(seen) == len(set(seen)) == 18


async def attachment_ids(caller: Caller) -> list[str]:
    return [row["id"] for row in (await caller.tool("list_attachments"))["rows"]]


async def test_bytes_come_as_they_are(archive: Archive, caller: Caller) -> None:
    await archive.add(Mail(files=(PDF,)))
    (id,) = await attachment_ids(caller)
    reply = await caller.reply("get_attachment", id=id)
    block = reply.content[1]
    assert isinstance(block, EmbeddedResource)
    assert isinstance(block.resource, BlobResourceContents)
    assert block.resource.uri == f"mail://attachment/{id}"
    assert block.resource.mime_type == "application/pdf"
    assert base64.b64decode(block.resource.blob) == PDF[2]


async def test_text_comes_as_text_and_is_cut_to_max_chars(archive: Archive, caller: Caller) -> None:
    await archive.add(Mail(files=(NOTE,)))
    (id,) = await attachment_ids(caller)
    reply = await caller.reply("get_attachment", id=id)
    block = reply.content[1]
    assert isinstance(block, EmbeddedResource)
    assert isinstance(block.resource, TextResourceContents)
    assert block.resource.text.count("예산안") == 500
    assert await caller.size("get_attachment", id=id, max_chars=3_000) <= 3_000
    cut = await caller.tool("get_attachment", id=id, max_chars=3_000)
    assert cut["truncated"]["returned"] + cut["truncated"]["omitted"] == cut["length"]
    assert cut["truncated"]["returned"] > 500


async def test_bytes_that_do_not_fit_are_refused_with_both_sizes(archive: Archive, caller: Caller) -> None:
    await archive.add(Mail(files=(PDF,)))
    (id,) = await attachment_ids(caller)
    with pytest.raises(Fault) as refused:
        await caller.reply("get_attachment", id=id, max_chars=1_000)
    assert refused.value.code is ErrorCode.TOO_LARGE
    assert refused.value.details["size"] == (len(PDF[2]) + 2) // 3 * 4
    needed = refused.value.details["needed"]
    assert isinstance(needed, int)
    assert needed <= 200_000
    assert f"set it to {needed} or more" in refused.value.message
    assert await caller.size("get_attachment", id=id, max_chars=needed) <= needed


async def test_no_max_chars_is_advised_that_would_be_refused(archive: Archive, caller: Caller) -> None:
    await archive.add(Mail(files=(("big.bin", "application/octet-stream", b"x" * 300_000),)))
    (id,) = await attachment_ids(caller)
    with pytest.raises(Fault) as refused:
        await caller.reply("get_attachment", id=id, max_chars=1_000)
    assert refused.value.message.endswith("Leave max_chars out.")


async def test_a_declared_type_that_is_none_is_not_repeated(archive: Archive, caller: Caller) -> None:
    raw = (
        b"From: a@b.example\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=x\n\n--x\n"
        b'Content-Type: app{lication/<script>\nContent-Disposition: attachment; filename="a.bin"\n\n\x00\x01\n--x--\n'
    )
    await archive.add(Mail(raw=raw))
    (id,) = await attachment_ids(caller)
    block = (await caller.reply("get_attachment", id=id)).content[1]
    assert isinstance(block, EmbeddedResource)
    assert block.resource.mime_type in ("application/octet-stream", "text/plain")


async def test_a_long_text_keeps_to_the_limit_of_every_answer_unless_asked_otherwise(
    archive: Archive, caller: Caller
) -> None:
    await archive.add(Mail(files=(("log.txt", "text/plain", b"one more line\n" * 5_000),)))
    (id,) = await attachment_ids(caller)
    assert await caller.size("get_attachment", id=id) <= 20_000
    cut = await caller.tool("get_attachment", id=id)
    assert cut["truncated"]["returned"] + cut["truncated"]["omitted"] == 70_000
    assert "truncated" not in await caller.tool("get_attachment", id=id, max_chars=100_000)
