"""PDF (ISO 32000), by PDFium (pypdfium2): the text of each page with its notes and what is filled into its forms, and
what the file says of itself."""

import ctypes
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from mailquery.domain.extraction import Section, SectionKind
from mailquery.extraction.interfaces import Budget, Damaged, Encrypted, Inner, LimitReached, Scan
from mailquery.extraction.pictures import MOST_PIXELS, normalised

if TYPE_CHECKING:
    import pypdfium2

_MOST_PAGES = 5_000
_MOST_NOTES = 1_000  # of a page
_LONGEST_NOTE = 100_000  # bytes
_DOTS_PER_INCH, _POINTS_PER_INCH = 200, 72
_FACTS = {"Title": "title", "Author": "author", "CreationDate": "created", "ModDate": "changed", "Producer": "made by"}
_PASSWORD, _SECURITY = 4, 5  # FPDF_ERR_PASSWORD, FPDF_ERR_SECURITY
_DATE = re.compile(r"D:(\d{4})(\d\d)?(\d\d)?(\d\d)?(\d\d)?(\d\d)?(?:(Z)|([+-])(\d\d)'?(\d\d)?)?")
_NOTES = (b"Contents", b"V")  # of an annotation: what it says, and what is filled into a field
_HYPHEN = re.compile("[\ufffe\x02]\n?")  # PDFium's mark of a word that is divided at the end of a line


def read(data: bytes, budget: Budget, facts: dict[str, str], inner: Inner) -> Iterator[Section]:
    """Pages without text, such as scanned ones, are counted, and given as pictures where that is wanted."""
    del inner
    import pypdfium2

    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        if getattr(error, "err_code", None) in (_PASSWORD, _SECURITY):
            raise Encrypted from error
        raise Damaged("it is no whole PDF") from error
    try:
        for key, value in document.get_metadata_dict().items():
            if key in _FACTS and value:
                facts[_FACTS[key]] = _date(value) if key.endswith("Date") else value
        count = len(document)
        facts["pages"] = str(count)
        silent = 0
        for number in range(min(count, _MOST_PAGES)):
            text = _page(document, number)
            if text.strip():
                yield Section(SectionKind.PAGE, str(number + 1), text)
            else:
                silent += 1
                if budget.picture():
                    yield from _scan(document, number)
        if silent:
            facts["pages without text"] = str(silent)
        if count > _MOST_PAGES:
            raise LimitReached(f"{_MOST_PAGES:,} pages")
    finally:
        document.close()


def _page(document: "pypdfium2.PdfDocument", number: int) -> str:
    import pypdfium2

    try:
        page = document[number]
    except pypdfium2.PdfiumError:
        return ""  # the other pages may be whole
    try:
        text = page.get_textpage()
        found: str = text.get_text_range().replace("\r\n", "\n").replace("\r", "\n")
        text.close()
    except pypdfium2.PdfiumError:
        found = ""
    notes = list(_notes(page))
    page.close()
    return "\n".join([_HYPHEN.sub("", found), *notes])


def _scan(document: "pypdfium2.PdfDocument", number: int) -> Iterator[Section]:
    import pypdfium2

    try:
        page = document[number]
        width, height = page.get_size()
        scale = min(_DOTS_PER_INCH / _POINTS_PER_INCH, (MOST_PIXELS / max(1.0, width * height)) ** 0.5)
        picture = normalised(page.render(scale=scale, bitmap_maker=pypdfium2.PdfBitmap.new_native).to_pil())
        page.close()
    except pypdfium2.PdfiumError:
        return  # the other pages may be whole
    if picture is not None:
        yield Scan(SectionKind.PAGE, str(number + 1), "", picture=picture)


def _notes(page: "pypdfium2.PdfPage") -> Iterator[str]:
    from pypdfium2 import raw

    for number in range(min(raw.FPDFPage_GetAnnotCount(page), _MOST_NOTES)):
        annotation = raw.FPDFPage_GetAnnot(page, number)
        if not annotation:
            continue
        for key in _NOTES if raw.FPDFAnnot_GetSubtype(annotation) != raw.FPDF_ANNOT_LINK else ():
            if text := _string(annotation, key).strip():
                yield text.replace("\r\n", "\n").replace("\r", "\n")
        raw.FPDFPage_CloseAnnot(annotation)


def _string(annotation: object, key: bytes) -> str:
    from pypdfium2 import raw

    size = raw.FPDFAnnot_GetStringValue(annotation, key, None, 0)
    if size <= 2 or size > _LONGEST_NOTE:
        return ""
    held = ctypes.create_string_buffer(size)
    raw.FPDFAnnot_GetStringValue(
        annotation, key, ctypes.cast(held, ctypes.POINTER(raw.FPDF_WCHAR)), ctypes.c_ulong(size)
    )
    return held.raw.decode("utf-16-le", "replace").rstrip("\x00")


def _date(value: str) -> str:
    """As ISO 8601 writes it; as it is where it is none (ISO 32000-1, section 7.9.4)."""
    found = _DATE.match(value)
    if found is None:
        return value
    date = "-".join(part for part in found.groups()[:3] if part)
    time = ":".join(part for part in found.groups()[3:6] if part)
    zone = "+00:00" if found[7] else f"{found[8]}{found[9]}:{found[10] or '00'}" if found[8] else ""
    return f"{date}T{time}{zone}" if ":" in time else date
