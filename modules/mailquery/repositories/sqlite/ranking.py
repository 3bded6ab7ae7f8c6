"""The messages that answer a query best: those that match, and with them those that lack some of its words.

Candidates come from three places: the newest matches; the messages that have some of the rarer words, by BM25; those
nearest in meaning. Of each it is found out which of the words it has, and `domain.relevance` puts them in order. Every
step is bounded, however large the archive is.
"""

import math
import sqlite3
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass

from mailquery.domain.relevance import Evidence, Weights, score
from mailquery.repositories.records import QueryVector, Standing
from mailquery.repositories.sqlite.free_words import FreeWord, FreeWords
from mailquery.repositories.sqlite.nodes import Condition, Match, either
from mailquery.repositories.sqlite.scope import ids
from mailquery.repositories.sqlite.selection import Selection
from mailquery.repositories.sqlite.vectors.nearest import NearestVectors

RANKED = 1_000  # the newest matches that are looked at
NEAR = 20  # messages that lack words, of all those that are looked at
_FEW = 10  # matches; where there are as many as that, what lacks words stands behind them
_PARTIAL = 60  # candidates with some of the words
_SIMILAR = 60  # candidates by meaning
_READ_FOR_PARTIAL = 10_000  # messages with some of the words at most whose BM25 is computed
_COUNTED = 10_000  # messages that have a word: more of them are estimated
_SAMPLED = 4_000  # the newest messages, from which that is done
_WALKED_PER_ROW = 50  # messages that have a word: with more for each candidate it is quicker to look candidates up
_FETCHED_PER_ROW = 3  # so many are all handed on, and looked through here
_DISTANT = 0.2  # the cosine below which nothing is near in meaning
_STEM_COVERS = 0.8  # a word in another form than the one that was typed
_YEAR = 365.25 * 86_400  # seconds
_NOT_REMOVED = "rowid NOT IN (SELECT id FROM removed)"
_BETWEEN = "FROM search WHERE search MATCH ? AND rowid BETWEEN ? AND ?"


@dataclass(frozen=True, slots=True)
class Ranking:
    """Row ids, best first. `matches` of them have every word; `cut` is whether there are older matches that were not
    looked at."""

    rows: tuple[int, ...]
    missing: dict[int, tuple[str, ...]]  # the words that the other rows lack
    has_none: Set[int]
    similar: dict[int, float]
    matches: int
    oldest_match: int | None
    cut: bool

    @property
    def near(self) -> int:
        return len(self.rows) - self.matches

    def standing(self, row: int) -> Standing:
        """Made for the rows of a page: a ranking has a thousand."""
        return Standing(
            missing=self.missing.get(row, ()), has_none=row in self.has_none, similarity=self.similar.get(row)
        )


@dataclass(frozen=True, slots=True)
class Ranked:
    """`every` selects what matches, `required` what must hold in any case; `free` are the free words."""

    every: Selection
    required: Selection
    free: FreeWords


