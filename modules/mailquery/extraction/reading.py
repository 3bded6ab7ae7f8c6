"""From bytes to sections, with the reader of their type. It runs in the jailed child."""

from collections.abc import Iterator
from dataclasses import replace
from importlib import import_module
from typing import cast

from mailquery.domain.extraction import Extraction, ExtractionState, Section
from mailquery.extraction.budget import Spending
from mailquery.extraction.detection import detect
from mailquery.extraction.interfaces import (
    Budget,
    Damaged,
    Encrypted,
    LimitReached,
    Limits,
    Reader,
    Scan,
)
from mailquery.parsing.cleaning import clean, one_line

_OFFICE = "application/vnd.openxmlformats-officedocument"
_OPEN = "application/vnd.oasis.opendocument"
# The module in `extraction.formats` that reads a type. What is not here is not read.
READERS: dict[str, str] = {
    "application/pdf": "pdf",
    f"{_OFFICE}.wordprocessingml.document": "docx",
    f"{_OFFICE}.spreadsheetml.sheet": "workbook",
    f"{_OFFICE}.presentationml.presentation": "pptx",
    "application/vnd.ms-excel.sheet.binary.macroenabled.12": "workbook",
    "application/vnd.ms-word.document.macroenabled.12": "docx",
    "application/vnd.ms-excel.sheet.macroenabled.12": "workbook",
    "application/vnd.ms-powerpoint.presentation.macroenabled.12": "pptx",
    "application/msword": "doc",
    "application/vnd.ms-excel": "workbook",
    "application/vnd.ms-powerpoint": "ppt",
    f"{_OPEN}.text": "opendocument",
    f"{_OPEN}.spreadsheet": "workbook",
    f"{_OPEN}.presentation": "opendocument",
    "application/rtf": "rtf",
    "text/html": "html",
    "text/plain": "plain",
    "text/csv": "plain",
    "text/tab-separated-values": "plain",
    "text/markdown": "plain",
    "text/xml": "plain",
    "text/x-shellscript": "plain",
    "image/svg+xml": "plain",
    "application/json": "plain",
    "text/calendar": "icalendar",
    "text/vcard": "vcard",
    "message/rfc822": "eml",
    "application/vnd.ms-outlook": "msg",
    "application/x-hwp": "hwp",
    "application/vnd.hancom.hwpx": "hwpx",
    "application/epub+zip": "epub",
    "application/zip": "zip",
    "application/x-7z-compressed": "sevenzip",
    "application/x-tar": "tar",
    "application/gzip": "compressed_file",
    "application/x-bzip2": "compressed_file",
    "application/x-xz": "compressed_file",
    "image/png": "image",
    "image/jpeg": "image",
    "image/gif": "image",
    "image/tiff": "image",
    "image/webp": "image",
    "image/bmp": "image",
}
_ENCRYPTED_TYPES = frozenset({"application/x-encrypted-ooxml"})
_MACROS = ".macroenabled.12"
_LABEL_CHARS = 300
_FACT_CHARS = 500
_MOST_FACTS = 40


class Reading:
    """One attachment. Iterating gives its sections; what else is known of it stands in the attributes afterwards."""

    def __init__(self, data: bytes, name: str, budget: Budget | None = None) -> None:
        self._data = data
        self._budget = budget or Spending(Limits())
        self.type = detect(data, name)
        self.state = ExtractionState.UNSUPPORTED
        self.detail = ""
        self.facts: dict[str, str] = {}

    def __iter__(self) -> Iterator[Section]:
        if self.type in _ENCRYPTED_TYPES:
            self.state = ExtractionState.ENCRYPTED
            return
        module = READERS.get(self.type)
        if module is None:
            return
        self.state = ExtractionState.EMPTY
        reader = cast(Reader, import_module(f"mailquery.extraction.formats.{module}").read)
        try:
            if self.type.endswith(_MACROS):
                self.facts["programs"] = "has macros in it"
            for section in reader(self._data, self._budget, self.facts, extract_inner):
                shown = self._cleaned(section)
                length = len(shown.text)
                if section.depth == 0 and length > self._budget.text_left:
                    shown = replace(shown, text=shown.text[: self._budget.text_left])  # what fits is kept
                if shown.text:
                    self.state = ExtractionState.DONE
                    yield shown
                elif isinstance(shown, Scan):
                    yield shown
                if section.depth == 0:
                    self._budget.text(length)
        except Encrypted as error:
            self._end(ExtractionState.ENCRYPTED, str(error))
        except LimitReached as error:
            self._end(ExtractionState.LIMITED, f"it has more than {error}")
        except Damaged as error:
            self._end(ExtractionState.DAMAGED, str(error))
        except (MemoryError, RecursionError):
            raise
        except Exception as error:  # noqa: BLE001 - whatever a library raises over hostile data, the data is to blame
            self._end(ExtractionState.DAMAGED, f"it cannot be read ({type(error).__name__})")

    def _end(self, state: ExtractionState, detail: str) -> None:
        """Text that was read until then counts."""
        self.state = ExtractionState.PARTIAL if self.state is ExtractionState.DONE else state
        self.detail = detail

    def _cleaned(self, section: Section) -> Section:
        return replace(section, label=one_line(section.label)[:_LABEL_CHARS], text=clean(section.text).strip("\n"))

    def extraction(self) -> Extraction:
        """All of it at once."""
        sections = tuple(self)
        return Extraction(self.type, self.state, sections, self.shown_facts(), self.detail)

    def shown_facts(self) -> tuple[tuple[str, str], ...]:
        found = [(name, one_line(value)[:_FACT_CHARS]) for name, value in self.facts.items()]
        return tuple((name, value) for name, value in found if value)[:_MOST_FACTS]


def extract_inner(data: bytes, name: str, budget: Budget) -> Extraction:
    """`Inner`. The sections are one deeper than their own file says. Raises LimitReached where that is too deep."""
    found = Reading(data, name, budget.deeper()).extraction()
    return replace(found, sections=tuple(replace(section, depth=section.depth + 1) for section in found.sections))
