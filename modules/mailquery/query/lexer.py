"""Cuts a query into tokens.

Words end at white space, brackets and quotation marks. The full-width and typographic forms that keyboards and word
processors make of brackets, quotation marks, colon, asterisk and minus count as the plain ones.

Marks that ordinary text has, and that are no part of the language there, are text: the inches of a 5" disk, the
brackets of :) and of 1), a quotation mark alone.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from mailquery.domain.words import has_word
from mailquery.query import fields
from mailquery.query.reading import Reading, Value
from mcpkit.errors import Fault


class Symbol(Enum):
    """The tokens without a value; the names are what error messages call them."""

    OPEN = "("
    CLOSE = ")"
    OPEN_ANY = "{"
    CLOSE_ANY = "}"
    AND = "AND"
    OR = "OR"
    NOT = "NOT"
    END = "the end of the query"


@dataclass(frozen=True, slots=True)
class FieldName:
    """A field's name and its colon; `written` is as the user wrote it."""

    field: fields.Field
    written: str


@dataclass(frozen=True, slots=True)
class Token:
    """[start, end) in characters of the query."""

    what: Symbol | FieldName | Value
    start: int
    end: int


_BRACKETS = {
    **dict.fromkeys("(（", Symbol.OPEN),
    **dict.fromkeys(")）", Symbol.CLOSE),
    **dict.fromkeys("{｛", Symbol.OPEN_ANY),
    **dict.fromkeys("}｝", Symbol.CLOSE_ANY),
}
_OPERATORS = {"AND": Symbol.AND, "OR": Symbol.OR, "NOT": Symbol.NOT}
_CLOSERS = ")）}｝"
_MINUS = "-－−"
_STARS = "*＊"

# What closes a quotation, by what opens it.
_STRAIGHT, _CURLY = '"＂', "“”„‟"
_CLOSING = {
    **dict.fromkeys(_STRAIGHT, _STRAIGHT),
    **dict.fromkeys(_CURLY, _CURLY),
    "「": "」",
    "『": "』",
    "«": "»",
}
_MUST_CLOSE = _STRAIGHT + _CURLY  # the others are text where nothing closes them

# "()" is text, as in "main()".
_WORD = re.compile(r"(?:\(\)|[^\s(){}（）｛｝\"＂“”„‟「『«])+")
_FIELD = re.compile(r"([A-Za-z][A-Za-z0-9_-]*)[:：]")
_SMILEY = re.compile(r"[:;=]['’]?-?[()]+(?!\S)")
_SMILEY_AT_END = re.compile(r"[^:;=]*[:;=]-?")
_NUMBERING = re.compile(r"\d{1,2}")
# What stands behind a mark for inches, where a quotation would begin with its first word.
_BEHIND_INCHES = re.compile(r"$|[\s,.;:!?/×)}）｝-]|[xX]\s*\d")
_VALUE = re.compile(r'"[^"]*"|\([^()]*\)|\{[^{}]*\}')
_SUGGESTED = 60  # characters of a suggestion at most


def tokens(reading: Reading) -> Iterator[Token]:
    """The tokens of `reading.source`, an END last. Raises the fault of an unclosed quotation or a misspelt field."""
    source = reading.source
    at = 0
    depth = 0  # of round brackets
    after_field = False  # what touches a field's colon is its value, whatever it looks like
    while at < len(source):
        character = source[at]
        if character.isspace():
            at += 1
            after_field = False
            continue
        if character in _CLOSING and (token := _quotation(reading, at)) is not None:
            pass
        elif not after_field and (smiley := _smiley(source, at, depth)) is not None:
            token = Token(Value(smiley, at), at, at + len(smiley))
        elif character in _BRACKETS and not (source.startswith("()", at)):
            token = Token(_BRACKETS[character], at, at + 1)
            depth = max(0, depth + {Symbol.OPEN: 1, Symbol.CLOSE: -1}.get(_BRACKETS[character], 0))
        else:
            token = _word(reading, at, depth, is_value=after_field)
        yield token
        at = token.end
        after_field = isinstance(token.what, FieldName)
    yield Token(Symbol.END, len(source), len(source))


