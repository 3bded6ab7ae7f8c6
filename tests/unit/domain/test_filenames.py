"""Names of files that strangers chose, made safe."""

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailquery.domain.filenames import numbered, safe_name

EXE = "application/vnd.microsoft.portable-executable"


@pytest.mark.parametrize(
    ("given_name", "made"),
    [
        ("invoice.pdf", "invoice.pdf"),
        ("견적서 2026.hwp", "견적서 2026.hwp"),
        ("../../etc/passwd", "passwd"),
        ("..\\..\\windows\\system32\\a.dll", "a.dll"),
        ("/etc/cron.d/job", "job"),
        ("C:evil.txt", "C_evil.txt"),
        (".bashrc", "bashrc"),
        ("...", "attachment"),
        ("", "attachment"),
        ("a.txt...  ", "a.txt"),
        ("con", "_con"),
        ("NUL.txt", "_NUL.txt"),
        ("com1.pdf", "_com1.pdf"),
        ("-rf", "rf"),
        ("~root", "root"),
        ("a\r\nb\x00c\x1b[2J.txt", "a bc[2J.txt"),
        ("photo\u202egnp.exe", "photognp.exe"),
        ("in\u200bvoice\ufeff.pdf", "invoice.pdf"),
        ('a"b<c>d|e?f*.txt', "a_b_c_d_e_f_.txt"),
        ("$(reboot)`x`;y&.sh", "_(reboot)_x__y_.sh"),
        ("caf\u0065\u0301.txt", "café.txt"),
        ("\ud800.txt", "_.txt"),
        ("folder/", "folder"),
    ],
)
def test_a_hostile_name_becomes_a_harmless_one(given_name: str, made: str) -> None:
    assert safe_name(given_name) == made


def test_a_long_name_keeps_its_ending() -> None:
    name = safe_name("긴이름" * 100 + ".pdf")
    assert name.endswith(".pdf")
    assert len(name.encode()) <= 180
    assert len(safe_name("x" * 999).encode()) == 180


def test_what_lies_about_its_type_gets_the_ending_of_what_it_is() -> None:
    assert safe_name("invoice.pdf", "application/pdf", EXE) == "invoice.exe"
    assert safe_name("invoice.pdf", "application/pdf", "text/html") == "invoice.html"
    assert safe_name("letter.docx", "application/octet-stream", "application/zip") == "letter.docx"
    assert safe_name("scan", "application/pdf", "application/pdf") == "scan.pdf"
    assert safe_name("", "application/pdf", "application/pdf") == "attachment"


def test_a_second_file_of_a_name_is_counted() -> None:
    assert numbered("invoice.pdf", 2) == "invoice (2).pdf"
    assert numbered("README", 3) == "README (3)"


@given(st.text(max_size=400), st.sampled_from(["", EXE, "application/pdf"]))
def test_no_name_at_all_leaves_its_folder_or_hides(name: str, found: str) -> None:
    made = safe_name(name, "", found)
    assert made == safe_name(made, "", "")
    assert made
    assert len(made.encode()) <= 190
    assert not made.startswith((".", "-", "~", " "))
    assert not made.endswith((".", " "))
    assert not re.search(r'[/\\:*?"<>|\x00-\x1f\x7f]', made)
    assert all(unicodedata.category(letter)[0] != "C" for letter in made)
