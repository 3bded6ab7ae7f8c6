from pathlib import Path

import pytest

from mailquery.domain.handles import attachment_handle
from mailquery.repositories.records import Visibility
from mailquery.services.attachments.finding import FoundAttachments
from mailquery.services.filters import Filters
from mcpkit.errors import ErrorCode, Fault
from support.archives import Archive, Mail, temporary_archive

ALL = Visibility()
PDF = ("invoice march.pdf", "application/pdf", b"%PDF-1.4 pretend")
CSV = ("figures.csv", "text/csv", "month,sum\n3월,12\n".encode())
PNG = ("photo.png", "image/png", b"\x89PNG\r\n\x1a\n")


def names(found: FoundAttachments) -> list[str]:
    return [row.attachment.filename for row in found.rows]


async def test_attachments_are_found_by_name_kind_and_message(archive: Archive) -> None:
    await archive.add(
        Mail(subject="March", files=(PDF, CSV), date="Mon, 09 Mar 2026 10:00:00 +0000"),
        Mail(subject="Party", files=(PNG,), sender="Eva <eva@other.example>", date="Tue, 10 Mar 2026 10:00:00 +0000"),
    )
    listing = archive.services.list_attachments
    assert names(await listing(ALL, Filters())) == ["photo.png", "invoice march.pdf", "figures.csv"]
    assert names(await listing(ALL, Filters(), filename="INVOICE")) == ["invoice march.pdf"]
    assert names(await listing(ALL, Filters(), media_type="spreadsheet")) == ["figures.csv"]
    assert names(await listing(ALL, Filters(), media_type="image/png")) == ["photo.png"]
    assert names(await listing(ALL, Filters(from_="eva"))) == ["photo.png"]


@pytest.mark.parametrize("shown", [1, 2])
async def test_paging_goes_on_inside_a_message(archive: Archive, shown: int) -> None:
    files = tuple((f"file{number}.txt", "text/plain", b"x") for number in range(5))
    await archive.add(Mail(subject="one", files=files), Mail(subject="two", files=files))
    listing = archive.services.list_attachments
    whole = [(row.message.key, row.attachment.part) for row in (await listing(ALL, Filters(), limit=100)).rows]
    assert len(whole) == 10
    page = await listing(ALL, Filters(), limit=3)
    seen = [(row.message.key, row.attachment.part) for row in page.rows[:shown]]
    cursor: str | None = page.cursor_after(shown)
    while cursor:
        page = await listing(ALL, Filters(), limit=3, cursor=cursor)
        seen += [(row.message.key, row.attachment.part) for row in page.rows]
        cursor = page.cursor_after(len(page.rows)) if page.more else None
    assert seen == whole


async def test_an_unknown_kind_is_refused_with_the_known_ones(archive: Archive) -> None:
    with pytest.raises(Fault) as refused:
        await archive.services.list_attachments(ALL, Filters(), media_type="pfd")
    assert refused.value.details["argument"] == "type"
    assert "pdf" in refused.value.message


async def test_content_is_given_as_bytes_and_text(archive: Archive) -> None:
    await archive.add(Mail(files=(PDF, CSV)))
    rows = (await archive.services.list_attachments(ALL, Filters())).rows
    contents = [
        await archive.services.get_attachment(ALL, attachment_handle(row.message.key, row.attachment.part))
        for row in rows
    ]
    assert contents[0].data == PDF[2]
    assert contents[0].text is None
    assert contents[1].data == CSV[2]
    assert contents[1].text is not None
    assert "3월,12" in contents[1].text


async def test_a_large_attachment_is_refused_with_both_sizes(tmp_path: Path) -> None:
    async with temporary_archive(tmp_path, largest_attachment=10) as archive:
        (stored,) = await archive.add(Mail(files=(PDF,)))
        (row,) = (await archive.services.list_attachments(ALL, Filters())).rows
        id = f"{stored}-{row.attachment.part}"
        with pytest.raises(Fault) as refused:
            await archive.services.get_attachment(ALL, id)
        assert refused.value.code is ErrorCode.TOO_LARGE
        assert refused.value.details == {"argument": "id", "size": len(PDF[2]), "maximum": 10}
        assert (await archive.services.get_attachment(ALL, id, limited=False)).data == PDF[2]


async def test_unknown_parts_are_not_found(archive: Archive) -> None:
    (stored,) = await archive.add(Mail(files=(PDF,)))
    for id, code in (
        (f"{stored}-99", ErrorCode.NOT_FOUND),
        (attachment_handle(1, "2"), ErrorCode.NOT_FOUND),
        (stored, ErrorCode.INVALID_FORMAT),
    ):
        with pytest.raises(Fault) as refused:
            await archive.services.get_attachment(ALL, id)
        assert refused.value.code is code
