import pytest

from mailquery.domain.handles import message_handle, thread_handle
from mailquery.repositories.records import Visibility
from mailquery.services.reading import Part
from mcpkit.errors import ErrorCode, Fault
from support.archives import Archive, Mail

ALL = Visibility()
REPLY = "I agree.\n\nOn Mon, 9 Mar 2026, Ana Lima wrote:\n> Shall we meet?\n> At noon?\n"


async def test_text_leaves_out_history_unless_asked_for(archive: Archive) -> None:
    (stored,) = await archive.add(Mail(text=REPLY))
    read = archive.services.read_message
    short = await read(ALL, stored)
    assert "I agree." in short.text
    assert "At noon" not in short.text
    assert short.quoted_left_out > 0
    whole = await read(ALL, stored, include_quoted=True)
    assert "At noon" in whole.text
    assert whole.quoted_left_out == 0


async def test_windows_join_to_the_whole(archive: Archive) -> None:
    text = "".join(f"Line {number} 예산안 of the report.\n" for number in range(200))
    (stored,) = await archive.add(Mail(text=text))
    read = archive.services.read_message
    whole = await read(ALL, stored)
    pieces = []
    offset = 0
    while offset < whole.length:
        view = await read(ALL, stored, offset=offset, window=777)
        assert view.length == whole.length
        pieces.append(view.text)
        offset += len(view.text)
    assert "".join(pieces) == whole.text
    assert (await read(ALL, stored, offset=whole.length)).text == ""


async def test_each_part_is_given(archive: Archive) -> None:
    mail = Mail(subject="예산안", text="plain", html="<p>rich <b>text</b></p>")
    (stored,) = await archive.add(mail)
    read = archive.services.read_message
    assert "<b>text</b>" in (await read(ALL, stored, part=Part.HTML)).text
    assert "Subject: 예산안" in (await read(ALL, stored, part=Part.HEADERS)).text
    raw = (await read(ALL, stored, part=Part.RAW)).text
    assert raw.encode() == mail.as_bytes()


async def test_raw_bytes_that_are_no_text_are_escaped(archive: Archive) -> None:
    (stored,) = await archive.add(Mail(raw=b"From: a@b.example\nSubject: x\n\n\xff\xfe and \xe2\x82\xac\n"))
    text = (await archive.services.read_message(ALL, stored, part=Part.RAW)).text
    assert "\\xff\\xfe" in text
    assert "€" in text


async def test_export_is_byte_exact(archive: Archive) -> None:
    raw = b"From: a@b.example\r\nSubject: x\r\n\r\n\x00\xff tail \r\n\r\n"
    (stored,) = await archive.add(Mail(raw=raw))
    assert await archive.services.export_message(ALL, stored) == raw


@pytest.mark.parametrize(
    ("id", "options", "code", "argument"),
    [
        ("nonsense", {}, ErrorCode.INVALID_FORMAT, "id"),
        (thread_handle(5), {}, ErrorCode.INVALID_FORMAT, "id"),
        (message_handle(5), {}, ErrorCode.NOT_FOUND, "id"),
        ("stored", {"offset": 10_000}, ErrorCode.VALIDATION_ERROR, "offset"),
        ("stored", {"offset": -1}, ErrorCode.VALIDATION_ERROR, "offset"),
        ("stored", {"part": Part.HTML}, ErrorCode.NOT_FOUND, "part"),
    ],
)
async def test_bad_arguments_are_named(
    archive: Archive, id: str, options: dict[str, int], code: ErrorCode, argument: str
) -> None:
    (stored,) = await archive.add(Mail())
    with pytest.raises(Fault) as refused:
        await archive.services.read_message(ALL, stored if id == "stored" else id, **options)  # type: ignore[arg-type]  # of one kind each
    assert refused.value.code is code
    assert refused.value.details["argument"] == argument


async def test_what_is_not_visible_is_not_found(archive: Archive) -> None:
    (stored,) = await archive.add(Mail(account="work"))
    home = Visibility(frozenset({"home"}))
    for use_case in (archive.services.read_message, archive.services.read_thread, archive.services.export_message):
        with pytest.raises(Fault) as refused:
            await use_case(home, stored)
        assert refused.value.code is ErrorCode.NOT_FOUND
