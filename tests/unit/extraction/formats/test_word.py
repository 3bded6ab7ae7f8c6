"""Documents of word processors give their text in its order, tables in rows, and what stands beside it apart."""

import io
import random

import docx
import pytest
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls

from mailquery.domain.extraction import ExtractionState
from support import office
from support.extracting import by_label, extracted


def document() -> bytes:
    made = docx.Document()
    made.core_properties.author, made.core_properties.title = "김민수", "분기 보고"
    made.sections[0].header.paragraphs[0].text = "in the header"
    made.sections[0].footer.paragraphs[0].text = "in the footer"
    paragraph = made.add_paragraph("한국어 日本語 العربية ")
    paragraph.add_run("not for you").font.hidden = True
    paragraph.add_run("after it")
    made.add_comment(paragraph.runs, text="a comment", author="Kim", initials="K")
    tracked = made.add_paragraph("kept ")
    change = f'{nsdecls("w")} w:id="9" w:author="x"'
    tracked._p.append(parse_xml(f"<w:del {change}><w:r><w:delText>removed</w:delText></w:r></w:del>"))
    tracked._p.append(parse_xml(f"<w:ins {change}><w:r><w:t>added</w:t></w:r></w:ins>"))
    table = made.add_table(rows=2, cols=3)
    for row in range(2):
        for column in range(3):
            table.cell(row, column).text = f"{row}{column}"
    table.cell(0, 0).merge(table.cell(0, 1)).text = "wide"
    table.cell(1, 2).add_paragraph("second line")
    box = "<w:r {0}><w:txbxContent><w:p><w:r><w:t>in a box</w:t></w:r></w:p></w:txbxContent></w:r>"
    made.add_paragraph()._p.append(parse_xml(box.format(nsdecls("w"))))
    buffer = io.BytesIO()
    made.save(buffer)
    return buffer.getvalue()


def test_a_word_document() -> None:
    found = extracted(document())
    assert found.state is ExtractionState.DONE
    assert by_label(found) == {
        "": "한국어 日本語 العربية after it\nkept added\nwide\t\t02\n10\t11\t12 second line\nin a box",
        "header": "in the header",
        "footer": "in the footer",
        "comments": "a comment",
        "hidden text": "not for you",
    }
    assert ("author", "김민수") in found.facts
    assert ("title", "분기 보고") in found.facts


def test_a_document_with_macros_says_so() -> None:
    entries: dict[str, bytes | str] = {
        "[Content_Types].xml": "<Types/>",
        "word/vbaProject.bin": b"program",
        "word/document.xml": "<document><body><p><r><t>text</t></r></p></body></document>",
    }
    found = extracted(office.zipped(entries))
    assert found.type == "application/vnd.ms-word.document.macroenabled.12"
    assert found.facts == (("programs", "has macros in it"),)
    assert by_label(found) == {"": "text"}


def test_an_old_word_document() -> None:
    found = extracted(office.doc("안녕 \x13 HYPERLINK \x14link\x15\ra\x07b\x07\x07c\x07d\x07\x07end\r"))
    assert found.type == "application/msword"
    assert by_label(found) == {"": "안녕 link\na\tb\nc\td\nend"}


STYLES = (
    '<style:style style:name="H"><style:text-properties text:display="none"/></style:style>'
    '<style:style style:name="P"><style:drawing-page-properties presentation:visibility="hidden"/></style:style>'
)


def test_an_opendocument_text() -> None:
    body = (
        "<text:tracked-changes><text:deletion><text:p>removed</text:p></text:deletion></text:tracked-changes>"
        "<text:h>제목</text:h><text:p>one<text:note><text:note-citation>1</text:note-citation><text:note-body>"
        "<text:p>a note</text:p></text:note-body></text:note> two<office:annotation><dc:creator>Kim</dc:creator>"
        '<text:p>a comment</text:p></office:annotation><text:s text:c="3"/>three<text:line-break/>'
        '<text:span text:style-name="H">not for you</text:span><text:date>2026-03-09</text:date></text:p>'
        "<table:table><table:table-row><table:table-cell><text:p>wide</text:p></table:table-cell>"
        "<table:covered-table-cell/><table:table-cell><text:p>b</text:p><text:p>c</text:p></table:table-cell>"
        "</table:table-row></table:table><text:p><draw:frame><draw:text-box><text:p>in a box</text:p>"
        "</draw:text-box></draw:frame>last</text:p>"
    )
    masters = "<style:header><text:p>in the header</text:p></style:header>"
    found = extracted(office.opendocument("text", body, styles=STYLES, masters=masters))
    assert by_label(found) == {
        "": "제목\none two   three\n2026-03-09\nwide\t\tb c\nin a box\nlast",
        "header": "in the header",
        "notes": "a note",
        "comments": "a comment",
        "hidden text": "not for you",
    }


