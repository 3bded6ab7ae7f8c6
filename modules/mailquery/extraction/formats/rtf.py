"""Rich Text Format (RTF 1.9.1): text, tables, notes, comments, headers and footers.

A small reader of its own: the kept library for it (striprtf) leaves out notes and comments, shows what was deleted, and
marks cells in a way that is not told apart from text.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from mailquery.domain.extraction import Section, SectionKind
from mailquery.extraction.interfaces import Budget, Inner, LimitReached

_MOST_TOKENS = 1_500_000
_DEEPEST = 10_000  # groups inside each other
_TOKEN = re.compile(
    rb"\\(?P<word>[a-zA-Z]{1,32})(?P<number>-?\d{1,10})? ?|\\'(?P<hex>[0-9a-fA-F]{2})|\\(?P<symbol>[^a-zA-Z])"
    rb"|(?P<brace>[{}])|(?P<break>[\r\n\x00]+)|(?P<text>[^\\{}\r\n\x00]+)|\\",
    re.DOTALL,
)
# Where a destination's text goes. "" is the document; what a group says that is not here is left out where it is
# marked as one to be left out (`\*`).
_BESIDE = {
    "footnote": "footnotes",
    "annotation": "comments",
    **dict.fromkeys(("header", "headerl", "headerr", "headerf"), "header"),
    **dict.fromkeys(("footer", "footerl", "footerr", "footerf"), "footer"),
}
_ORDER = ("", "header", "footer", "footnotes", "comments", "hidden text")
_INSIDE = frozenset({"shpinst", "shptxt", "fldrslt", "shp", "nesttableprops", "listtext", "pntext", "background"})
_LEFT_OUT = frozenset(
    {"colortbl", "stylesheet", "pict", "objdata", "fldinst", "sp", "nonshppict", "shppict", "listtable", "private",
     "listoverridetable", "xe", "tc", "rxe", "bkmkstart", "bkmkend", "filetbl", "revtbl", "rsidtbl", "themedata",
     "colorschememapping", "latentstyles", "datastore", "mmathPr", "xmlnstbl", "nonesttables", "atnid", "atnauthor",
     "atndate", "ftnsep", "ftnsepc", "aftnsep", "aftnsepc", "objclass", "objname", "ud"}
)  # fmt: skip
_FACTS = {"title": "title", "author": "author", "operator": "last changed by"}
_CHARACTERS = {
    "tab": "\t", "line": "\n", "lquote": "‘", "rquote": "’", "ldblquote": "“", "rdblquote": "”", "bullet": "•",
    "endash": "–", "emdash": "—", "emspace": " ", "enspace": " ", "qmspace": " ", "zwj": "\u200d", "zwnj": "\u200c",
}  # fmt: skip
_SYMBOLS = {b"~": " ", b"_": "-", b"-": "", b"*": "", b"\t": "\t", b"|": "", b":": ""}
_CHARSETS = {  # of fonts (`\fcharset`), to code pages
    77: 10000, 128: 932, 129: 949, 130: 1361, 134: 936, 136: 950, 161: 1253, 162: 1254, 163: 1258, 177: 1255,
    178: 1256, 186: 1257, 204: 1251, 222: 874, 238: 1250, 254: 437,
}  # fmt: skip
_CODECS = {10000: "mac_roman", 1361: "johab", 936: "gb18030", 65001: "utf-8"}
_SYMBOL_FONT = re.compile("[\uf020-\uf0ff]")  # the bullets of lists


@dataclass(frozen=True, slots=True)
class _Group:
    place: str = ""
    shown: bool = True  # False: a destination that is no text
    hidden: bool = False
    deleted: bool = False
    fallback: int = 1  # how many characters stand behind a Unicode one, for old programs
    page: int = 0  # 0: the document's
    fonts: bool = False
    fact: str = ""


def read(data: bytes, budget: Budget, facts: dict[str, str], inner: Inner) -> Iterator[Section]:
    del budget, inner
    reading = _Reading(data)
    whole = reading.run()
    for name, parts in reading.facts.items():
        if value := "".join(parts).strip():
            facts[name] = value
    for place in _ORDER:
        if text := reading.text(place):
            yield Section(SectionKind.TEXT, place, text)
    if not whole:
        raise LimitReached(f"{_MOST_TOKENS:,} marks, or {_DEEPEST:,} groups inside each other")


class _Reading:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._group = _Group()
        self._outer: list[_Group] = []
        self._page = 1252
        self._fonts: dict[int, int] = {}
        self._font = 0
        self._starred = False
        self._skip = 0  # characters behind a Unicode one that are still to come
        self._bytes = bytearray()  # characters of the code page that are not decoded yet
        self._places: dict[str, _Place] = {}
        self._in_table = False
        self.facts: dict[str, list[str]] = {}

    def text(self, place: str) -> str:
        found = self._places.get(place)
        return found.text() if found is not None else ""

    def run(self) -> bool:
        """False where it is too much."""
        at, end = 0, len(self._data)
        for _ in range(_MOST_TOKENS):
            if at >= end:
                break
            token = _TOKEN.match(self._data, at)
            assert token is not None  # a backslash at the end is one too
            at = token.end()
            kind = token.lastgroup
            if kind == "number" or kind == "word":
                number = token["number"]
                at += self._word(token["word"].decode("ascii"), int(number) if number is not None else None)
            elif kind == "text":
                self._characters(token["text"])
            elif kind == "hex":
                self._characters(bytes((int(token["hex"], 16),)))
            elif kind == "symbol":
                self._symbol(token["symbol"])
            elif kind == "brace" and not self._brace(token["brace"]):
                self._flush()
                return False
        self._flush()
        return at >= end

    def _brace(self, brace: bytes) -> bool:
        self._flush()
        self._skip = 0
        self._starred = False
        if brace == b"{":
            self._outer.append(self._group)
        elif self._outer:
            inner, self._group = self._group, self._outer.pop()
            if inner.place != self._group.place:
                self._place(inner.place).end_line()
        return len(self._outer) <= _DEEPEST

    def _characters(self, found: bytes) -> None:
        if self._skip:
            left = found[self._skip :]
            self._skip -= len(found) - len(left)
            found = left
        if self._group.shown and not self._group.deleted and not self._group.fonts:
            self._bytes += found

    def _flush(self) -> None:
        if self._bytes:
            page = self._group.page or self._page
            codec = _CODECS.get(page, f"cp{page}")
            try:
                text = self._bytes.decode(codec, "replace")
            except LookupError:
                text = self._bytes.decode("cp1252", "replace")
            self._bytes.clear()
            self._write(text)

    def _write(self, text: str) -> None:
        group = self._group
        if group.fact:
            self.facts.setdefault(group.fact, []).append(text)
        elif group.shown and not group.deleted and not group.fonts:
            self._place("hidden text" if group.hidden else group.place).write(text)

    def _place(self, name: str) -> "_Place":
        return self._places.setdefault(name, _Place())

    def _symbol(self, symbol: bytes) -> None:
        if symbol in b"\\{}":
            self._characters(symbol)
        elif symbol == b"*":
            self._starred = True
        elif symbol in b"\r\n":
            self._word("par", None)
        else:
            self._flush()
            self._write(_SYMBOLS.get(symbol, ""))

    def _word(self, word: str, number: int | None) -> int:
        """How many bytes behind it are no RTF."""
        starred, self._starred = self._starred, False
        if word == "u" and number is not None:
            self._flush()
            self._write(chr(number & 0xFFFF))
            self._skip = self._group.fallback
            return 0
        if self._skip:
            self._skip -= 1
            return number or 0 if word == "bin" else 0
        self._flush()
        group = self._group
        match word:
            case "par" | "sect" | "page":
                self._end_paragraph()
            case "cell" | "nestcell":
                self._shown_place().end_cell(nested=word == "nestcell")
            case "row" | "nestrow":
                self._shown_place().end_row(nested=word == "nestrow")
            case "intbl" | "pard":
                self._in_table = word == "intbl"
            case "plain":
                self._group = replace(group, hidden=False, deleted=False, page=0)
            case "v":
                self._group = replace(group, hidden=number != 0)
            case "deleted":
                self._group = replace(group, deleted=number != 0)
            case "uc":
                self._group = replace(group, fallback=min(number or 0, 100))
            case "ansicpg" if number:
                self._page = number
            case "f" if group.fonts:
                self._font = number or 0
            case "fcharset" if group.fonts and number in _CHARSETS:
                self._fonts[self._font] = _CHARSETS[number]
            case "f":
                self._group = replace(group, page=self._fonts.get(number or 0, 0))
            case "bin":
                return max(0, number or 0)
            case _:
                self._other(word, starred=starred)
        return 0

    def _other(self, word: str, *, starred: bool) -> None:
        group = self._group
        if word in _CHARACTERS:
            self._write(_CHARACTERS[word])
        elif word in _BESIDE:
            self._group = replace(group, place=_BESIDE[word])
        elif word == "fonttbl":
            self._group = replace(group, fonts=True)
        elif word in _FACTS and not group.shown:
            self._group = replace(group, shown=True, fact=_FACTS[word])
        elif word in _LEFT_OUT or word == "info" or (starred and word not in _INSIDE):
            self._group = replace(group, shown=False, fact="")

    def _shown_place(self) -> "_Place":
        return self._place(self._group.place) if self._group.shown else _Place()

    def _end_paragraph(self) -> None:
        place = self._shown_place()
        if self._in_table and not self._group.place:
            place.write(" ")
        elif not self._group.deleted:
            place.end_line()


class _Place:
    """Lines, and the row of a table that is open."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._line: list[str] = []
        self._row: list[str] = []

    def write(self, text: str) -> None:
        if text:
            self._line.append(text)

    def _taken(self) -> str:
        text = "".join(self._line)
        self._line.clear()
        return text

    def end_line(self) -> None:
        self._lines.append(self._taken())

    def end_cell(self, *, nested: bool) -> None:
        if nested:
            self.write(" ")
        else:
            self._row.append(" ".join(self._taken().split()))

    def end_row(self, *, nested: bool) -> None:
        if nested:
            self.write(" ")
        elif self._row:
            self._lines.append("\t".join(self._row))
            self._row.clear()

    def text(self) -> str:
        if self._row:
            self.end_row(nested=False)
        if self._line:
            self.end_line()
        whole = "\n".join(self._lines)
        if re.search("[\ud800-\udfff]", whole):
            whole = whole.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        return _SYMBOL_FONT.sub("•", whole).strip("\n")
