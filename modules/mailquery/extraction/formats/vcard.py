"""Contacts (vCard 2.1, 3.0 and 4.0; RFC 6350).

A small reader of its own: the library for it (vobject) reads no 4.0, and gives up on a whole file for one bad line.
"""

import base64
import binascii
import quopri
import re
from collections.abc import Iterator

from mailquery.domain.extraction import Section, SectionKind
from mailquery.extraction.interfaces import Budget, Inner
from mailquery.parsing.charsets import decode, decode_unlabelled

_LINE = re.compile(r"(?:[\w-]+\.)?([\w-]+)((?:;(?:[^:;\"]++|\"[^\"]*+\")*+)*+):(.*)", re.DOTALL)
_LONGEST_LINE = 100_000  # characters
_PARAMETERS = 200  # characters in which a line says how it is written
_NAMES = {
    "FN": "Name",
    "NICKNAME": "Nickname",
    "ORG": "Organization",
    "TITLE": "Title",
    "ROLE": "Role",
    "EMAIL": "Address",
    "TEL": "Telephone",
    "ADR": "Post",
    "URL": "Link",
    "BDAY": "Birthday",
    "NOTE": "Note",
    "IMPP": "Messenger",
}
_KINDS = frozenset({"home", "work", "cell", "mobile", "fax", "main", "other"})
_STRUCTURED = frozenset({"N", "ORG", "ADR"})  # several values, with semicolons between


def read(data: bytes, budget: Budget, facts: dict[str, str], inner: Inner) -> Iterator[Section]:
    del inner
    contacts = 0
    lines: list[str] = []
    label = family = ""
    for name, parameters, value in _properties(decode_unlabelled(data).text):
        match name:
            case "BEGIN":
                lines, label, family = [], "", ""
            case "END":
                budget.entry()
                contacts += 1
                label = label or family
                if label and not any(line.startswith("Name:") for line in lines):
                    lines.insert(0, f"Name: {label}")
                yield Section(SectionKind.CONTACT, label, "\n".join(lines))
            case "N":
                given = value.split("\t")
                family = " ".join(part for part in (*given[1:2], *given[:1]) if part)
            case _ if name in _NAMES and value:
                shown = ", ".join(part for part in value.split("\t") if part)
                label = shown if name == "FN" else label
                kinds = ", ".join(sorted(_KINDS & parameters))
                lines.append(f"{_NAMES[name]}: {shown} ({kinds})" if kinds else f"{_NAMES[name]}: {shown}")
    facts["contacts"] = str(contacts)


def _properties(text: str) -> Iterator[tuple[str, set[str], str]]:
    """(name, the words of its parameters in lower case, value); parts of a structured value have a tab between."""
    for line in _unfolded(text):
        found = _LINE.fullmatch(line[:_LONGEST_LINE])
        if found is None:
            continue
        name = found[1].upper()
        given = found[2].replace('"', "")
        words = {word.lower() for part in given.split(";") for word in re.split(r"[=,]", part) if word}
        yield name, words, _value(name, found[3], given, words)


def _unfolded(text: str) -> Iterator[str]:
    """RFC 6350, section 3.2; a line of 2.1 in quoted-printable goes on after an equals sign too. Of a line that is very
    long, which is a picture, the rest is left out."""
    parts: list[str] = []
    length = 0
    soft = False
    for following in text.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        goes_on = following[:1] in (" ", "\t") and not soft
        if parts and not goes_on and not soft:
            yield "".join(parts)
            parts, length = [], 0
        part = following[1:] if goes_on and parts else following
        in_printable = soft or "QUOTED-PRINTABLE" in part[:_PARAMETERS].upper()
        soft = in_printable and part.endswith("=")
        part = part.removesuffix("=") if soft else part
        if length < _LONGEST_LINE:
            parts.append(part)
            length += len(part) + 1
    if parts:
        yield "".join(parts)


def _value(name: str, value: str, parameters: str, words: set[str]) -> str:
    charset = re.search(r"CHARSET=([\w-]+)", parameters, re.IGNORECASE)
    if "quoted-printable" in words:
        value = _decoded(quopri.decodestring(value.encode("utf-8", "replace")), charset)
    elif "base64" in words or "b" in words:
        try:
            value = _decoded(base64.b64decode(value), charset)
        except (binascii.Error, ValueError):
            return ""
    if name in _STRUCTURED:
        return "\t".join(_unescaped(part) for part in re.split(r"(?<!\\);", value))
    return _unescaped(value)


def _decoded(data: bytes, charset: re.Match[str] | None) -> str:
    return decode(data, charset[1]).text if charset else decode_unlabelled(data).text


def _unescaped(value: str) -> str:
    return re.sub(r"\\(.)", lambda match: "\n" if match[1] in "nN" else match[1], value).replace("\t", " ").strip()
