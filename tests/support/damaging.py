"""Good files of every format, and what a seed makes of them: bytes changed, moved, cut, and put in twice."""

import io
import random
from collections.abc import Callable, Mapping

import docx
import fpdf
import openpyxl
import pptx
import py7zr
from PIL import Image

from support import office

_INTERESTING = (b"\x00", b"\xff", b"\xff\xff\xff\xff", b"\x00\x00\x00\x00", b"\xff\xff\xff\x7f", b"<")


_CALENDAR = b"""BEGIN:VCALENDAR
BEGIN:VEVENT
SUMMARY:x
DTSTART:20260309T100000Z
RRULE:FREQ=DAILY
END:VEVENT
END:VCALENDAR
"""
_MAIL = """From: a@example.com
To: b@example.com
Subject: x
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=b

--b

{}
--b
Content-Type: text/csv
Content-Disposition: attachment; filename=a.csv

a,b
--b--
"""


def good_files() -> Mapping[str, bytes]:
    """One small file of each format, by its usual ending."""
    words = "회의록 minutes 議事録 " * 20
    body = f"<text:p>{words}</text:p><table:table><table:table-row><table:table-cell/></table:table-row></table:table>"
    cell = '<table:table-cell office:value-type="float" office:value="1.5"/>'
    sheet = f'<table:table table:name="a"><table:table-row>{cell}</table:table-row></table:table>'
    rtf = rb"{\rtf1\ansi\ansicpg949{\fonttbl{\f0\fcharset129 x;}}\f0 \'b0\'a1 \u44032?{\*\footnote n}\trowd\cell\row}"
    return {
        "docx": _saved(_docx(words).save),
        "xlsx": _saved(_xlsx(words).save),
        "pptx": _saved(_pptx(words).save),
        "pdf": _pdf(),
        "doc": office.doc(words),
        "xls": office.xls({"a": [[words, 1.5]], "b": [["x"]]}),
        "ppt": office.ppt([(words, "notes"), ("b", "c")]),
        "odt": office.opendocument("text", body),
        "ods": office.opendocument("spreadsheet", sheet),
        "odp": office.opendocument("presentation", f"<draw:page>{body}</draw:page>"),
        "hwp": office.hwp([words], [["a", "b"]]),
        "hwpx": office.hwpx(f"<hp:p><hp:run><hp:t>{words}</hp:t></hp:run></hp:p>"),
        "msg": office.msg({"0037": "x", "1000": words}, [("a.txt", b"text"), ("m", {"0037": "y"})]),
        "epub": office.epub([words, "b"]),
        "rtf": rtf,
        "zip": office.zipped({"a.txt": words, "b.doc": office.doc(words)}),
        "7z": _sevenzip(words),
        "tar.gz": _tar_gz(words),
        "eml": _MAIL.format(words).encode(),
        "ics": _CALENDAR,
        "vcf": f"BEGIN:VCARD\nVERSION:3.0\nFN:x\nN:a;b\nTEL;TYPE=cell:1\nNOTE:{words}\nEND:VCARD\n".encode(),
        "html": f"<html><meta charset=utf-8><body><table><tr><td>{words}</td></tr></table></body></html>".encode(),
        "csv": f"a,b\n{words},1\n".encode("cp949", "replace"),
        "jpg": _picture("JPEG"),
        "png": _picture("PNG"),
        "tiff": _picture("TIFF"),
        "webp": _picture("WEBP"),
    }


def damaged(data: bytes, chance: random.Random) -> bytes:
    """Between one and some ten changes."""
    made = bytearray(data)
    for _ in range(1 + int(chance.expovariate(0.4))):
        at = chance.randrange(len(made)) if made else 0
        match chance.randrange(7):
            case 0 if made:
                made[at] = chance.randrange(256)
            case 1 if made:
                made[at] ^= 1 << chance.randrange(8)
            case 2:
                what = chance.choice(_INTERESTING)
                made[at : at + len(what)] = what
            case 3:
                del made[at : at + chance.randrange(1, 64)]
            case 4:
                made[at:at] = made[at : at + chance.randrange(1, 256)] * chance.randrange(1, 20)
            case 5:
                made[at:at] = chance.randbytes(chance.randrange(1, 64))
            case 6 if chance.random() < 0.2:
                del made[at:]
    return bytes(made)


def _saved(save: Callable[[io.BytesIO], object]) -> bytes:
    buffer = io.BytesIO()
    save(buffer)
    return buffer.getvalue()


def _docx(words: str) -> "docx.document.Document":
    made = docx.Document()
    made.add_paragraph(words)
    made.add_table(rows=2, cols=2).cell(0, 0).text = words
    return made


def _xlsx(words: str) -> openpyxl.Workbook:
    made = openpyxl.Workbook()
    made.create_sheet("b").append([words, 1.5, True])
    return made


def _pptx(words: str) -> "pptx.presentation.Presentation":
    made = pptx.Presentation()
    title = made.slides.add_slide(made.slide_layouts[0]).shapes.title
    assert title is not None
    title.text = words
    return made


def _pdf() -> bytes:
    made = fpdf.FPDF()
    made.set_font("Helvetica", size=12)
    for number in range(3):
        made.add_page()
        made.text(20, 20, f"page {number}")
        made.text_annotation(50, 50, "note")
    return bytes(made.output())


def _sevenzip(words: str) -> bytes:
    buffer = io.BytesIO()
    with py7zr.SevenZipFile(buffer, "w") as archive:
        archive.writestr(words.encode(), "a.txt")
    return buffer.getvalue()


def _tar_gz(words: str) -> bytes:
    import gzip
    import tarfile

    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        entry = tarfile.TarInfo("a.txt")
        entry.size = len(words.encode())
        archive.addfile(entry, io.BytesIO(words.encode()))
    return gzip.compress(buffer.getvalue(), mtime=0)


def _picture(kind: str) -> bytes:
    exif = Image.Exif()
    exif[0x010F] = "Maker"
    return _saved(lambda buffer: Image.new("RGB", (20, 20)).save(buffer, kind, exif=exif))
