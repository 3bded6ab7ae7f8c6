"""PDF (ISO 32000), by PDFium (pypdfium2): the text of each page, and what the file says of itself."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from mailquery.domain.extraction import Section, SectionKind
from mailquery.extraction.interfaces import Budget, Damaged, Encrypted, Inner, LimitReached

if TYPE_CHECKING:
    import pypdfium2

_MOST_PAGES = 5_000
_FACTS = {"Title": "title", "Author": "author", "CreationDate": "created", "ModDate": "changed", "Producer": "made by"}
_PASSWORD, _SECURITY = 4, 5  # FPDF_ERR_PASSWORD, FPDF_ERR_SECURITY


def read(data: bytes, budget: Budget, facts: dict[str, str], inner: Inner) -> Iterator[Section]:
    """Pages without text, such as scanned ones, are left out and counted in the facts."""
    del inner, budget
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
                facts[_FACTS[key]] = value
        count = len(document)
        facts["pages"] = str(count)
        silent = 0
        for number in range(min(count, _MOST_PAGES)):
            text = _page(document, number)
            if text.strip():
                yield Section(SectionKind.PAGE, str(number + 1), text)
            else:
                silent += 1
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
        text = page.get_textpage()
        found: str = text.get_text_bounded().replace("\r\n", "\n").replace("\r", "\n")
        text.close()
        page.close()
    except pypdfium2.PdfiumError:
        return ""  # the other pages may be whole
    return found
