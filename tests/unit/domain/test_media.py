"""What a file is said to be, and whether its content is that."""

import pytest

from mailquery.domain.media import is_disguised

EXE = "application/vnd.microsoft.portable-executable"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
OCTETS = "application/octet-stream"


@pytest.mark.parametrize(
    ("found", "declared", "filename"),
    [
        (EXE, "application/pdf", "invoice.pdf"),
        (EXE, OCTETS, "invoice.pdf"),
        (EXE, "application/x-msdownload", "invoice.pdf"),
        (EXE, "application/pdf", "invoice"),
        (EXE, "text/plain", "notes.txt. "),
        (EXE, "application/zip", "photos.zip"),
        ("application/x-ms-shortcut", OCTETS, "report.docx"),
        ("application/x-executable", "image/png", "photo.png"),
        ("text/x-shellscript", "application/pdf", "invoice.pdf"),
        ("text/html", "application/pdf", "invoice.pdf"),
        ("text/html", "image/png", "scan.png"),
        ("image/svg+xml", "application/pdf", "invoice.pdf"),
        ("application/zip", "application/pdf", "invoice.pdf"),
        ("application/pdf", "image/jpeg", "photo.jpg"),
        ("application/vnd.rar", "application/pdf", "견적서.pdf"),
    ],
)
def test_content_that_goes_by_another_kind_is_disguised(found: str, declared: str, filename: str) -> None:
    assert is_disguised(found, declared, filename)


@pytest.mark.parametrize(
    ("found", "declared", "filename"),
    [
        ("application/pdf", "application/pdf", "invoice.pdf"),
        (DOCX, OCTETS, "letter.docx"),
        (DOCX, OCTETS, "letter"),
        (DOCX, "application/zip", "letter.docx"),
        ("application/zip", OCTETS, "letter.docx"),
        ("application/pdf", OCTETS, "INVOICE.PDF"),
        ("application/pdf", "image/png", "invoice.pdf"),
        ("application/rtf", "application/msword", "letter.doc"),
        ("text/html", "application/vnd.ms-excel", "명세서.xls"),
        ("text/plain", "text/csv", "figures.csv"),
        ("text/csv", "text/plain", "figures.txt"),
        ("text/plain", OCTETS, "main.py"),
        ("text/x-shellscript", "text/plain", "build.sh"),
        ("text/x-shellscript", "application/x-sh", "build.txt"),
        (EXE, "application/x-msdownload", "setup.exe"),
        (EXE, OCTETS, "setup.exe"),
        (EXE, OCTETS, "setup"),
        ("image/jpeg", "image/png", "photo.png"),
        (OCTETS, "application/pdf", "invoice.pdf"),
        ("text/calendar", "text/plain", "invite.ics"),
        ("message/rfc822", "text/plain", "forwarded.txt"),
        ("text/plain", "application/pgp-signature", "signature.asc"),
        ("", "application/pdf", "invoice.pdf"),
    ],
)
def test_honest_files_are_not(found: str, declared: str, filename: str) -> None:
    assert not is_disguised(found, declared, filename)