class Ranker:
    def __init__(self, weights: Weights, vectors: NearestVectors) -> None:
        self._weights = weights
        self._vectors = vectors
        w = weights
        # The index's columns: subject, people, body, quoted, filenames, meta, attached.
        places = (w.subject, w.participants, w.body, w.quoted, w.attachments, 0.0, w.attached)
        self._bm25 = f"bm25(search, {', '.join(f'{place:g}' for place in places)})"

    def rank(self, connection: sqlite3.Connection, asked: Ranked, vector: QueryVector | None) -> Ranking:
        matches = self._matches(connection, asked.every)
        cut = len(matches) > RANKED
        if cut:
            del matches[min(matches)]
        # A single word is weighed against no other one.
        of = _Frequency.of if len(asked.free.words) > 1 else _Frequency.alone
        words = [of(connection, word) for word in asked.free.words]
        texts = dict(matches)
        similar: dict[int, float] = {}
        if words:
            if len(words) > 1 and not cut:  # a single word is there or not, and of plenty nobody needs what lacks some
                texts = self._partial(connection, asked, words) | texts
            if vector is not None:
                similar = self._similar(connection, asked.required, vector, list(texts))
                texts |= dict.fromkeys((row for row in similar if row not in texts), 0.0)
        held = _Held.of(connection, words, asked.free, matches.keys(), list(texts), cut=cut)
        return self._in_order(held, matches, texts, similar, cut)

    def _matches(self, connection: sqlite3.Connection, selection: Selection) -> dict[int, float]:
        """The newest matches, one more than are ranked, with their BM25: more is better."""
        if selection.empty:
            return {}
        sql, parameters = selection.sql(f"{{row}}, -{self._bm25}", tail="ORDER BY {row} DESC LIMIT ?")
        return dict(connection.execute(sql, (*parameters, RANKED + 1)).fetchall())

    def _partial(
        self, connection: sqlite3.Connection, asked: Ranked, words: Sequence["_Frequency"]
    ) -> dict[int, float]:
        """The best messages with some of the words: of the rarest, as far as they are few enough to look at."""
        chosen: list[Match] = []
        room = _READ_FOR_PARTIAL
        for word in sorted(words, key=lambda word: word.messages):
            if chosen and word.messages > room:
                break
            chosen.append(word.word.anyhow)
            room -= word.messages
        joined = either(chosen)
        if asked.required.empty or not isinstance(joined, Match):
            return {}
        inner, parameters = asked.required.also_matching(joined).sql(
            f"{{row}} AS id, -{self._bm25} AS text", tail="ORDER BY {row} DESC LIMIT ?"
        )
        return dict(
            connection.execute(
                f"SELECT id, text FROM ({inner}) ORDER BY text DESC, id DESC LIMIT ?",  # noqa: S608 - values are parameters
                (*parameters, _READ_FOR_PARTIAL, _PARTIAL),
            ).fetchall()
        )

    def _similar(
        self, connection: sqlite3.Connection, required: Selection, vector: QueryVector, candidates: Sequence[int]
    ) -> dict[int, float]:
        """How near the messages nearest in meaning are, and those that are candidates already."""
        near = self._vectors.nearest(connection, vector.model, vector.vector, required, _SIMILAR)
        rows = {*candidates, *(row for row, cosine in near if cosine >= _DISTANT)}
        return self._vectors.cosines(connection, vector.model, vector.vector, list(rows))

    def _in_order(
        self,
        held: "_Held",
        matches: dict[int, float],
        texts: dict[int, float],
        similar: dict[int, float],
        cut: bool,
    ) -> Ranking:
        if not texts:
            return Ranking((), {}, frozenset(), {}, 0, None, cut=False)
        newest, best = max(texts), max(texts.values()) or 1.0
        scores = {
            row: score(
                Evidence(
                    coverage=held.coverage[row],
                    text=max(0.0, text / best),
                    meaning=similar.get(row, 0.0),
                    years=(newest - row) / _YEAR,
                ),
                self._weights,
            )
            for row, text in texts.items()
        }
        ordered = sorted(texts, reverse=True)
        ordered.sort(key=scores.__getitem__, reverse=True)  # of equals, the newest first
        if held.other_form:
            ordered.sort(key=held.other_form.__contains__)
        ordered = _matches_first(ordered, matches.keys(), held.has_none)
        # What turned out to have every word is no partial match: it matches, and was older than those looked at.
        near = [row for row in ordered if held.missing.get(row)][:NEAR]
        kept = matches.keys() | set(near)
        rows = tuple(row for row in ordered if row in kept)
        oldest = min(matches, default=None)
        return Ranking(rows, held.missing, held.has_none, similar, len(matches), oldest, cut)


@dataclass(frozen=True, slots=True)
class _Held:
    """Which of the words messages have: by the alternative that each comes nearest to.

    `coverage` is of all of them; `missing` and `has_none` are of those that do not match. `other_form` are those that
    have the only word in another form than the one that was typed."""

    coverage: dict[int, float]
    missing: dict[int, tuple[str, ...]]
    has_none: Set[int]
    other_form: Set[int]

    @classmethod
    def of(
        cls,
        connection: sqlite3.Connection,
        words: Sequence["_Frequency"],
        free: FreeWords,
        matches: Set[int],
        rows: Sequence[int],
        *,
        cut: bool,
    ) -> "_Held":
        if not words:
            return cls(dict.fromkeys(rows, 1.0), {}, frozenset(), frozenset())
        others = [row for row in rows if row not in matches]

        def found_in(match: Match) -> set[int]:
            # Apart, since matches are the newest, and the others may lie anywhere.
            return _found_in(connection, match, list(matches)) | _found_in(connection, match, others)

        shares: list[dict[int, float]] = []  # of each word, for the messages that have it
        for word in words:
            anyhow: Set[int]
            if free.of_demand == 1 and not cut:  # of what may be found at all, those are all that have the only word
                anyhow = matches
            elif len(free.alternatives) == 1:  # what matches has every word
                anyhow = matches | _found_in(connection, word.word.anyhow, others)
            else:
                anyhow = found_in(word.word.anyhow)
            exactly = anyhow if word.word.exactly is None else found_in(word.word.exactly)
            shares.append({row: 1.0 if row in exactly else _STEM_COVERS for row in anyhow})
        coverage: dict[int, float] = dict.fromkeys(rows, -1.0)
        nearest: dict[int, Sequence[int]] = {}
        for alternative in free.alternatives:  # of equals, the first
            for row, share in _coverage(rows, alternative, words, shares):
                if share > coverage[row]:
                    coverage[row], nearest[row] = share, alternative
        missing = {
            row: tuple(words[place].word.written for place in nearest[row] if row not in shares[place])
            for row in others
        }
        has_none = {row for row in others if not any(row in share for share in shares)}
        seems_whole = [row for row in others if not missing[row]]
        for unranked in free.unranked if seems_whole else ():
            found = _found_in(connection, unranked.anyhow, seems_whole)
            for row in set(seems_whole) - found:
                missing[row] = (*missing[row], unranked.written)
        other_form = {row for row, share in shares[0].items() if share < 1.0} if len(words) == 1 else set()
        return cls(coverage, missing, has_none, other_form)


