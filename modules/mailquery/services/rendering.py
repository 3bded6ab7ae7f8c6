"""The sections of an extraction as one run of text, with marks between them, and those of them that are asked for."""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from mailquery.domain.extraction import Section, SectionKind
from mcpkit.errors import ErrorCode, Fault

_CALLED = {SectionKind.ENTRY: "file", SectionKind.TEXT: "part"}
_RANGE = re.compile(r"([0-9]{1,7})(?:\s*-\s*([0-9]{1,7}))?")


def name_of(section: Section) -> str:
    """As it stands in its mark: `page 3`, `sheet Budget`, `file notes/a.txt`. The label is the sender's."""
    called = _CALLED.get(section.kind, section.kind.value)
    return f"{called} {section.label}" if section.label else called


def text_of(sections: Sequence[Section]) -> str:
    """A line such as `--- page 3 ---` stands before each section; before the only text there is, none does."""
    pieces: list[str] = []
    before: Section | None = None
    for section in sections:
        if _is_marked(section, before):
            pieces.append(f"--- {name_of(section)} ---")
        if section.text:
            pieces.append(section.text)
        before = section
    return "\n".join(pieces)


def _is_marked(section: Section, before: Section | None) -> bool:
    """The text of a file stands right below the line that names it, and what has no name follows without a mark."""
    if section.kind is SectionKind.TEXT:
        of_entry = before is not None and before.kind is SectionKind.ENTRY and before.label == section.label
        return bool(section.label) and not of_entry
    return True


def choose(sections: Sequence[Section], wanted: str) -> list[Section]:
    """Those that `wanted` names: `3`, `3-5`, `1,4-6`, or the name of a sheet or of a file, with all that is inside it.
    Where the sections have names, numbers count them.

    Raises `VALIDATION_ERROR`, which says how many there are, and nothing of their names.
    """
    wanted = wanted.strip()
    if not wanted:
        return list(sections)
    named = _by_name(sections, wanted)
    if named:
        return named
    units = list(_units(sections))
    found: list[Section] = []
    for part in wanted.split(","):
        chosen = _by_number(units, part.strip()) or _by_name(sections, part.strip())
        if not chosen:
            raise _unknown(units)
        found += [each for each in chosen if each not in found]
    return found


def _by_name(sections: Sequence[Section], wanted: str) -> list[Section]:
    wanted = wanted.casefold()
    exact = [each for each in sections if each.label.casefold() == wanted or name_of(each).casefold() == wanted]
    inside = f"{wanted}/"
    return [each for each in sections if each in exact or each.label.casefold().startswith(inside)] if exact else []


def _by_number(units: Sequence[tuple[int, list[Section]]], part: str) -> list[Section]:
    found = _RANGE.fullmatch(part)
    if found is None:
        return []
    first, last = int(found[1]), int(found[2] or found[1])
    return [section for number, unit in units if first <= number <= last for section in unit]


def _units(sections: Sequence[Section]) -> Iterator[tuple[int, list[Section]]]:
    """What the attachment itself consists of, each with its number and with what lies inside of it."""
    tops = [index for index, each in enumerate(sections) if each.depth == 0]
    numbered = all(sections[index].label.isdecimal() for index in tops)
    for count, (start, end) in enumerate(pairwise([*tops, len(sections)]), start=1):
        yield int(sections[start].label) if numbered else count, list(sections[start:end])


def _unknown(units: Sequence[tuple[int, list[Section]]]) -> Fault:
    if not units:
        known = "This attachment has no text."
    else:
        kind = units[0][1][0].kind
        what = f"{_CALLED.get(kind, kind.value)}s"
        known = f"It has text in {len(units):,} {what}, numbered {units[0][0]} to {units[-1][0]}."
    return Fault(
        ErrorCode.VALIDATION_ERROR,
        f"`pages` names nothing in this attachment. {known} Give numbers such as 3 or 3-5, or a name as the marks in "
        "the text have it.",
        details={"argument": "pages", "count": len(units)},
    )


def sensible_end(text: str, most: int) -> int:
    """Where a window of at most `most` characters ends: behind a line, else a word, where one ends near enough."""
    if most >= len(text):
        return len(text)
    line = text.rfind("\n", 0, most) + 1
    if line > 0.8 * most:
        return line
    word = text.rfind(" ", 0, most) + 1
    return word if word > 0.9 * most else max(0, most)
