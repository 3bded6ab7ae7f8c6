"""Files of every format with a phrase on every page, sheet, slide, note and entry."""

import io
import json
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import docx
import fpdf
import openpyxl
import pptx
import py7zr

from support import office

_FILLER = "회의 자료와 견적 내용을 정리한 문단입니다. The quarterly figures are in the table below. "
_PARAGRAPHS = 60
_PAGES = 10


@dataclass(frozen=True, slots=True)
class Planted:
    data: bytes
    phrases: tuple[str, ...]


class _Phrases:
    def __init__(self, seed: str) -> None:
        self._seed = seed
        self.made: list[str] = []

    def __call__(self, place: str) -> str:
        self.made.append(f"zq{self._seed}{place}")
        return self.made[-1]


def _docx(seed: str) -> Planted:
    phrase = _Phrases(seed)
    made = docx.Document()
    made.sections[0].header.paragraphs[0].text = phrase("header")
    made.sections[0].footer.paragraphs[0].text = phrase("footer")
    for number in range(_PARAGRAPHS):
        made.add_paragraph(_FILLER * 5 + phrase(f"p{number}"))
    table = made.add_table(rows=5, cols=3)
    for number, row in enumerate(table.rows):
        row.cells[2].text = phrase(f"r{number}")
    made.add_comment(made.paragraphs[0].runs, text=phrase("comment"), author="Kim", initials="K")
    return Planted(_saved(made.save), tuple(phrase.made))


def _xlsx(seed: str) -> Planted:
    phrase = _Phrases(seed)
    made = openpyxl.Workbook()
    for number in range(_PAGES):
        sheet = made.create_sheet(f"시트 {number}")
        for row in range(200):
            sheet.append([row, row * 1.5, _FILLER, "text"])
        sheet.append([phrase(f"s{number}")])
    made.worksheets[3].sheet_state = "hidden"
    return Planted(_saved(made.save), tuple(phrase.made))


def _pptx(seed: str) -> Planted:
    phrase = _Phrases(seed)
    made = pptx.Presentation()
    for number in range(_PAGES):
        slide = made.slides.add_slide(made.slide_layouts[0])
        assert slide.shapes.title is not None
        slide.shapes.title.text = _FILLER + phrase(f"t{number}")
        notes = slide.notes_slide.notes_text_frame
        assert notes is not None
        notes.text = phrase(f"n{number}")
    return Planted(_saved(made.save), tuple(phrase.made))


def _pdf(seed: str) -> Planted:
    phrase = _Phrases(seed)
    made = fpdf.FPDF()
    made.set_font("Helvetica", size=11)
    for number in range(_PAGES):
        made.add_page()
        made.multi_cell(0, 6, "The quarterly figures are in the table below. " * 40 + phrase(f"p{number}"))
    return Planted(bytes(made.output()), tuple(phrase.made))


def _lines(phrase: _Phrases) -> list[str]:
    return [_FILLER * 5 + phrase(f"p{number}") for number in range(_PARAGRAPHS)]


def _written(write: Callable[[list[str]], bytes]) -> Callable[[str], Planted]:
    """A format of paragraphs."""

    def make(seed: str) -> Planted:
        phrase = _Phrases(seed)
        return Planted(write(_lines(phrase)), tuple(phrase.made))

    return make


def _odt(lines: list[str]) -> bytes:
    return office.opendocument("text", "".join(f"<text:p>{line}</text:p>" for line in lines))


def _ods(lines: list[str]) -> bytes:
    cell = '<table:table-cell office:value-type="string"><text:p>{}</text:p></table:table-cell>'
    sheet = '<table:table table:name="{}"><table:table-row>{}</table:table-row></table:table>'
    return office.opendocument(
        "spreadsheet", "".join(sheet.format(number, cell.format(line)) for number, line in enumerate(lines))
    )


def _odp(lines: list[str]) -> bytes:
    return office.opendocument("presentation", "".join(f"<draw:page><text:p>{x}</text:p></draw:page>" for x in lines))


def _hwpx(lines: list[str]) -> bytes:
    return office.hwpx("".join(f"<hp:p><hp:run><hp:t>{line}</hp:t></hp:run></hp:p>" for line in lines))


