"""Workbooks: XLSX, XLSB, XLS and ODS, by calamine (python-calamine, a library in Rust)."""

import datetime as dt
import io
import re
import struct
import zipfile
from collections.abc import Iterator
from typing import TYPE_CHECKING

from mailquery.domain.extraction import Section, SectionKind
from mailquery.extraction.compressed import account_for, open_zip, read_entry
from mailquery.extraction.interfaces import Budget, Damaged, Encrypted, Inner, LimitReached
from mailquery.extraction.markup import Event, Flow, Kind, flow_of
from mailquery.extraction.office import read_properties, refuse_encrypted
from mailquery.extraction.ole import CompoundFile

if TYPE_CHECKING:
    from python_calamine import CalamineSheet

_MOST_ROWS = 200_000  # of one sheet
_FILE_PASS, _SHEET = 0x002F, 0x0085
_OPEN_CONTENT = "content.xml"
_BLANKS = re.compile(rb"(</?(?:table|office):[^<>]*>)\s+(?=</?(?:table|office|text):)")
_DURATION = re.compile(r"PT(\d+)H(\d\d?)M(\d\d?)(?:\.\d+)?S")
_COMMENTS = re.compile(r"xl/(?:comments/?|threadedComments/threadedComment)[^/]*\.xml")


def read(data: bytes, budget: Budget, facts: dict[str, str], inner: Inner) -> Iterator[Section]:
    """Each sheet is a section: a row on a line, its cells with tabs between them, empty rows left out. A formula is
    what it came to when the file was saved; a percentage or an amount is the number without its format."""
    del inner
    from python_calamine import CalamineError, CalamineWorkbook, PasswordError, SheetTypeEnum, SheetVisibleEnum

    account_for(data, budget)
    _properties(data, budget, facts)
    try:
        workbook = CalamineWorkbook.from_filelike(io.BytesIO(data))
    except PasswordError as error:
        raise Encrypted from error
    except CalamineError:
        closer = _without_blanks(data, budget)
        if not closer:
            raise
        workbook = CalamineWorkbook.from_filelike(io.BytesIO(closer))
    facts["sheets"] = str(len(workbook.sheets_metadata))
    for sheet in workbook.sheets_metadata:
        if sheet.typ is not SheetTypeEnum.WorkSheet:
            continue  # a chart, or a program
        label = sheet.name if sheet.visible is SheetVisibleEnum.Visible else f"{sheet.name} (hidden)"
        found = workbook.get_sheet_by_name(sheet.name)
        yield Section(SectionKind.SHEET, label, "\n".join(_rows(found, budget.limits.text)))
        if found.total_height > _MOST_ROWS:
            raise LimitReached(f"{_MOST_ROWS:,} rows")
    yield from _comments(data, budget)


def _properties(data: bytes, budget: Budget, facts: dict[str, str]) -> None:
    if data.startswith(b"PK"):
        with open_zip(data) as archive:
            refuse_encrypted(archive, budget)
            read_properties(archive, budget, facts)
    else:
        file = CompoundFile(data)
        stream = file.stream("Workbook") or file.stream("Book")
        if not stream:
            raise Damaged("it has no workbook in it")
        if _has_password(stream):
            raise Encrypted
        file.properties(facts)


def _without_blanks(data: bytes, budget: Budget) -> bytes:
    """An OpenDocument file whose rows and cells stand on lines of their own, which calamine takes for damage, without
    these; empty for any other file."""
    if not data.startswith(b"PK"):
        return b""
    with open_zip(data) as archive:
        if _OPEN_CONTENT not in archive.namelist():
            return b""
        content = read_entry(archive, archive.getinfo(_OPEN_CONTENT), budget)
        made = io.BytesIO()
        with zipfile.ZipFile(made, "w") as closer:
            for entry in archive.infolist():
                if entry.filename != _OPEN_CONTENT:
                    closer.writestr(entry.filename, read_entry(archive, entry, budget))
            closer.writestr(_OPEN_CONTENT, _BLANKS.sub(rb"\1", content))
    return made.getvalue()


def _has_password(stream: bytes) -> bool:
    """MS-XLS, section 2.4.117: calamine takes the oldest way of protecting for none."""
    at = 0
    while at + 4 <= len(stream):
        kind, length = struct.unpack_from("<HH", stream, at)
        if kind in (_FILE_PASS, _SHEET):  # it stands before the first sheet
            return bool(kind == _FILE_PASS)
        at += 4 + length
    return False


def _rows(sheet: "CalamineSheet", most: int) -> Iterator[str]:
    """Somewhat more than `most` characters at most: more are refused."""
    length = 0
    for number, row in enumerate(sheet.iter_rows()):
        if number >= _MOST_ROWS or length > most:
            return
        line = "\t".join(map(_shown, row)).rstrip("\t")
        if line:
            length += len(line) + 1
            yield line


def _shown(value: object) -> str:
    match value:
        case bool():
            return "TRUE" if value else "FALSE"
        case float() if value.is_integer() and abs(value) < 1e15:
            return str(int(value))
        case dt.datetime() if value.time() == dt.time():
            return value.date().isoformat()
        case dt.datetime():
            return value.isoformat(" ")
        case dt.timedelta():
            minutes, seconds = divmod(round(value.total_seconds()), 60)
            return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"
        case str() if (duration := _DURATION.fullmatch(value)) is not None:  # as calamine gives it of OpenDocument
            return f"{int(duration[1])}:{int(duration[2]):02}:{int(duration[3]):02}"
        case str():
            return " ".join(value.split())
    return str(value)


def _comments(data: bytes, budget: Budget) -> Iterator[Section]:
    """Of XLSX: calamine does not give them."""
    if not data.startswith(b"PK"):
        return
    with open_zip(data) as archive:
        for name in sorted(filter(_COMMENTS.fullmatch, archive.namelist())):
            text = flow_of(read_entry(archive, archive.getinfo(name), budget), _comment_step)
            yield Section(SectionKind.TEXT, "comments", text)


def _comment_step(flow: Flow, event: Event) -> None:
    match event.name, event.kind:
        case "t" | "text", Kind.TEXT if event.text.strip():
            flow.add(event.text)
        case "comment" | "threadedComment", Kind.ENDS:
            flow.end_paragraph()
