"""PDF by page: whatever way the text lies, with notes; what is encrypted or scanned says so."""

import fpdf
import pytest
from fpdf.enums import AccessPermission

from attachments.files import pdf
from mailquery.domain.extraction import ExtractionState
from support import office
from support.extracting import by_label, extracted


def pages(*, password: str | None = None, owner: str = "") -> bytes:
    made = fpdf.FPDF()
    made.set_font("Helvetica", size=12)
    made.set_title("A report")
    made.add_page()
    made.text(20, 20, "first page")
    made.text_annotation(50, 50, "a note")
    made.add_page()
    made.add_page()
    with made.rotation(90, x=60, y=100):
        made.text(60, 100, "text that is turned")
    made.add_page()
    with made.text_columns(ncols=2, gutter=10) as columns:
        columns.write("left column. " * 150)
        columns.write("right end")
    if owner or password:
        made.set_encryption(owner_password=owner, user_password=password, permissions=AccessPermission.none())
    return bytes(made.output())


def test_pages() -> None:
    found = extracted(pages())
    texts = by_label(found)
    assert list(texts) == ["1", "3", "4"]
    assert texts["1"] == "first page\na note"
    assert texts["3"] == "text that is turned"
    assert " ".join(texts["4"].split()) == "left column. " * 150 + "right end"
    facts = dict(found.facts)
    assert (facts["title"], facts["pages"], facts["pages without text"]) == ("A report", "4", "1")
    assert facts["created"][10] == "T"


@pytest.mark.parametrize(
    ("encoding", "ordering", "charset", "text"),
    [
        ("KSCms-UHC-H", "Korea1", "cp949", "한국어 계약서"),
        ("UniKS-UCS2-H", "Korea1", "utf-16-be", "한국어 계약서"),
        ("90ms-RKSJ-H", "Japan1", "cp932", "日本語"),
        ("GBK-EUC-H", "GB1", "gbk", "汉语"),
        ("ETen-B5-H", "CNS1", "big5", "漢語"),
    ],
)
def test_fonts_that_are_not_in_the_file(encoding: str, ordering: str, charset: str, text: str) -> None:
    assert by_label(extracted(office.pdf_in(encoding, ordering, text.encode(charset)))) == {"1": text}


def test_one_that_needs_a_password() -> None:
    found = extracted(pages(owner="owner", password="user"))
    assert found.state is ExtractionState.ENCRYPTED


def test_one_that_only_forbids_copying_is_read() -> None:
    assert by_label(extracted(pages(owner="owner")))["1"].startswith("first page")


def test_one_without_text_is_empty_and_not_damaged() -> None:
    page = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]>>"
    found = extracted(office.pdf([b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[3 0 R]/Count 1>>", page]))
    assert found.state is ExtractionState.EMPTY
    assert ("pages without text", "1") in found.facts


def test_text_that_is_written_from_the_right_comes_in_the_order_in_which_it_is_read() -> None:
    """A page has the glyphs as they stand, from the left; the first letter of the word is the rightmost."""
    word = "\u0645\u0631\u062d\u0628\u0627"  # Arabic for hello
    letters = "edcba"  # each of which stands for one
    codes = "".join(f"<{ord(code):02X}> <{ord(letter):04X}>" for code, letter in zip("abcde", word, strict=True))
    cmap = f"/CMapType 2 def 1 begincodespacerange <00> <FF> endcodespacerange 5 beginbfchar {codes} endbfchar"
    plain = pdf(f"{letters} 2026")
    font = f"99 0 obj\n<< /Length {len(cmap)} >>\nstream\n{cmap}\nendstream\nendobj\ntrailer".encode()
    made = plain.replace(b"/Helvetica >>", b"/Helvetica /ToUnicode 99 0 R >>").replace(b"trailer", font)
    assert word in by_label(extracted(made))["1"]
