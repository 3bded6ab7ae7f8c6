"""Attachments of denied types are listed, and not given out in any form."""

from collections.abc import AsyncIterator
from email.message import EmailMessage
from pathlib import Path

import pytest

from mailquery.domain.policy import Policy
from mailquery.repositories.records import Visibility
from mcpkit.errors import ErrorCode, Fault
from support.archives import Archive, Mail, temporary_archive
from support.calling import Caller

ZIP = ("data.zip", "application/octet-stream", b"PK data")
PDF = ("plan.pdf", "application/pdf", b"%PDF")


@pytest.fixture
async def archive(tmp_path: Path) -> AsyncIterator[Archive]:
    async with temporary_archive(tmp_path, policy=Policy(attachment_types=("archive", "image/*"))) as opened:
        yield opened


def nested() -> Mail:
    inner = Mail(files=(ZIP,)).as_bytes()
    outer = EmailMessage()
    outer["From"] = "z@park.example"
    outer.set_content("see below")
    outer.add_attachment(inner, maintype="application", subtype="octet-stream", filename="forwarded.eml")
    outer.set_boundary("outer")
    return Mail(raw=outer.as_bytes())


async def test_listed_and_marked(archive: Archive) -> None:
    (id,) = await archive.add(Mail(files=(ZIP, PDF)))
    caller = Caller(archive.services)
    listed = (await caller.tool("list_attachments"))["rows"]
    assert [(row["name"], row.get("withheld")) for row in listed] == [("data.zip", True), ("plan.pdf", None)]
    for tool in ("read_message", "read_thread"):
        found = await caller.tool(tool, id=id)
        message = found["messages"][0] if tool == "read_thread" else found
        assert [each.get("withheld") for each in message["attachments"]] == [True, None]
        assert "withheld by policy" in await caller.text(tool, id=id)


async def test_not_given_in_any_form(archive: Archive) -> None:
    mails = [Mail(files=(ZIP, PDF)), nested(), Mail(files=(("logo", "image/png", b"png"),), text="logo")]
    await archive.add(*mails)
    caller = Caller(archive.services)
    for mail in mails:
        for attempt in (
            lambda: caller.tool("get_attachment", id=f"{mail.id}-2"),  # noqa: B023 - called in this turn
            lambda: caller.resource(f"mail://attachment/{mail.id}-2"),  # noqa: B023
            lambda: caller.tool("read_message", id=mail.id, part="raw"),  # noqa: B023
            lambda: archive.services.export_message(Visibility(), mail.id),  # noqa: B023
        ):
            with pytest.raises(Fault, match="operator's policy withholds") as caught:
                await attempt()
            assert caught.value.code is ErrorCode.FORBIDDEN
        assert (await caller.tool("read_message", id=mail.id))["body"]
    assert (await caller.reply("get_attachment", id=f"{mails[0].id}-3")).content


async def test_what_carries_none_is_given_raw(archive: Archive) -> None:
    mail = Mail(files=(PDF,))
    await archive.add(mail)
    assert await archive.services.export_message(Visibility(), mail.id) == mail.as_bytes()
