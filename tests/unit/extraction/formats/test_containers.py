"""Archives and messages: a listing, and the text of what is inside, under its path."""

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
from email.message import EmailMessage

import py7zr
import pytest
from PIL import Image

from mailquery.domain.extraction import ExtractionState, SectionKind
from support import office
from support.extracting import by_label, extracted, text_of


def message() -> bytes:
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = "Kim <kim@example.com>", "lee@example.com", "계약"
    made["Date"] = "Mon, 09 Mar 2026 10:00:00 +0900"
    made.set_content("본문")
    made.add_attachment(office.doc("in the document"), maintype="application", subtype="msword", filename="계약.doc")
    return made.as_bytes()


def tarred(**entries: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in entries.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def sevenzipped(password: str | None = None, *, hide_names: bool = False) -> bytes:
    buffer = io.BytesIO()
    with py7zr.SevenZipFile(buffer, "w", password=password, header_encryption=hide_names) as archive:
        archive.writestr(b"first", "a.txt")
        archive.writestr("둘째".encode(), "folder/나.txt")
    return buffer.getvalue()


def test_a_message_in_a_message_of_outlook_in_an_archive() -> None:
    outer = office.msg({"0037": "제목", "1000": "겉", "0C1A": "Lee"}, [("inner.eml", message())])
    found = extracted(office.zipped({"mail.msg": outer}))
    assert [(section.kind, section.label, section.depth) for section in found.sections] == [
        (SectionKind.ENTRY, "mail.msg", 0),
        (SectionKind.MESSAGE, "mail.msg/제목", 1),
        (SectionKind.ENTRY, "mail.msg/inner.eml", 1),
        (SectionKind.MESSAGE, "mail.msg/inner.eml/계약", 2),
        (SectionKind.ENTRY, "mail.msg/inner.eml/계약.doc", 2),
        (SectionKind.TEXT, "mail.msg/inner.eml/계약.doc", 3),
    ]
    assert found.sections[5].text == "in the document"
    assert "From: Kim <kim@example.com>\nTo: lee@example.com" in found.sections[3].text


def test_a_message_of_outlook_with_another_one_in_it() -> None:
    inner = {"0037": "inner", "1000": "deep"}
    found = extracted(office.msg({"0037": "outer", "1000": "text"}, [("x", inner), ("d", office.doc("y"))]))
    assert found.type == "application/vnd.ms-outlook"  # whatever is attached to it
    assert "deep" in by_label(found)["x/inner"]
    assert by_label(found)["d"] == "y"


def test_names_in_an_archive_of_an_old_korean_program() -> None:
    name = "보고서.txt".encode("cp949")
    data = office.zipped({"X" * len(name): "text"}).replace(b"X" * len(name), name)
    assert by_label(extracted(data)) == {"보고서.txt": "text"}


@pytest.mark.parametrize("name", ["/etc/passwd", "../../up.txt", "C:\\windows\\x.txt", "a\x1b[2J.txt"])
def test_names_that_lead_elsewhere_are_names_and_no_more(name: str) -> None:
    for data in (office.zipped({name: "content"}), tarred(**{name: b"content"})):
        found = extracted(data)
        assert "content" in text_of(found)
        assert all(section.label.isprintable() for section in found.sections)


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_a_compressed_archive(pack: object) -> None:
    assert callable(pack)
    found = extracted(pack(tarred(**{"a.txt": b"first", "b/c.txt": b"second"})))
    assert by_label(found)["content/a.txt"] == "first"
    assert by_label(found)["content/b/c.txt"] == "second"


def test_links_in_an_archive_are_not_followed() -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    assert extracted(buffer.getvalue()).sections == ()


def test_a_7z_archive() -> None:
    assert by_label(extracted(sevenzipped())) == {"a.txt": "first", "folder/나.txt": "둘째"}


@pytest.mark.parametrize("hide_names", [False, True])
def test_a_7z_archive_with_a_password(*, hide_names: bool) -> None:
    assert extracted(sevenzipped("secret", hide_names=hide_names)).state is ExtractionState.ENCRYPTED


def test_of_an_archive_with_a_password_the_listing_is_kept() -> None:
    data = bytearray(office.zipped({"a.txt": "secret"}))
    data[6] |= 1
    data[data.rindex(b"PK\x01\x02") + 8] |= 1
    found = extracted(bytes(data))
    assert found.state is ExtractionState.PARTIAL
    assert text_of(found) == "a.txt (6 bytes, encrypted)"


def test_one_file_that_is_broken_does_not_hide_the_others() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.txt", "breaks here")
        archive.writestr("b.txt", "whole")
    found = extracted(buffer.getvalue().replace(b"breaks here", b"broken here"))
    assert by_label(found) == {"a.txt": "a.txt (11 bytes, damaged)", "b.txt": "whole"}


def test_a_picture_gives_its_size_and_when_it_was_taken() -> None:
    picture = Image.new("RGB", (40, 30))
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = "Maker", "Model"
    exif.get_ifd(0x8769).update({0x9003: "2026:03:09 10:00:00", 0x9011: "+09:00"})
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", exif=exif)
    found = extracted(buffer.getvalue())
    assert found.state is ExtractionState.EMPTY
    assert dict(found.facts) == {
        "size": "40 x 30", "taken": "2026-03-09T10:00:00+09:00", "camera": "Maker Model"
    }  # fmt: skip


def test_an_archive_whose_first_file_is_broken_is_still_an_archive() -> None:
    data = bytearray(office.opendocument("text", "<text:p>x</text:p>"))
    data[data.index(b"mimetype") + len("mimetype")] = 0xFF  # no kind of block that there is
    assert extracted(bytes(data)).type == "application/zip"


def test_what_outlook_wraps_its_attachments_in_is_not_read() -> None:
    found = extracted(b"\x78\x9f\x3e\x22" + bytes(100))
    assert (found.type, found.state) == ("application/ms-tnef", ExtractionState.UNSUPPORTED)
