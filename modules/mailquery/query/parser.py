"""Reads the search language: Gmail's, completed.

    query       = either
    either      = all { "OR" all }
    all         = negated { [ "AND" ] negated }
    negated     = { "NOT" | "-" } term
    term        = word [ "*" ] | quotation [ "*" ] | "(" either ")" | "{" alternatives "}" | field ":" value
    value       = word | quotation | "(" either ")" | "{" alternatives "}"
    alternatives = all-with-AND { [ "OR" ] all-with-AND }

NOT binds closest, then AND, which is implied between terms, then OR. Operators are in upper case. Whatever is no part
of this is text: nothing is dropped without a note, and what cannot be meant is an error that points at it.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from mailquery.domain.ourselves import Ourselves
from mailquery.domain.queries import And, Everything, Not, Or, Query, TextField, Words, all_of, any_of
from mailquery.domain.words import has_word
from mailquery.query import values
from mailquery.query.lexer import FieldName, Symbol, Token, tokens
from mailquery.query.reading import Reading, Value
from mailquery.query.spaced_numbers import conjunction

MAX_CHARACTERS = 2000
MAX_NESTING = 50
MAX_TERMS = 200
_SUGGESTED = 60  # characters of a suggestion at most

# Control characters, the marks of writing direction, and halves of surrogate pairs, none of which anyone types.
_UNTYPED = re.compile("[\x00-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class ParsedQuery:
    """A query that was understood.

    `free_words` are the words and phrases to show in an answer, as written: in quotation marks where they must stand
    exactly so, `word*` where the word may go on; what the query excludes is not among them. `has_free_terms` is whether
    there is anything to rank by. `notes` say what was read otherwise than it might have been meant.
    """

    tree: Query
    free_words: tuple[str, ...]
    has_free_terms: bool
    notes: tuple[str, ...]


def parse(text: str, *, zone: ZoneInfo, now: datetime, me: Callable[[], Ourselves] | None = None) -> ParsedQuery:
    """The tree of a query of at most 2,000 characters; a blank one is everything. `now` is aware. `me` is asked where
    the query says `from:me` and the like; what it raises is passed on.

    Raises `Fault(QUERY_SYNTAX)` with `details` as `query.errors.syntax_fault` describes them.
    """
    source = _SURROGATE.sub("\ufffd", _UNTYPED.sub(" ", text))
    reading = Reading(source, zone, now, me)
    if len(source) > MAX_CHARACTERS:
        raise reading.fault(
            MAX_CHARACTERS, f"A query has at most {MAX_CHARACTERS:,} characters, and this one has {len(source):,}"
        )
    tree = _Parser(reading).parse()
    words = dict.fromkeys(_shown(tree))
    return ParsedQuery(tree, tuple(words), _has_free_term(tree), tuple(reading.notes))


class _Parser:
    """One reading of one query. A part that is left out (a word with no letter or digit) is None."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._tokens = list(tokens(reading))
        self._at = 0
        self._depth = 0
        self._terms = 0
        self._open: list[str] = []  # what closes the brackets around the place, the innermost last
        self._field: FieldName | None = None
        self._left_out: list[Value] = []

    def parse(self) -> Query:
        if self._follows(Symbol.END):
            return Everything()
        tree = self._either()
        if not self._follows(Symbol.END):
            raise self._unexpected_close()
        if tree is None:
            word = self._left_out[0]
            raise self._reading.fault(
                word.start,
                f'"{word.text}" has no letter or digit to look for',
                expected=("a word, or a field such as from:",),
            )
        for word in self._left_out:
            self._reading.note(f'"{word.text}" has no letter or digit and is left out')
        if any(self._is_lower_or(at) for at in range(1, len(self._tokens) - 1)):
            self._reading.note('"or" is read as a word; in upper case, OR means either')
        return tree

    def _is_lower_or(self, at: int) -> bool:
        """Whether the token is `or` between two terms."""
        before, token, after = (self._tokens[place].what for place in (at - 1, at, at + 1))
        return (
            isinstance(token, Value)
            and token.text == "or"
            and not token.quoted
            and (isinstance(before, Value) or before in (Symbol.CLOSE, Symbol.CLOSE_ANY))
            and (isinstance(after, Value | FieldName) or after in (Symbol.OPEN, Symbol.OPEN_ANY))
        )

    @property
    def _next(self) -> Token:
        return self._tokens[self._at]

    def _follows(self, symbol: Symbol) -> bool:
        return self._next.what is symbol

    def _take(self) -> Token:
        token = self._tokens[self._at]
        self._at += 1
        return token

    def _either(self) -> Query | None:
        parts = [self._all()]
        while self._next.what is Symbol.OR:
            self._take()
            parts.append(self._all())
        return _joined(parts, any_of)

    def _all(self) -> Query | None:
        parts = [self._negated()]
        while not isinstance(what := self._next.what, Symbol) or what not in (
            Symbol.OR,
            Symbol.CLOSE,
            Symbol.CLOSE_ANY,
            Symbol.END,
        ):
            if what is Symbol.AND:
                self._take()
            parts.append(self._negated())
        return _joined(parts, conjunction)

    def _alternatives(self) -> Query | None:
        parts = []
        while True:
            alternative = [self._negated()]
            while self._next.what is Symbol.AND:
                self._take()
                alternative.append(self._negated())
            parts.append(_joined(alternative, all_of))
            if self._next.what is Symbol.OR:
                self._take()
            elif self._next.what in (Symbol.CLOSE, Symbol.CLOSE_ANY, Symbol.END):
                return _joined(parts, any_of)

    def _negated(self) -> Query | None:
        if self._next.what is not Symbol.NOT:
            return self._term()
        token = self._take()
        self._descend(token)
        part = self._negated()
        self._depth -= 1
        return None if part is None else Not(part)

    def _term(self) -> Query | None:
        token = self._next
        match token.what:
            case Symbol.OPEN | Symbol.OPEN_ANY:
                return self._group()
            case FieldName():
                return self._of_field()
            case Value() as value:
                self._take()
                return self._leaf(value)
            case _:
                raise self._missing_term()

    def _group(self) -> Query | None:
        opening = self._take()
        self._descend(opening)
        any_group = opening.what is Symbol.OPEN_ANY
        closing = Symbol.CLOSE_ANY if any_group else Symbol.CLOSE
        if self._next.what is closing:
            raise self._reading.fault(opening.start, "There is nothing between the brackets", expected=("a term",))
        self._open.append(closing.value)
        part = self._alternatives() if any_group else self._either()
        if self._next.what is Symbol.END:
            text = self._reading.source[opening.start :].rstrip()
            raise self._reading.fault(
                opening.start,
                "The bracket that opens here is not closed",
                expected=(closing.value,),
                did_you_mean=f"{text}{closing.value}" if len(text) <= _SUGGESTED else "",
            )
        if self._next.what is not closing:
            raise self._unexpected_close()
        self._take()
        self._open.pop()
        self._depth -= 1
        return part

    def _of_field(self) -> Query | None:
        token = self._take()
        assert isinstance(token.what, FieldName)
        written = token.what.written
        if self._field is not None:
            raise self._reading.fault(
                token.start,
                f"{written}: cannot stand inside the brackets of {self._field.written}:",
                expected=(f"values of {self._field.written}:, and {written}: outside its brackets",),
            )
        following = self._next
        if not (isinstance(following.what, Value) or following.what in (Symbol.OPEN, Symbol.OPEN_ANY)):
            raise self._reading.fault(
                token.end, f"{written}: has no value", expected=(f"such as {token.what.field.example}",)
            )
        if following.start > token.end:
            self._reading.note(f"the space after {written}: is left out")
        self._field = token.what
        part = self._term()
        self._field = None
        return part

    def _leaf(self, value: Value) -> Query | None:
        self._terms += 1
        if self._terms > MAX_TERMS:
            raise self._reading.fault(value.start, f"A query has at most {MAX_TERMS} terms")
        if self._field is not None:
            return self._field.field.read(value, self._reading)
        if not has_word(value.text):
            self._left_out.append(value)
            return None
        values.note_star_inside(value, self._reading)
        return Words(value.text, prefix=value.prefix, quoted=value.quoted)

    def _descend(self, token: Token) -> None:
        self._depth += 1
        if self._depth > MAX_NESTING:
            raise self._reading.fault(token.start, f"A query is nested at most {MAX_NESTING} deep")

    def _missing_term(self) -> Exception:
        found = self._next
        assert isinstance(found.what, Symbol)
        before = self._tokens[self._at - 1] if self._at else None
        if before is not None and isinstance(before.what, Symbol):
            name = self._reading.source[before.start : before.end]
            return self._reading.fault(
                found.start, f"{name} is followed by {found.what.value}", expected=("a term", *_as_text(name))
            )
        if found.what in (Symbol.CLOSE, Symbol.CLOSE_ANY):
            return self._unexpected_close()
        return self._reading.fault(
            found.start,
            f"{found.what.value} has no term before it",
            expected=("a term", *_as_text(found.what.value)),
        )

    def _unexpected_close(self) -> Exception:
        found = self._next
        assert isinstance(found.what, Symbol)
        return self._reading.fault(
            found.start,
            f"{found.what.value} closes nothing that is open; as text it stands in quotation marks",
            expected=("a term, or the end of the query",) if not self._open else (self._open[-1],),
        )


def _as_text(operator: str) -> tuple[str, ...]:
    """How an operator that is a word is looked for."""
    return (f'"{operator}" as text: "{operator.lower()}"',) if operator.isalpha() else ()


def _joined(parts: list[Query | None], join: Callable[..., Query]) -> Query | None:
    kept = [part for part in parts if part is not None]
    return join(*kept) if kept else None


def _shown(tree: Query) -> Iterator[str]:
    match tree:
        case Words(text, field, prefix, quoted) if field not in (TextField.FILENAME, TextField.ATTACHMENT):
            written = f'"{text}"' if quoted else text
            yield f"{written}*" if prefix else written
        case And(parts) | Or(parts):
            for part in parts:
                yield from _shown(part)
        case _:
            pass


def _has_free_term(tree: Query) -> bool:
    match tree:
        case Words(field=TextField.ANY):
            return True
        case And(parts) | Or(parts):
            return any(_has_free_term(part) for part in parts)
        case _:
            return False
