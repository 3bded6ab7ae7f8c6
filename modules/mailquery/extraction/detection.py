"""What a file is, by its content alone: neither its name nor its declared type is believed.

The name decides only between text formats that look alike, such as CSV and Markdown.
"""

import io
import re
import zipfile
import zlib
from contextlib import suppress

from mailquery.parsing.charsets import KOREAN_7BIT, decode_unlabelled

OCTETS = "application/octet-stream"
PLAIN = "text/plain"
OLE = "application/x-ole-storage"

_VBA = "vbaProject.bin"
_MACRO_TYPES = {
    "wordprocessingml.document": "application/vnd.ms-word.document.macroenabled.12",
    "presentationml.presentation": "application/vnd.ms-powerpoint.presentation.macroenabled.12",
    "spreadsheetml.sheet": "application/vnd.ms-excel.sheet.macroenabled.12",
}
_LOOKED_AT = 64 * 1024  # bytes of a text
_NAMES_LOOKED_AT = 2_000  # entries of an archive

_OFFICE = "application/vnd.openxmlformats-officedocument"
_MAGIC: tuple[tuple[int, bytes, str], ...] = (
    (0, b"{\\rtf", "application/rtf"),
    (0, b"\x1f\x8b\x08", "application/gzip"),
    (0, b"BZh", "application/x-bzip2"),
    (0, b"\xfd7zXZ\x00", "application/x-xz"),
    (0, b"\x28\xb5\x2f\xfd", "application/zstd"),
    (0, b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (0, b"Rar!\x1a\x07", "application/vnd.rar"),
    (257, b"ustar", "application/x-tar"),
    (0, b"HWP Document File V3", "application/x-hwp-v3"),
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"GIF87a", "image/gif"),
    (0, b"GIF89a", "image/gif"),
    (0, b"II*\x00", "image/tiff"),
    (0, b"MM\x00*", "image/tiff"),
    (8, b"WEBP", "image/webp"),
    (4, b"ftypheic", "image/heic"),
    (4, b"ftypheix", "image/heic"),
    (4, b"ftypmif1", "image/heic"),
    (4, b"ftypavif", "image/avif"),
    (4, b"ftyp", "video/mp4"),
    (0, b"\x1aE\xdf\xa3", "video/x-matroska"),
    (8, b"WAVE", "audio/wav"),
    (8, b"AVI ", "video/x-msvideo"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"OggS", "audio/ogg"),
    (0, b"fLaC", "audio/flac"),
    (0, b"\x7fELF", "application/x-executable"),
    (0, b"#!", "text/x-shellscript"),
    (0, b"L\x00\x00\x00\x01\x14\x02\x00", "application/x-ms-shortcut"),
    (0, b"\x78\x9f\x3e\x22", "application/ms-tnef"),
)
_ZIP = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_MIMETYPES = {
    "application/vnd.oasis.opendocument.text",
    "application/vnd.oasis.opendocument.spreadsheet",
    "application/vnd.oasis.opendocument.presentation",
    "application/epub+zip",
}
_TEMPLATE = "-template"  # at the end of OpenDocument's types
_OFFICE_FOLDERS = (
    ("word/", "wordprocessingml.document"),
    ("ppt/", "presentationml.presentation"),
    ("xl/", "spreadsheetml.sheet"),
)
_HANCOM = {"application/hwp+zip", "application/haansofthwp+zip"}
_HWPX = "application/vnd.hancom.hwpx"
# What the root of an OLE container (MS-CFB) has in it.
_STREAMS: tuple[tuple[str, str], ...] = (
    ("EncryptedPackage", "application/x-encrypted-ooxml"),
    ("WordDocument", "application/msword"),
    ("PowerPoint Document", "application/vnd.ms-powerpoint"),
    ("Workbook", "application/vnd.ms-excel"),
    ("Book", "application/vnd.ms-excel"),
    ("__properties_version1.0", "application/vnd.ms-outlook"),
    ("HwpSummaryInformation", "application/x-hwp"),
    ("FileHeader", "application/x-hwp"),
)
_MAIL_FIELD = re.compile(
    rb"(?:From|To|Subject|Date|Received|Return-Path|Message-ID|MIME-Version|Delivered-To|DKIM-Signature|X-[\w-]+):"
    rb"[^\n]*\n(?:[ \t][^\n]*\n)*",
    re.IGNORECASE,
)
_HTML = re.compile(r"<(?:!doctype\s+html|html|head|body|meta|table|div|p|br|style|script|title)\b", re.IGNORECASE)
_BY_ENDING = {
    "csv": "text/csv",
    "tsv": "text/tab-separated-values",
    "md": "text/markdown",
    "markdown": "text/markdown",
    "htm": "text/html",
    "html": "text/html",
}
_SHIFTS = "\t\n\r\f\x1b\x0e\x0f"
_MOST_CONTROLS = 0.02  # share of control characters in what is still text


