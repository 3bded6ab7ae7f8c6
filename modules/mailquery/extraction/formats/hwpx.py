"""HWPX, the open format of the Korean word processor Hancom Office (KS X 6101, OWPML).

A small reader of its own: no kept library for Python reads it.
"""

from collections.abc import Iterator

from mailquery.domain.extraction import Section, SectionKind
from mailquery.extraction.compressed import open_zip, read_entry
from mailquery.extraction.interfaces import Budget, Damaged, Inner
from mailquery.extraction.markup import Event, Flow, Kind, flow_of, table_step
from mailquery.extraction.office import numbered, refuse_encrypted

_CHARACTERS = {"lineBreak": "\n", "tab": "\t", "nbSpace": " ", "fwSpace": " ", "hyphen": "-"}
_SKIPPED = frozenset({"deleteBegin", "script"})


def read(data: bytes, budget: Budget, facts: dict[str, str], inner: Inner) -> Iterator[Section]:
    del inner
    with open_zip(data) as archive:
        names = archive.namelist()
        refuse_encrypted(archive, budget)
        sections = numbered(names, r"Contents/section(\d{1,6})\.xml")
        if not sections:
            raise Damaged("it has no text in it")
        facts["sections"] = str(len(sections))
        for name in sections:
            text = flow_of(read_entry(archive, archive.getinfo(name), budget), _step, _SKIPPED)
            yield Section(SectionKind.TEXT, name.rpartition("/")[2].removesuffix(".xml"), text)


def _step(flow: Flow, event: Event) -> None:
    match event.name, event.kind:
        case "t" | "markpenBegin" | "markpenEnd" | "insertBegin" | "insertEnd", Kind.TEXT:
            flow.add(event.text)
        case name, Kind.BEGINS if name in _CHARACTERS:
            flow.add(_CHARACTERS[name])
        case "p", Kind.ENDS:
            flow.end_paragraph()
        case _:
            table_step(flow, event, row="tr", cell="tc")