def test_an_opendocument_presentation() -> None:
    body = (
        "<draw:page><draw:frame><draw:text-box><text:p>first</text:p></draw:text-box></draw:frame>"
        "<presentation:notes><draw:frame><draw:text-box><text:p>spoken</text:p></draw:text-box></draw:frame>"
        '</presentation:notes></draw:page><draw:page draw:style-name="P"><text:p>second</text:p></draw:page>'
    )
    found = extracted(office.opendocument("presentation", body, styles=STYLES))
    assert by_label(found) == {"1": "first\nspoken", "2 (hidden)": "second"}


def test_a_document_of_the_korean_word_processor() -> None:
    found = extracted(office.hwp(["첫 문단", "긴 " * 3_000], [["항목", "금액"], ["사과", "1,000"]]))
    assert found.type == "application/x-hwp"
    text = by_label(found)["section0"]
    assert text.startswith("첫 문단\n긴 긴")
    assert text.endswith("항목\t금액\n사과\t1,000\nbehind the table")


def test_a_document_of_the_korean_word_processor_in_its_open_format() -> None:
    def cell(text: str) -> str:
        return f"<hp:tc><hp:subList><hp:p><hp:run><hp:t>{text}</hp:t></hp:run></hp:p></hp:subList></hp:tc>"

    body = (
        "<hp:p><hp:run><hp:t>가<hp:tab/>나</hp:t></hp:run></hp:p><hp:p><hp:run><hp:tbl>"
        f"<hp:tr>{cell('항목')}{cell('금액')}</hp:tr></hp:tbl></hp:run></hp:p>"
    )
    assert by_label(extracted(office.hwpx(body))) == {"section0": "가\t나\n항목\t금액"}


def test_a_book() -> None:
    found = extracted(office.epub(["첫 장", "second"]))
    assert by_label(found) == {"1": "첫 장", "2": "second"}
    assert found.facts == (("title", "책"),)


ENCRYPTED = '<manifest><file-entry><encryption-data checksum="x"/></file-entry></manifest>'


@pytest.mark.parametrize(
    "data",
    [
        office.doc("x", encrypted=True),
        office.hwp(["x"], flags=3),
        office.hwpx("<hp:p/>", manifest=ENCRYPTED),
        office.opendocument("text", "", manifest=ENCRYPTED),
        office.opendocument("spreadsheet", "", manifest=ENCRYPTED),
        office.compound({"EncryptionInfo": b"x", "EncryptedPackage": b"x"}),
        office.xls({"a": [["x"]]}, encrypted=True),
        office.ppt([("a", "b")], encrypted=True),
    ],
    ids=["doc", "hwp", "hwpx", "odt", "ods", "ooxml", "xls", "ppt"],
)
def test_what_is_encrypted_is_said_to_be(data: bytes) -> None:
    found = extracted(data)
    assert found.state is ExtractionState.ENCRYPTED
    assert found.sections == ()


def test_hidden_text_of_doc_is_told_apart_and_deleted_text_left_out() -> None:
    bold, hidden, deleted = b"\x35\x08\x01", b"\x3c\x08\x01", b"\x00\x08\x01"
    with_font = b"\x4f\x4a\x00\x00" + hidden  # behind a change with an operand of two bytes
    text = "seen bold HIDDEN again GONE MORE not hidden\r"
    looks = [(5, b""), (5, bold), (7, hidden), (6, b""), (5, deleted), (5, with_font), (11, b"\x3c\x08\x00")]
    found = by_label(extracted(office.doc(text, looks=looks)))
    assert found == {"": "seen bold again not hidden", "hidden text": "HIDDEN MORE "}


def test_formatting_of_doc_that_makes_no_sense_keeps_no_text_from_being_read() -> None:
    chance = random.Random(3)
    for _ in range(200):
        data = bytearray(office.doc("everything is seen\r", looks=[(19, b"\x35\x08\x01")]))
        start = data.index("everything".encode("utf-16-le")) + 512
        for _ in range(20):
            data[start + chance.randrange(512)] = chance.randrange(256)
        found = extracted(bytes(data))
        assert found.state in (ExtractionState.DONE, ExtractionState.EMPTY), found.detail
