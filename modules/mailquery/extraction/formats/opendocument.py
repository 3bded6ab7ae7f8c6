"""OpenDocument texts and presentations (ISO/IEC 26300). Its library for Python (odfpy) has been left since 2020."""

from collections.abc import Iterator

from mailquery.domain.extraction import Section, SectionKind
from mailquery.extraction.compressed import open_zip, read_entry
from mailquery.extraction.interfaces import Budget, Damaged, Encrypted, Inner
from mailquery.extraction.markup import Event, Flow, Kind, events, skipping, table_step
from mailquery.extraction.office import read_properties

_SKIPPED = frozenset({"tracked-changes", "hidden-text", "hidden-paragraph", "sequence-decls"})
_HOLD_TEXT = frozenset({"p", "h", "span", "a", "ruby-base", "title", "desc", "meta"})
_LARGEST_GAP = 100  # blanks


def read(data: bytes, budget: Budget, facts: dict[str, str], inner: Inner) -> Iterator[Section]:
    del inner
    with open_zip(data) as archive:
        names = archive.namelist()
        if "META-INF/manifest.xml" in names:
            manifest = read_entry(archive, archive.getinfo("META-INF/manifest.xml"), budget)
            if b"encryption-data" in manifest:
                raise Encrypted
        read_properties(archive, budget, facts)
        if "content.xml" not in names:
            raise Damaged("it has no content in it")
        content = read_entry(archive, archive.getinfo("content.xml"), budget)
    flow = Flow()
    slides = 0
    for event in skipping(_SKIPPED, events(content)):
        if event.name == "page" and event.kind is Kind.ENDS:
            slides += 1
            yield Section(SectionKind.SLIDE, str(slides), flow.text())
        else:
            _step(flow, event)
    if slides:
        facts.setdefault("slides", str(slides))
    yield Section(SectionKind.TEXT, "", flow.text())


def _step(flow: Flow, event: Event) -> None:
    match event.name, event.kind:
        case name, Kind.TEXT if name in _HOLD_TEXT:
            flow.add(event.text)
        case "s", Kind.BEGINS:
            flow.add(" " * _count(event.attribute("c")))
        case "tab", Kind.BEGINS:
            flow.add("\t")
        case "line-break", Kind.BEGINS:
            flow.add("\n")
        case "p" | "h", Kind.ENDS:
            flow.end_paragraph()
        case _:
            table_step(flow, event, row="table-row", cell="table-cell")


def _count(value: str) -> int:
    """Of blanks that one element stands for."""
    return min(_LARGEST_GAP, int(value)) if value.isdigit() and len(value) < 6 else 1
