"""Reading an attachment in the process of the test."""

from mailquery.domain.extraction import Extraction
from mailquery.extraction.budget import Spending
from mailquery.extraction.interfaces import Limits
from mailquery.extraction.reading import Reading


def extracted(data: bytes, name: str = "", limits: Limits | None = None) -> Extraction:
    return Reading(data, name, Spending(limits or Limits())).extraction()


def by_label(found: Extraction) -> dict[str, str]:
    """Text by the labels of the sections."""
    return {section.label: section.text for section in found.sections}


def text_of(found: Extraction) -> str:
    return "\n".join(section.text for section in found.sections)
