"""The free words of a query, ready to be looked for and ranked by."""

import sqlite3
from dataclasses import dataclass

from mailquery.domain.queries import Or, Query, Words
from mailquery.domain.relevance import Demand, written
from mailquery.domain.words import phrase
from mailquery.repositories.records import Visibility
from mailquery.repositories.sqlite.compiler import Compiler
from mailquery.repositories.sqlite.nodes import Match, Node, Truth, either
from mailquery.repositories.sqlite.people_index import PeopleIndex
from mailquery.repositories.sqlite.scope import Scope
from mailquery.repositories.sqlite.word_matches import words_match


@dataclass(frozen=True, slots=True)
class FreeWord:
    """A free word of a query (`domain.relevance`), ready to be looked for. `exactly` is the same without its other
    forms; None where it has none."""

    written: str
    anyhow: Match
    exactly: Match | None


@dataclass(frozen=True, slots=True)
class FreeWords:
    """Those of a demand's free words that an index can find, with its alternatives."""

    words: tuple[FreeWord, ...]
    alternatives: tuple[tuple[int, ...], ...]
    unranked: tuple[FreeWord, ...] = ()
    of_demand: int = 0  # how many the demand has, with those that no index can find


def compile_words(connection: sqlite3.Connection, demand: Demand, people: PeopleIndex) -> FreeWords:
    compiler = Compiler(connection, Scope(connection, Visibility()), people)
    found = {place: word for place, query in enumerate(demand.words) if (word := _free(compiler, query)) is not None}
    places = {place: at for at, place in enumerate(found)}
    alternatives = [tuple(places[place] for place in each if place in places) for each in demand.alternatives]
    unranked = (_free(compiler, query) for query in demand.unranked)
    return FreeWords(
        tuple(found.values()),
        tuple(alternative for alternative in alternatives if alternative),
        tuple(word for word in unranked if word is not None),
        len(demand.words) + len(demand.unranked),
    )


def _free(compiler: Compiler, word: Query) -> FreeWord | None:
    anyhow, exactly = compiler.node(word), _exactly(word, attached=compiler.finds_attached)
    if not isinstance(anyhow, Match):
        return None
    differs = exactly if isinstance(exactly, Match) and exactly != anyhow else None
    return FreeWord(written(word), anyhow, differs)


def _exactly(word: Query, *, attached: bool) -> Node:
    match word:
        case Words(text, field, prefix):
            found = phrase(text, prefix=prefix)
            return Truth(False) if found is None else words_match(field, [found], attached=attached)
        case Or(parts):
            return either(_exactly(part, attached=attached) for part in parts)
        case _:
            raise TypeError(f"no free word: {word!r}")
