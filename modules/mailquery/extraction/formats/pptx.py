"""PowerPoint presentations (ECMA-376, PresentationML): slides with their tables, diagrams and notes.

A small reader of its own: the one library for it (python-pptx) had its last release in August 2024, and leaves out
diagrams.
"""

import posixpath
import zipfile
from collections.abc import Iterator

from mailquery.domain.extraction import Section, SectionKind
from mailquery.extraction.compressed import open_zip, read_entry
from mailquery.extraction.interfaces import Budget, Inner
from mailquery.extraction.markup import Event, Flow, Kind, events, flow_of, table_step
from mailquery.extraction.office import numbered, read_properties

_SKIPPED = frozenset({"Fallback", "fld"})  # a field is the number of the slide, or the date
_BESIDE = ("notesSlide", "diagramData", "comments")  # kinds of relations whose text belongs to a slide
_PRESENTATION = "ppt/presentation.xml"


def read(data: bytes, budget: Budget, facts: dict[str, str], inner: Inner) -> Iterator[Section]:
    del inner
    with open_zip(data) as archive:
        read_properties(archive, budget, facts)
        slides = _in_order(archive, budget)
        facts["slides"] = str(len(slides))
        for number, name in enumerate(slides, 1):
            content = read_entry(archive, archive.getinfo(name), budget)
            texts = [_text(content)]
            for kind, target in _relations(archive, name, budget).values():
                if kind in _BESIDE and target in archive.namelist():
                    texts.append(_text(read_entry(archive, archive.getinfo(target), budget)))
            label = f"{number} (hidden)" if _is_hidden(content) else str(number)
            yield Section(SectionKind.SLIDE, label, "\n".join(text for text in texts if text))


def _is_hidden(slide: bytes) -> bool:
    root = next(events(slide), None)
    return root is not None and root.attribute("show") in ("0", "false")


def _in_order(archive: zipfile.ZipFile, budget: Budget) -> list[str]:
    """As they are shown; by the numbers in their names where the presentation itself does not say."""
    names = archive.namelist()
    slides = numbered(names, r"ppt/slides/slide(\d{1,9})\.xml")
    if _PRESENTATION not in names:
        return slides
    relations = _relations(archive, _PRESENTATION, budget)
    shown = []
    for event in events(read_entry(archive, archive.getinfo(_PRESENTATION), budget)):
        if event.name == "sldId" and event.attributes:
            # It has two attributes called id; that of the relation has a namespace.
            for key, value in event.attributes.items():
                if key.endswith("}id") and value in relations:
                    shown.append(relations[value][1])
    listed = [name for name in shown if name in slides]
    return listed + [name for name in slides if name not in listed]


def _relations(archive: zipfile.ZipFile, name: str, budget: Budget) -> dict[str, tuple[str, str]]:
    """(kind, target) by id."""
    folder, _, file = name.rpartition("/")
    place = f"{folder}/_rels/{file}.rels"
    if place not in archive.namelist():
        return {}
    return {
        event.attribute("Id"): (
            event.attribute("Type").rpartition("/")[2],
            posixpath.normpath(posixpath.join(folder, event.attribute("Target"))).lstrip("/"),
        )
        for event in events(read_entry(archive, archive.getinfo(place), budget))
        if event.kind is Kind.BEGINS and event.name == "Relationship"
    }


def _text(data: bytes) -> str:
    return flow_of(data, _step, _SKIPPED)


def _step(flow: Flow, event: Event) -> None:
    match event.name, event.kind:
        case "t" | "text", Kind.TEXT:  # a comment has its text in `text`
            flow.add(event.text)
        case "br", Kind.BEGINS:
            flow.add("\n")
        case "p" | "cm", Kind.ENDS:
            flow.end_paragraph()
        case _:
            table_step(flow, event, row="tr", cell="tc")