def _rtf(lines: list[str]) -> bytes:
    def escaped(line: str) -> str:
        return "".join(letter if letter.isascii() else f"\\u{ord(letter)}?" for letter in line)

    return ("{\\rtf1\\ansi " + "".join(escaped(line) + "\\par\n" for line in lines) + "}").encode("ascii")


def _ics(lines: list[str]) -> bytes:
    event = "BEGIN:VEVENT\r\nDTSTART:20260309T100000Z\r\nSUMMARY:{}\r\nEND:VEVENT\r\n"
    return f"BEGIN:VCALENDAR\r\n{''.join(event.format(line) for line in lines)}END:VCALENDAR\r\n".encode()


def _vcf(lines: list[str]) -> bytes:
    return "".join(f"BEGIN:VCARD\r\nVERSION:4.0\r\nFN:x\r\nNOTE:{x}\r\nEND:VCARD\r\n" for x in lines).encode()


def _html(lines: list[str]) -> bytes:
    return ("<html><body>" + "".join(f"<p>{line}</p>" for line in lines) + "</body></html>").encode()


def _eml(lines: list[str]) -> bytes:
    head = "From: a@example.com\r\nSubject: x\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
    return (head + "\n".join(lines)).encode()


def _archived(lines: list[str]) -> bytes:
    return office.zipped({f"{number}.txt": line for number, line in enumerate(lines)})


def _tar(mode: Literal["w", "w:gz"]) -> Callable[[list[str]], bytes]:
    def make(lines: list[str]) -> bytes:
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode=mode) as archive:
            for number, line in enumerate(lines):
                entry = tarfile.TarInfo(f"{number}.txt")
                entry.size = len(line.encode())
                archive.addfile(entry, io.BytesIO(line.encode()))
        return buffer.getvalue()

    return make


def _sevenzip(lines: list[str]) -> bytes:
    buffer = io.BytesIO()
    with py7zr.SevenZipFile(buffer, "w") as archive:
        for number, line in enumerate(lines):
            archive.writestr(line.encode(), f"{number}.txt")
    return buffer.getvalue()


def _saved(save: Callable[[io.BytesIO], object]) -> bytes:
    buffer = io.BytesIO()
    save(buffer)
    return buffer.getvalue()


MAKERS: dict[str, Callable[[str], Planted]] = {
    "docx": _docx,
    "xlsx": _xlsx,
    "pptx": _pptx,
    "pdf": _pdf,
    "doc": _written(lambda lines: office.doc("\r".join(lines))),
    "xls": _written(lambda lines: office.xls({str(n): [[line]] for n, line in enumerate(lines)})),
    "ppt": _written(lambda lines: office.ppt([(line, f"note {line}") for line in lines])),
    "odt": _written(_odt),
    "ods": _written(_ods),
    "odp": _written(_odp),
    "hwp": _written(lambda lines: office.hwp(lines[:30], [[line] for line in lines[30:]])),
    "hwpx": _written(_hwpx),
    "rtf": _written(_rtf),
    "epub": _written(office.epub),
    "msg": _written(lambda lines: office.msg({"0037": "x", "1000": "\n".join(lines)}, [("a.txt", lines[0].encode())])),
    "eml": _written(_eml),
    "ics": _written(_ics),
    "vcf": _written(_vcf),
    "html": _written(_html),
    "csv": _written(lambda lines: "\n".join(f"a,{line}" for line in lines).encode("cp949")),
    "txt": _written(lambda lines: "\n".join(lines).encode("euc-kr")),
    "md": _written(lambda lines: "\n\n".join(f"## {line}" for line in lines).encode()),
    "json": _written(lambda lines: json.dumps(lines, ensure_ascii=False).encode()),
    "xml": _written(lambda lines: f"<?xml version='1.0'?><a>{''.join(f'<b>{x}</b>' for x in lines)}</a>".encode()),
    "zip": _written(_archived),
    "tar": _written(_tar("w")),
    "tar.gz": _written(_tar("w:gz")),
    "7z": _written(_sevenzip),
}
