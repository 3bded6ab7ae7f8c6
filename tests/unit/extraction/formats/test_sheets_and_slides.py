"""Workbooks by sheet and presentations by slide, also those that are hidden, which say so."""

import datetime as dt
import io

import openpyxl
import pptx
from openpyxl.comments import Comment
from pptx.util import Cm

from mailquery.domain.extraction import SectionKind
from support import office
from support.extracting import by_label, extracted


def workbook() -> bytes:
    made = openpyxl.Workbook()
    made.properties.creator = "김민수"
    sheet = made.active
    assert sheet is not None
    sheet.title = "매출"
    sheet.append(["항목", "금액", "날짜", "시각", "참"])
    sheet.append(["사과\n배", 1234567.5, dt.date(2026, 3, 9), dt.datetime(2026, 3, 9, 14, 30), True])
    sheet.append([None, 3.0, dt.time(9, 5), dt.timedelta(hours=30), 0.25])
    sheet["D3"].number_format = "[h]:mm:ss"
    sheet.merge_cells("A5:C5")
    sheet["A5"] = "merged"
    sheet["A5"].comment = Comment("a comment", "Kim")
    hidden = made.create_sheet("숨김")
    hidden.sheet_state = "hidden"
    hidden["B2"] = "secret"
    made.create_chartsheet("chart")
    buffer = io.BytesIO()
    made.save(buffer)
    return buffer.getvalue()


def test_a_workbook() -> None:
    found = extracted(workbook())
    assert [(section.kind, section.label, section.text) for section in found.sections] == [
        (
            SectionKind.SHEET,
            "매출",
            "항목\t금액\t날짜\t시각\t참\n"
            "사과 배\t1234567.5\t2026-03-09\t2026-03-09 14:30:00\tTRUE\n"
            "\t3\t09:05:00\t30:00:00\t0.25\n"
            "merged",
        ),
        (SectionKind.SHEET, "숨김 (hidden)", "secret"),
        (SectionKind.TEXT, "comments", "a comment"),
    ]
    assert ("author", "김민수") in found.facts


def test_an_old_workbook() -> None:
    found = extracted(office.xls({"매출": [["사과", 1.5], ["배", 20]], "숨김": [["secret"]]}, hidden="숨김"))
    assert found.type == "application/vnd.ms-excel"
    assert by_label(found) == {"매출": "사과\t1.5\n배\t20", "숨김 (hidden)": "secret"}


def test_truths_and_durations_of_an_opendocument_spreadsheet_on_lines_of_their_own() -> None:
    cells = """
      <table:table-cell office:value-type="boolean" office:boolean-value="true"><text:p>WAHR</text:p></table:table-cell>
      <table:table-cell office:value-type="boolean" office:boolean-value="false"><text:p>x</text:p></table:table-cell>
      <table:table-cell office:value-type="time" office:time-value="PT26H3M5S"><text:p>x</text:p></table:table-cell>
      <table:table-cell office:value-type="string"><text:p><text:span>a</text:span> <text:span>b</text:span></text:p>
      </table:table-cell>
    """
    body = f'<table:table table:name="S">\n<table:table-row>{cells}</table:table-row>\n</table:table>\n'
    assert by_label(extracted(office.opendocument("spreadsheet", body))) == {"S": "TRUE\tFALSE\t26:03:05\ta b"}


def test_an_opendocument_spreadsheet() -> None:
    cell = '<table:table-cell office:value-type="{0}" office:{1}="{2}"><text:p>{2}</text:p></table:table-cell>'
    row = cell.format("string", "string-value", "사과") + cell.format("float", "value", "1.5")
    far = '<table:table-row table:number-rows-repeated="1048000"><table:table-cell/></table:table-row>'
    body = f'<table:table table:name="매출"><table:table-row>{row}</table:table-row>{far}</table:table>'
    assert by_label(extracted(office.opendocument("spreadsheet", body))) == {"매출": "사과\t1.5"}


def presentation() -> bytes:
    made = pptx.Presentation()
    for number in (1, 2):
        slide = made.slides.add_slide(made.slide_layouts[1])
        assert slide.shapes.title is not None
        slide.shapes.title.text = f"제목 {number}"
        slide.placeholders[1].text = "첫째\n둘째"
        frame = slide.notes_slide.notes_text_frame
        assert frame is not None
        frame.text = f"노트 {number}"
    table = slide.shapes.add_table(2, 2, Cm(1), Cm(1), Cm(5), Cm(2)).table
    for row in range(2):
        for column in range(2):
            table.cell(row, column).text = f"{row}{column}"
    slide.shapes.add_group_shape().shapes.add_textbox(Cm(1), Cm(1), Cm(1), Cm(1)).text_frame.text = "in a group"
    slide._element.set("show", "0")
    buffer = io.BytesIO()
    made.save(buffer)
    return buffer.getvalue()


def test_a_presentation() -> None:
    assert by_label(extracted(presentation())) == {
        "1": "제목 1\n첫째\n둘째\n노트 1",
        "2 (hidden)": "제목 2\n첫째\n둘째\n00\t01\n10\t11\nin a group\n노트 2",
    }


def test_an_old_presentation() -> None:
    found = extracted(office.ppt([("제목 1", "노트 1"), ("제목 2", "노트 2")]))
    assert by_label(found) == {
        "1": "제목 1\nshape of 제목 1\n노트 1",
        "2": "제목 2\nshape of 제목 2\n노트 2",
    }
