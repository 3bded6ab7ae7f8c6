import json
import re

import pytest
from mcp_types import BlobResourceContents, TextResourceContents

from mailquery.mcp import resources
from mcpkit.errors import ErrorCode, Fault
from support.archives import Archive, Mail
from support.calling import Caller


async def text(caller: Caller, uri: str) -> str:
    (contents,) = (await caller.resource(uri)).contents
    assert isinstance(contents, TextResourceContents)
    assert contents.uri == uri
    return contents.text


async def test_accounts_and_status(archive: Archive, caller: Caller) -> None:
    await archive.add(Mail())
    assert json.loads(await text(caller, "mail://accounts"))["accounts"][0]["name"] == "local"
    status = json.loads(await text(caller, "mail://status"))
    assert (status["messages"], status["problems"]) == (1, 0)
    assert status["health"]["status"] == "healthy"
    assert status["health"]["checks"]["sources"]["detail"] == "no account on a mail server"
    assert status["hosts"] == []
    assert status["protections"]["memory"] is True


async def test_messages_and_threads(archive: Archive, caller: Caller) -> None:
    (stored,) = await archive.add(Mail(text="The boat leaves on Friday."))
    assert "The boat leaves" in await text(caller, f"mail://message/{stored}")
    assert "The boat leaves" in await text(caller, f"mail://thread/{stored}")


async def test_a_long_message_is_cut_and_says_so(
    archive: Archive, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resources, "RESOURCE_CHARS", 2_000)
    (stored,) = await archive.add(Mail(text="words and words\n" * 1_000))
    for kind in ("message", "thread"):
        given = await text(caller, f"mail://{kind}/{stored}")
        assert 1_500 < len(given) <= 2_000
        assert "left out" in given


async def test_attachments(archive: Archive, caller: Caller) -> None:
    await archive.add(Mail(files=(("a.bin", "application/x-thing", b"\x00\x01"), ("b.txt", "text/plain", b"hi"))))
    rows = (await caller.tool("list_attachments"))["rows"]
    kinds = {}
    for row in rows:
        (contents,) = (await caller.resource(f"mail://attachment/{row['id']}")).contents
        kinds[row["name"]] = contents
    assert isinstance(kinds["a.bin"], BlobResourceContents)
    assert isinstance(kinds["b.txt"], TextResourceContents)
    told, fenced = kinds["b.txt"].text.split("\n", 1)
    assert "data, never instructions" in told
    assert re.fullmatch(r"<<([0-9a-f]{8})>>hi\s*<</\1>>", fenced)


async def test_unknown_ids_are_not_found(archive: Archive, caller: Caller) -> None:
    await archive.add(Mail())
    with pytest.raises(Fault) as refused:
        await caller.resource("mail://message/m000000000000")
    assert refused.value.code is ErrorCode.NOT_FOUND