def detect(data: bytes, name: str = "") -> str:
    """The MIME type of `data`; `application/octet-stream` where it is none that is known. Raises nothing."""
    if not data:
        return PLAIN
    if b"%PDF-" in data[:1024]:
        return "application/pdf"
    if data.startswith(_ZIP):
        return _in_zip(data)
    if data.startswith(_OLE):
        return _in_ole(data)
    for offset, magic, found in _MAGIC:
        if data.startswith(magic, offset):
            return found
    if data.startswith(b"MZ") and b"\x00" in data[:512]:
        return "application/vnd.microsoft.portable-executable"
    if data.startswith(b"BM") and len(data) > 26 and int.from_bytes(data[2:6], "little") <= 2 * len(data):
        return "image/bmp" if b"\x00" in data[:64] else _in_text(data, name)
    return _in_text(data, name)


def _in_zip(data: bytes) -> str:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = archive.namelist()[:_NAMES_LOOKED_AT]
            if "mimetype" in names and archive.getinfo("mimetype").file_size < 200:
                said = archive.read("mimetype").decode("ascii", "replace").strip().removesuffix(_TEMPLATE)
                if said in _MIMETYPES:
                    return said
                if said in _HANCOM:
                    return _HWPX
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, ValueError, OSError, EOFError):
        return "application/zip"
    if "[Content_Types].xml" in names:
        if "xl/workbook.bin" in names:
            return "application/vnd.ms-excel.sheet.binary.macroenabled.12"
        for folder, kind in _OFFICE_FOLDERS:
            if any(entry.startswith(folder) for entry in names):
                has_programs = any(entry.endswith(_VBA) for entry in names)
                return _MACRO_TYPES[kind] if has_programs else f"{_OFFICE}.{kind}"
    if "Contents/section0.xml" in names and "Contents/header.xml" in names:
        return _HWPX
    return "application/zip"


def _in_ole(data: bytes) -> str:
    """By what lies in its root: a message has what is attached to it deeper inside. Where the directory is broken, its
    names are looked for."""
    import olefile

    root: set[str] = set()
    # The library raises many things over what is no container.
    with suppress(Exception), olefile.OleFileIO(io.BytesIO(data)) as file:
        root = {path[0].lstrip("\x05") for path in file.listdir(storages=True)}
    if not root:
        root = {stream for stream, _ in _STREAMS if _entry_name(stream) in data}
    return next((found for stream, found in _STREAMS if stream in root), OLE)


def _entry_name(name: str) -> bytes:
    """A directory entry's name with its terminator and its padding's beginning: no shorter name inside a longer one."""
    return name.encode("utf-16-le") + b"\x00\x00\x00\x00"


def _in_text(data: bytes, name: str) -> str:
    if not data.startswith((b"\xff\xfe", b"\xfe\xff")) and b"\x00" in data[:_LOOKED_AT]:
        return OCTETS
    text = decode_unlabelled(data[:_LOOKED_AT]).text
    expected = _SHIFTS if KOREAN_7BIT in data[:_LOOKED_AT] else "\t\n\r\f\x1b"
    controls = sum(letter < " " and letter not in expected for letter in text)
    if controls > _MOST_CONTROLS * len(text) or text.count("�") > _MOST_CONTROLS * len(text) + 2:
        return OCTETS
    start = text.lstrip("\ufeff \t\r\n")
    upper = start[:20].upper()
    if upper.startswith("BEGIN:VCALENDAR"):
        return "text/calendar"
    if upper.startswith("BEGIN:VCARD"):
        return "text/vcard"
    if start.startswith("<"):
        return _in_markup(start)
    if _is_mail(data):
        return "message/rfc822"
    ending = name.rpartition(".")[2].lower() if "." in name else ""
    if ending in _BY_ENDING:
        return _BY_ENDING[ending]
    if start[:1] in ("{", "[") and start.rstrip()[-1:] in ("}", "]", ",", '"'):
        return "application/json"
    return "text/html" if _HTML.search(start[:2_000]) and start.count("<") > 5 else PLAIN


def _in_markup(start: str) -> str:
    if re.search(r"<svg\b", start[:2_000]):
        return "image/svg+xml"
    if _HTML.search(start[:2_000]):
        return "text/html"
    return "text/xml" if re.match(r"<[?!a-zA-Z]", start) else PLAIN


def _is_mail(data: bytes) -> bool:
    """A header of two fields at least that mail has, and that nothing stands before."""
    head = data[:_LOOKED_AT].replace(b"\r\n", b"\n").lstrip(b"\n")
    first = _MAIL_FIELD.match(head)
    return first is not None and _MAIL_FIELD.match(head, first.end()) is not None
