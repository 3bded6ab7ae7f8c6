"""Files that lie inside of others: named in a listing, and read with what is left of the budget."""

import re
from collections.abc import Iterator
from dataclasses import replace

from mailquery.domain.extraction import ExtractionState, Section, SectionKind
from mailquery.extraction.interfaces import Budget, Inner, LimitReached

_WHY = {
    ExtractionState.ENCRYPTED: "encrypted",
    ExtractionState.DAMAGED: "damaged",
    ExtractionState.LIMITED: "over a limit",
    ExtractionState.PARTIAL: "read in part",
}
_TYPE = re.compile(r"\(([\w.+-]+/[\w.+-]+), [\d,]+ bytes(?:, [a-z ]+)?\)", re.ASCII)


def read_inner(data: bytes, name: str, budget: Budget, inner: Inner) -> Iterator[Section]:
    """A section that names the file with its type and size, and those of what is in it, under its path."""
    try:
        found = inner(data, name, budget)
    except LimitReached:
        # Too deep. The listing goes on; what lies there is not read.
        yield Section(SectionKind.ENTRY, name, f"{name} ({len(data):,} bytes; over a limit)")
        return
    why = _WHY.get(found.state)
    facts = ", ".join(part for part in (found.type, f"{len(data):,} bytes", why) if part)
    yield Section(SectionKind.ENTRY, name, f"{name} ({facts})")
    for section in found.sections:
        yield replace(section, label=f"{name}/{section.label}" if section.label else name)


def type_of_entry(section: Section) -> str:
    """The type of the file that the section `read_inner` gave names; empty where its content was not read."""
    _, bracket, facts = section.text.rpartition(" (")
    found = _TYPE.fullmatch(f"({facts}") if bracket else None
    return found[1] if found else ""
