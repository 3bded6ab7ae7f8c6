"""OpenDocument texts and presentations (ISO/IEC 26300). Its library for Python (odfpy) has been left since 2020."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from mailquery.domain.extraction import Section, SectionKind
from mailquery.extraction.compressed import open_zip, read_entry
from mailquery.extraction.interfaces import Budget, Damaged, Inner
from mailquery.extraction.markup import Event, Flow, Kind, events, skipping, table_step
from mailquery.extraction.office import read_properties, refuse_encrypted

# What was deleted, and what stands for something else than itself.
_SKIPPED = frozenset({"tracked-changes", "sequence-decls", "note-citation", "ruby-text", "page-number", "script"})
_LARGEST_GAP = 100  # blanks
# What stands beside the text, by the element that holds it.
_BESIDE = {"note": "notes", "annotation": "comments", "hidden-text": "hidden text", "hidden-paragraph": "hidden text"}
_EDGES = {"header": "header", "header-left": "header", "header-first": "header",
          "footer": "footer", "footer-left": "footer", "footer-first": "footer"}  # fmt: skip


def read(data: bytes, budget: Budget, facts: dict[str, str], inner: Inner) -> Iterator[Section]:
    del inner
    with open_zip(data) as archive:
        names = archive.namelist()
        refuse_encrypted(archive, budget)
        read_properties(archive, budget, facts)
        if "content.xml" not in names:
            raise Damaged("it has no content in it")
        content = read_entry(archive, archive.getinfo("content.xml"), budget)
        styles = read_entry(archive, archive.getinfo("styles.xml"), budget) if "styles.xml" in names else b""
    texts = _Texts()
    slides = 0
    for event in skipping(_SKIPPED, events(content)):
        if event.name == "page" and event.kind is Kind.BEGINS:
            texts.slide_is_hidden = event.attribute("style-name") in texts.hidden_styles
        elif event.name == "page" and event.kind is Kind.ENDS:
            slides += 1
            yield Section(
                SectionKind.SLIDE, f"{slides} (hidden)" if texts.slide_is_hidden else str(slides), texts.taken("")
            )
        else:
            texts.take(event)
    if slides:
        facts["slides"] = str(slides)
    else:
        yield Section(SectionKind.TEXT, "", texts.taken(""))
        yield from _edges(styles)
    for label in ("notes", "comments", "hidden text"):
        yield Section(SectionKind.TEXT, label, texts.taken(label))


def _edges(styles: bytes) -> Iterator[Section]:
    """Headers and footers, which belong to the styles of pages."""
    if not styles:
        return
    texts, inside = _Texts(), ""
    found: dict[str, list[str]] = {}
    for event in skipping(_SKIPPED, events(styles)):
        if event.name in _EDGES and event.kind is not Kind.TEXT:
            inside = _EDGES[event.name] if event.kind is Kind.BEGINS else ""
            if not inside and (text := texts.taken("").strip()):
                found.setdefault(_EDGES[event.name], []).append(text)
        elif inside or event.name in ("style", "text-properties"):
            texts.take(event)
    for label, parts in found.items():
        yield Section(SectionKind.TEXT, label, "\n".join(dict.fromkeys(parts)))


@dataclass(slots=True)
class _Place:
    label: str
    paragraphs: int = 0  # that are open: text stands in these alone


@dataclass(slots=True)
class _Texts:
    """The text, and those beside it. Where text is hidden by its style, it goes to those that are hidden."""

    hidden_styles: set[str] = field(default_factory=set)
    slide_is_hidden: bool = False
    _style: str = ""
    _places: list[_Place] = field(default_factory=lambda: [_Place("")])
    _flows: dict[str, Flow] = field(default_factory=dict)
    _hidden: list[bool] = field(default_factory=list)  # of the paragraphs and spans that are open

    def taken(self, label: str) -> str:
        return self._flow(label).text()

    def _flow(self, label: str) -> Flow:
        return self._flows.setdefault(label, Flow())

    def take(self, event: Event) -> None:
        place = self._places[-1]
        flow = self._flow(place.label)
        match event.name, event.kind:
            case _, Kind.TEXT:
                self._write(event.text)
            case "style", Kind.BEGINS:
                self._style = event.attribute("name")
            case "text-properties", Kind.BEGINS if event.attribute("display") == "none":
                self.hidden_styles.add(self._style)
            case "drawing-page-properties", Kind.BEGINS if event.attribute("visibility") == "hidden":
                self.hidden_styles.add(self._style)
            case "s", Kind.BEGINS:
                self._write(" " * _count(event.attribute("c")))
            case "tab", Kind.BEGINS:
                self._write("\t")
            case "line-break", Kind.BEGINS:
                self._write("\n")
            case name, Kind.BEGINS if name in _BESIDE:
                self._places.append(_Place(_BESIDE[name], paragraphs=int(name.startswith("hidden"))))
            case name, Kind.ENDS if name in _BESIDE and len(self._places) > 1:
                self._places.pop()
            case "p" | "h" | "span", Kind.BEGINS:
                self._hidden.append(event.attribute("style-name") in self.hidden_styles)
                place.paragraphs += event.name != "span"
            case "p" | "h" | "span", Kind.ENDS:
                if self._hidden:
                    self._hidden.pop()
                if event.name != "span":
                    place.paragraphs -= 1
                    flow.end_paragraph()
            case "covered-table-cell", Kind.BEGINS:  # it keeps the columns beneath each other
                flow.begin_cell()
            case "covered-table-cell", Kind.ENDS:
                flow.end_cell()
            case _:
                table_step(flow, event, row="table-row", cell="table-cell")

    def _write(self, text: str) -> None:
        place = self._places[-1]
        if place.paragraphs > 0:
            self._flow("hidden text" if any(self._hidden) else place.label).add(text)


def _count(value: str) -> int:
    """Of blanks that one element stands for."""
    return min(_LARGEST_GAP, int(value)) if value.isdigit() and len(value) < 6 else 1
