"""Going through the XML inside of office files, whose structure is text in paragraphs, cells and rows.

expat, the standard library's parser, refuses what grows by entities out of proportion (from 2.4.1 on). No office format
has a document type, so that one is refused at sight.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from xml.parsers import expat

from mailquery.extraction.interfaces import Damaged

_CHUNK = 64 * 1024


class Kind(Enum):
    BEGINS = auto()
    ENDS = auto()
    TEXT = auto()


@dataclass(frozen=True, slots=True)
class Event:
    """`name` is that of the element, or of the one that a text stands in, without its namespace; `attributes` are by
    their names with the namespace in front, as `{uri}name`."""

    kind: Kind
    name: str
    text: str = ""
    attributes: Mapping[str, str] | None = None

    def attribute(self, name: str) -> str:
        """By its name without namespace; empty where there is none."""
        given = self.attributes or {}
        return next((value for key, value in given.items() if local(key) == name), "")


def local(name: str) -> str:
    return name.rpartition("}")[2]


def events(data: bytes) -> Iterator[Event]:
    """In the order of the file; memory grows with the depth of the elements and not with their number. Raises
    Damaged, after the events of what is well formed."""
    found: list[Event] = []
    inside: list[str] = [""]

    def begin(name: str, attributes: dict[str, str]) -> None:
        inside.append(local(name))
        found.append(Event(Kind.BEGINS, inside[-1], attributes=attributes))

    def end(name: str) -> None:
        found.append(Event(Kind.ENDS, inside.pop()))

    def text(content: str) -> None:
        found.append(Event(Kind.TEXT, inside[-1], content))

    def refuse(*_: object) -> None:
        raise Damaged("its XML has a document type")

    parser = expat.ParserCreate(namespace_separator="}")
    parser.buffer_text = True
    parser.StartElementHandler = begin
    parser.EndElementHandler = end
    parser.CharacterDataHandler = text
    parser.StartDoctypeDeclHandler = refuse
    for start in range(0, max(1, len(data)), _CHUNK):
        try:
            parser.Parse(data[start : start + _CHUNK], start + _CHUNK >= len(data))
        except expat.ExpatError as error:
            yield from found
            raise Damaged("its XML is not well formed") from error
        yield from found
        found.clear()


class Flow:
    """Text as it flows: paragraphs end lines, and within a table, cells are separated by tabs and rows end lines."""

    def __init__(self) -> None:
        self._done: list[str] = []
        self._line: list[str] = []
        self._rows: list[list[str]] = []  # the cells of the rows that are open, the innermost last
        self._cells: list[list[str]] = []  # what is in the cells that are open

    def add(self, text: str) -> None:
        if text:
            self._line.append(text)

    def end_paragraph(self) -> None:
        line = "".join(self._line)
        self._line.clear()
        if self._cells:
            self._cells[-1].append(line.strip())
        else:
            self._done.append(line)

    def begin_row(self) -> None:
        self._flush()
        self._rows.append([])

    def begin_cell(self) -> None:
        self._flush()
        self._cells.append([])

    def end_cell(self) -> None:
        self._flush()
        content = " ".join(part for part in self._cells.pop() if part) if self._cells else ""
        if self._rows:
            self._rows[-1].append(content.replace("\n", " ").replace("\t", " "))

    def end_row(self) -> None:
        row = "\t".join(self._rows.pop()) if self._rows else ""
        if self._cells:
            self._cells[-1].append(row)
        elif row.strip():
            self._done.append(row)

    def _flush(self) -> None:
        if self._line:
            self.end_paragraph()

    def text(self) -> str:
        """All that was added, and a new beginning."""
        self._flush()
        whole = "\n".join(self._done)
        self._done.clear()
        return whole


def skipping(names: frozenset[str], found: Iterator[Event]) -> Iterator[Event]:
    """Without the elements of these names and all that is in them."""
    inside = 0
    for event in found:
        if event.name in names and event.kind is not Kind.TEXT:
            inside += 1 if event.kind is Kind.BEGINS else -1
        elif not inside:
            yield event


Step = Callable[[Flow, Event], None]


def flow_of(data: bytes, step: Step, skipped: frozenset[str] = frozenset()) -> str:
    flow = Flow()
    for event in skipping(skipped, events(data)):
        step(flow, event)
    return flow.text()


def table_step(flow: Flow, event: Event, *, row: str, cell: str) -> None:
    """What rows and cells of these names do."""
    match event.name, event.kind:
        case name, Kind.BEGINS if name == row:
            flow.begin_row()
        case name, Kind.BEGINS if name == cell:
            flow.begin_cell()
        case name, Kind.ENDS if name == cell:
            flow.end_cell()
        case name, Kind.ENDS if name == row:
            flow.end_row()
