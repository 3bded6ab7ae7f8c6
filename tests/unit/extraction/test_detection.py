"""A file's type is that of its content, whatever it is called."""

import gzip
import io
import tarfile
import zipfile

import pytest

from mailquery.extraction.detection import detect


def zipped(**entries: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in entries.items():
            archive.writestr(name.replace("__", "/"), content)
    return buffer.getvalue()


def ole(stream: str) -> bytes:
    return b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504) + stream.encode("utf-16-le").ljust(64, b"\x00") + bytes(512)


def tarred() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("a"))
    return buffer.getvalue()


OFFICE = "application/vnd.openxmlformats-officedocument"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"%PDF-1.7\n", "application/pdf"),
        (b"\r\njunk before\n%PDF-1.4", "application/pdf"),
        (zipped(**{"[Content_Types].xml": "", "word__document.xml": ""}), f"{OFFICE}.wordprocessingml.document"),
        (zipped(**{"[Content_Types].xml": "", "xl__workbook.xml": ""}), f"{OFFICE}.spreadsheetml.sheet"),
        (zipped(**{"[Content_Types].xml": "", "ppt__presentation.xml": ""}), f"{OFFICE}.presentationml.presentation"),
        (zipped(mimetype="application/vnd.oasis.opendocument.text"), "application/vnd.oasis.opendocument.text"),
        (zipped(mimetype="application/epub+zip"), "application/epub+zip"),
        (zipped(mimetype="application/hwp+zip"), "application/vnd.hancom.hwpx"),
        (zipped(mimetype="text/html; not for us"), "application/zip"),
        (zipped(a="1"), "application/zip"),
        (b"PK\x03\x04 and no more", "application/zip"),
        (ole("WordDocument"), "application/msword"),
        (ole("Workbook"), "application/vnd.ms-excel"),
        (ole("PowerPoint Document"), "application/vnd.ms-powerpoint"),
        (ole("__properties_version1.0"), "application/vnd.ms-outlook"),
        (ole("FileHeader"), "application/x-hwp"),
        (ole("EncryptedPackage"), "application/x-encrypted-ooxml"),
        (ole("Whatever"), "application/x-ole-storage"),
        (b"{\\rtf1\\ansi hello}", "application/rtf"),
        (gzip.compress(b"x"), "application/gzip"),
        (tarred(), "application/x-tar"),
        (b"\x89PNG\r\n\x1a\n....", "image/png"),
        (b"\xff\xd8\xff\xe0....", "image/jpeg"),
        (b"MZ\x90\x00\x03" + bytes(100), "application/vnd.microsoft.portable-executable"),
        (b"\x7fELF\x02", "application/x-executable"),
        (b"BEGIN:VCALENDAR\r\nEND:VCALENDAR", "text/calendar"),
        (b"\xef\xbb\xbfbegin:vcard\nEND:VCARD", "text/vcard"),
        (b"From: a@example.com\r\nSubject: x\r\n\r\nbody", "message/rfc822"),
        (b"From: only one field that mail has", "text/plain"),
        (b"<!DOCTYPE html><p>x", "text/html"),
        (b"<?xml version='1.0'?><a/>", "text/xml"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image/svg+xml"),
        (b'{"a": [1, 2]}', "application/json"),
        ("안녕하세요, 회의록입니다.".encode("euc-kr"), "text/plain"),
        ("hello".encode("utf-16"), "text/plain"),
        (b"", "text/plain"),
        (bytes(range(256)), "application/octet-stream"),
        (b"\x00" * 100, "application/octet-stream"),
    ],
    ids=lambda value: value if isinstance(value, str) else "data",  # archives have the time in them
)
def test_content_decides(data: bytes, expected: str) -> None:
    assert detect(data, "misleading.pdf") == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [("a.csv", "text/csv"), ("a.MD", "text/markdown"), ("a.exe", "text/plain"), ("a", "text/plain")],
)
def test_a_name_tells_texts_apart_and_nothing_else(name: str, expected: str) -> None:
    assert detect(b"a,b\n1,2\n", name) == expected