def _quotation(reading: Reading, start: int) -> Token | None:
    source = reading.source
    closing = _CLOSING[source[start]]
    text: list[str] = []
    at = start + 1
    while at < len(source) and source[at] not in closing:
        if source[at] == "\\" and source[at + 1 : at + 2] in ("\\", source[start]):
            at += 1
        text.append(source[at])
        at += 1
    if at == len(source):
        if source[start] in _MUST_CLOSE and not _stands_alone(source, start):
            raise _unclosed(reading, start)
        return None
    end = at + 1
    prefix = source[end : end + 1] in tuple(_STARS)
    return Token(Value("".join(text), start, quoted=True, prefix=prefix), start, end + prefix)


def _stands_alone(source: str, at: int) -> bool:
    return not source[at - 1 : at].strip() and not source[at + 1 : at + 2].strip()


def _unclosed(reading: Reading, start: int) -> Fault:
    source, mark = reading.source, reading.source[start]
    closing = {"“": "”", "„": "“"}.get(mark, mark)
    rest = source[start + 1 :].strip()
    before = re.split(r"[\s:：]+", source[:start])[-1]
    guess = f"{mark}{rest}{closing}" if rest else f"{mark}{before}{closing}" if has_word(before) else ""
    return reading.fault(
        start,
        f"The quotation that begins with {mark} here is not closed",
        expected=(f"{closing} at its end",),
        did_you_mean=guess if len(guess) <= _SUGGESTED else "",
    )


def _smiley(source: str, at: int, depth: int) -> str | None:
    """A face at the beginning of a word. Inside brackets :) closes them."""
    match = _SMILEY.match(source, at)
    return None if match is None or (depth and ")" in match[0]) or source[at - 1 : at].strip() else match[0]


def _with_marks(source: str, start: int, end: int, depth: int) -> int:
    """Where the word [start, end) ends, with the marks behind it that are text: 5" and 1) and thanks:)"""
    while source[end : end + 1] and source[end] in _MUST_CLOSE and source[end - 1].isdigit():
        closes = any(mark in source[end + 1 :] for mark in _CLOSING[source[end]])
        if closes and not _BEHIND_INCHES.match(source, end + 1):
            break
        end += 1
        match = _WORD.match(source, end)
        end = match.end() if match else end
    word = source[start:end]
    if depth == 0 and source[end : end + 1] == ")" and not source[end + 1 : end + 2].strip():
        if _NUMBERING.fullmatch(word):
            return end + 1
        if _SMILEY_AT_END.fullmatch(word) and fields.find(word.rstrip(":")) is None:
            return end + 1
    return end


def _word(reading: Reading, start: int, depth: int, *, is_value: bool) -> Token:
    source = reading.source
    match = _WORD.match(source, start)
    end = match.end() if match else start + 1  # an opening quotation mark that is text
    if (marked := _with_marks(source, start, end, depth)) != end:
        end = marked
        reading.note(f"{source[start:end]} is read as text, with its marks")
    word = source[start:end]
    if not is_value:
        if word in _OPERATORS:
            return Token(_OPERATORS[word], start, end)
        if word[0] in _MINUS and _may_be_negated(source, start + 1):
            return Token(Symbol.NOT, start, start + 1)
        if (field := _field(reading, start, end)) is not None:
            return field
    text = word.rstrip(_STARS)
    return Token(Value(text or word, start, prefix=text not in ("", word)), start, end)


def _may_be_negated(source: str, at: int) -> bool:
    """A minus that stands alone, or before another one (`--verbose`), is text."""
    following = source[at : at + 1]
    return bool(following) and not following.isspace() and following not in f"{_MINUS}{_CLOSERS}>"


def _field(reading: Reading, start: int, end: int) -> Token | None:
    source = reading.source
    match = _FIELD.match(source, start, end)
    if match is None:
        return None
    name = match[1]
    if (field := fields.find(name)) is not None:
        return Token(FieldName(field, name), start, match.end())
    if source.startswith("//", match.end()):
        return None  # an address on the web
    guess = fields.resembling(name)
    following = source[match.end() : match.end() + 1]
    if guess and following and not following.isspace() and following not in _CLOSERS:
        whole = _VALUE.match(source, match.end())
        value = whole[0] if whole else source[match.end() : end]
        raise reading.fault(
            start,
            f'"{name}:" is no field; to look for the text, write it in quotation marks',
            did_you_mean=f"{guess}:{value}" if len(value) <= _SUGGESTED else f"{guess}:",
        )
    reading.note(f'"{source[start:end]}" is read as text: "{name}" is no field' + (f", {guess}: is" if guess else ""))
    return None
