"""Cuts a query into tokens.

Words end at white space, brackets and quotation marks. The full-width and typographic forms that keyboards and word
processors make of brackets, quotation marks, colon, asterisk and minus count as the plain ones.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from mailquery.query import fields
from mailquery.query.reading import Reading, Value


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


def tokens(reading: Reading) -> Iterator[Token]:
    """The tokens of `reading.source`, an END last. Raises the fault of an unclosed quotation or a misspelt field."""
    source = reading.source
    at = 0
    after_field = False  # what touches a field's colon is its value, whatever it looks like
    while at < len(source):
        character = source[at]
        if character.isspace():
            at += 1
            after_field = False
            continue
        if character in _CLOSING and (token := _quotation(reading, at)) is not None:
            pass
        elif character in _BRACKETS and not (source.startswith("()", at)):
            token = Token(_BRACKETS[character], at, at + 1)
        else:
            token = _word(reading, at, is_value=after_field)
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
        if source[start] in _MUST_CLOSE:
            raise reading.fault(start, f"The quotation that begins with {source[start]} here is not closed")
        return None
    end = at + 1
    prefix = source[end : end + 1] in tuple(_STARS)
    return Token(Value("".join(text), start, quoted=True, prefix=prefix), start, end + prefix)


def _word(reading: Reading, start: int, *, is_value: bool) -> Token:
    source = reading.source
    match = _WORD.match(source, start)
    end = match.end() if match else start + 1  # an opening quotation mark that is text
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
        value = source[match.end() : end]
        raise reading.fault(
            start,
            f'"{name}:" is no field; to look for the text, write it in quotation marks',
            did_you_mean=f"{guess}:{value}",
        )
    reading.note(f'"{source[start:end]}" is read as text: "{name}" is no field' + (f", {guess}: is" if guess else ""))
    return None
