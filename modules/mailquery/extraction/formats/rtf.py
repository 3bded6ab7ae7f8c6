"""Rich Text Format (RTF 1.9.1), by striprtf."""

from collections.abc import Iterator

from mailquery.domain.extraction import Section, SectionKind
from mailquery.extraction.interfaces import Budget, Inner

_LONGEST = 50_000_000  # bytes; pictures are most of it in large ones


def read(data: bytes, budget: Budget, facts: dict[str, str], inner: Inner) -> Iterator[Section]:
    del facts, inner, budget
    from striprtf.striprtf import rtf_to_text

    source = data[:_LONGEST].decode("latin-1")
    text: str = rtf_to_text(source, encoding="cp1252", errors="replace")  # type: ignore[no-untyped-call]
    yield Section(SectionKind.TEXT, "", text)
