"""Workbooks: XLSX, XLSB, XLS and ODS, by calamine (python-calamine, a library in Rust)."""

import datetime as dt
import io
from collections.abc import Iterator
from typing import TYPE_CHECKING

from mailquery.domain.extraction import Section, SectionKind
from mailquery.extraction.compressed import account_for
from mailquery.extraction.interfaces import Budget, Encrypted, Inner

if TYPE_CHECKING:
    from python_calamine import CalamineSheet

_MOST_ROWS = 200_000  # of one sheet


def read(data: bytes, budget: Budget, facts: dict[str, str], inner: Inner) -> Iterator[Section]:
    """Each sheet is a section: a row on a line, its cells with tabs between them, empty rows left out."""
    del inner
    from python_calamine import CalamineWorkbook, PasswordError, SheetVisibleEnum

    account_for(data, budget)
    try:
        workbook = CalamineWorkbook.from_filelike(io.BytesIO(data))
    except PasswordError as error:
        raise Encrypted from error
    facts["sheets"] = str(len(workbook.sheets_metadata))
    for sheet in workbook.sheets_metadata:
        label = sheet.name if sheet.visible is SheetVisibleEnum.Visible else f"{sheet.name} (hidden)"
        yield Section(SectionKind.SHEET, label, "\n".join(_rows(workbook.get_sheet_by_name(sheet.name))))


def _rows(sheet: "CalamineSheet") -> Iterator[str]:
    for number, row in enumerate(sheet.iter_rows()):
        if number >= _MOST_ROWS:
            return
        line = "\t".join(map(_shown, row)).rstrip("\t")
        if line:
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
        case str():
            return value.replace("\t", " ").replace("\n", " ").strip()
    return str(value)
