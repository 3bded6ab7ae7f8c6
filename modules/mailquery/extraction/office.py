"""What office files say of themselves: title, author, dates."""

import re
import zipfile

from mailquery.extraction.compressed import read_entry
from mailquery.extraction.interfaces import Budget, Damaged, Encrypted
from mailquery.extraction.markup import Kind, events

# By the names of Dublin Core and of the formats' own schemas.
_FACTS = {
    "title": "title",
    "creator": "author",
    "initial-creator": "author",
    "lastModifiedBy": "last changed by",
    "created": "created",
    "creation-date": "created",
    "modified": "changed",
    "date": "changed",
    "Pages": "pages",
    "Slides": "slides",
}
_LARGEST = 1_000_000  # bytes
_MANIFEST = "META-INF/manifest.xml"
_PLACES = ("docProps/core.xml", "docProps/app.xml", "meta.xml")


def read_properties(archive: zipfile.ZipFile, budget: Budget, facts: dict[str, str]) -> None:
    """Of OOXML and OpenDocument files, as far as they are there and can be read."""
    names = set(archive.namelist())
    for place in _PLACES:
        if place not in names:
            continue
        data = read_entry(archive, archive.getinfo(place), budget, _LARGEST)
        try:
            for event in events(data):
                fact = _FACTS.get(event.name)
                if event.kind is Kind.TEXT and fact is not None and event.text.strip():
                    facts.setdefault(fact, event.text.strip())
        except Damaged:
            continue  # the text does not depend on it


def refuse_encrypted(archive: zipfile.ZipFile, budget: Budget) -> None:
    """Of OpenDocument (part 2, section 4.8.1) and HWPX. Raises Encrypted."""
    names = archive.namelist()
    if "encrypted-package" in names:
        raise Encrypted
    if _MANIFEST in names and b"encryption-data" in read_entry(archive, archive.getinfo(_MANIFEST), budget):
        raise Encrypted


def numbered(names: list[str], pattern: str) -> list[str]:
    """Those that match, in the order of the number in their first group."""
    found = [(int(match[1]), name) for name in names if (match := re.fullmatch(pattern, name))]
    return [name for _, name in sorted(found)]