def _coverage(
    rows: Sequence[int], alternative: Sequence[int], words: Sequence["_Frequency"], shares: Sequence[dict[int, float]]
) -> Iterator[tuple[int, float]]:
    """How much of the alternative each row has."""
    whole = sum(words[place].weight for place in alternative)
    had = [(shares[place].get, words[place].weight) for place in alternative]
    for row in rows:
        share = 0.0
        for get, weight in had:
            share += get(row, 0.0) * weight
        yield row, share / whole


def _matches_first(ordered: list[int], matches: Set[int], has_none: Set[int]) -> list[int]:
    """Where matches are many, all of them; else each that would stand behind a message with none of the words."""
    if len(matches) >= _FEW:
        return [row for row in ordered if row in matches] + [row for row in ordered if row not in matches]
    last = max((at for at, row in enumerate(ordered) if row in matches), default=-1) + 1
    return sorted(ordered[:last], key=lambda row: row in has_none) + ordered[last:]


@dataclass(frozen=True, slots=True)
class _Frequency:
    """A free word, in how many messages it is, and what it counts for: the rarer, the more."""

    word: FreeWord
    messages: int
    weight: float

    @classmethod
    def alone(cls, connection: sqlite3.Connection, word: FreeWord) -> "_Frequency":
        return cls(word, 0, 1.0)

    @classmethod
    def of(cls, connection: sqlite3.Connection, word: FreeWord) -> "_Frequency":
        (total,) = connection.execute("SELECT value FROM facts WHERE name = 'messages'").fetchone()
        (messages,) = connection.execute(
            f"SELECT count(*) FROM (SELECT 1 FROM search WHERE search MATCH ? AND {_NOT_REMOVED} LIMIT ?)",  # noqa: S608 - a constant
            (word.anyhow.expression, _COUNTED),
        ).fetchone()
        if messages == _COUNTED:
            messages = max(messages, _estimated(connection, word.anyhow, total))
        # The root keeps one rare word from outweighing all the others together.
        return cls(word, messages, math.sqrt(math.log(1 + (total - messages + 0.5) / (messages + 0.5))))


def _found_in(connection: sqlite3.Connection, match: Match, rows: Sequence[int]) -> set[int]:
    """Those of the messages that have the word."""
    if not rows:
        return set()
    given = (match.expression, min(rows), max(rows))
    few = connection.execute(f"SELECT rowid {_BETWEEN} LIMIT ?", (*given, _FETCHED_PER_ROW * len(rows)))
    every = {row for (row,) in few}
    if len(every) < _FETCHED_PER_ROW * len(rows):
        return every.intersection(rows)
    most = _WALKED_PER_ROW * len(rows)
    walked = f"SELECT count(*) FROM (SELECT 1 {_BETWEEN} LIMIT ?)"  # noqa: S608 - a constant
    (between,) = connection.execute(walked, (*given, most)).fetchone()
    # With the sign, FTS5 walks over all that have the word; without, it is asked for each message.
    row = "+rowid" if between < most else "rowid"
    found = connection.execute(
        f"SELECT rowid {_BETWEEN} AND {row} IN (SELECT value FROM json_each(?))",  # noqa: S608 - constants
        (*given, ids(rows)),
    )
    return {each for (each,) in found}


def _estimated(connection: sqlite3.Connection, match: Match, total: int) -> int:
    """In how many messages it is, by the newest ones."""
    found = connection.execute("SELECT id FROM messages ORDER BY id DESC LIMIT 1 OFFSET ?", (_SAMPLED,)).fetchone()
    if found is None:
        return 0
    (sampled,) = connection.execute(
        f"SELECT count(*) FROM search WHERE search MATCH ? AND rowid > ? AND {_NOT_REMOVED}",  # noqa: S608 - a constant
        (match.expression, found[0]),
    ).fetchone()
    return int(total * sampled / _SAMPLED)


def added_until(sequence: int) -> Condition:
    """Leaves out what was added later."""
    return Condition("m.sequence <= ?", (sequence,), needs_message=True)
