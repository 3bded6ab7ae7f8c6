"""Word documents (ECMA-376, WordprocessingML): the text, notes, comments, headers and footers.

A small reader of its own: the kept libraries build the whole document in memory several times over, and leave out text
boxes or notes.
"""

import re
from collections.abc import Iterator

from mailquery.domain.extraction import Section, SectionKind
from mailquery.extraction.compressed import open_zip, read_entry
from mailquery.extraction.interfaces import Budget, Damaged, Inner
from mailquery.extraction.markup import Event, Flow, Kind, flow_of, table_step
from mailquery.extraction.office import read_properties

# What stands beside the text, in this order.
_BESIDE = (
    ("header", re.compile(r"word/header\d*\.xml")),
    ("footer", re.compile(r"word/footer\d*\.xml")),
    ("footnotes", re.compile(r"word/footnotes\.xml")),
    ("endnotes", re.compile(r"word/endnotes\.xml")),
    ("comments", re.compile(r"word/comments\.xml")),
)
# A text box is written twice, for old programs too; what was deleted is kept where changes are tracked.
_SKIPPED = frozenset({"Fallback", "del", "moveFrom"})
_MOST_COLUMNS = 63  # of a table in Word
_CHARACTERS = {"tab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-"}


def read(data: bytes, budget: Budget, facts: dict[str, str], inner: Inner) -> Iterator[Section]:
    del inner
    with open_zip(data) as archive:
        read_properties(archive, budget, facts)
        names = archive.namelist()
        main = next((name for name in ("word/document.xml", "word/document2.xml") if name in names), None)
        if main is None:
            raise Damaged("it has no document in it")
        runs = _Runs()
        yield Section(SectionKind.TEXT, "", flow_of(read_entry(archive, archive.getinfo(main), budget), runs, _SKIPPED))
        for label, pattern in _BESIDE:
            for name in filter(pattern.fullmatch, names):
                content = read_entry(archive, archive.getinfo(name), budget)
                yield Section(SectionKind.TEXT, label, flow_of(content, runs, _SKIPPED))
        yield Section(SectionKind.TEXT, "hidden text", "\n".join(runs.hidden))


class _Runs:
    """A run is a stretch of text with one format; those that are set to be hidden are kept apart. They lie in each
    other where one holds a text box."""

    def __init__(self) -> None:
        self.hidden: list[str] = []
        self._spans: list[int] = []  # columns of the cells that are open
        self._open: list[list[str]] = []
        self._hidden: list[bool] = []

    def __call__(self, flow: Flow, event: Event) -> None:
        match event.name, event.kind:
            case "r", Kind.BEGINS:
                self._open.append([])
                self._hidden.append(False)
            case "r", Kind.ENDS if self._open:
                text = "".join(self._open.pop())
                if not self._hidden.pop():
                    flow.add(text)
                elif text.strip():
                    self.hidden.append(text)
            case "vanish", Kind.BEGINS if self._open:
                self._hidden[-1] = event.attribute("val") not in ("0", "false")
            case "p", Kind.ENDS:
                flow.end_paragraph()
            case "t", Kind.TEXT if self._open:
                self._open[-1].append(event.text)
            case _, Kind.BEGINS if self._open and event.name in _CHARACTERS:
                self._open[-1].append(_CHARACTERS[event.name])
            case "sym", Kind.BEGINS if self._open:
                self._open[-1].append(_symbol(event.attribute("char")))
            case "gridSpan", Kind.BEGINS if self._spans:
                self._spans[-1] = _columns(event.attribute("val"))
            case _:
                table_step(flow, event, row="tr", cell="tc")
                if event.name == "tc":
                    self._span(flow, event)

    def _span(self, flow: Flow, event: Event) -> None:
        """A cell over several columns is followed by empty ones, so that columns stay beneath each other."""
        if event.kind is Kind.BEGINS:
            self._spans.append(1)
        elif event.kind is Kind.ENDS and self._spans:
            for _ in range(self._spans.pop() - 1):
                flow.begin_cell()
                flow.end_cell()


def _columns(value: str) -> int:
    return min(int(value), _MOST_COLUMNS) if value.isdigit() and len(value) < 6 else 1


def _symbol(code: str) -> str:
    try:
        return chr(int(code, 16))
    except (ValueError, OverflowError):
        return ""
