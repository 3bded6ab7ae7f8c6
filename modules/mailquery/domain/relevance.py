"""What a query asks for, taken apart for ranking, and how good an answer to it a message is."""

from dataclasses import dataclass
from typing import NamedTuple

from mailquery.domain.folding import fold
from mailquery.domain.queries import And, Or, Query, TextField, Words, all_of

RANKED_WORDS = 32
"""So many words of a query are ranked by: each costs time, and of a pasted text the first ones say enough."""

_MOST_ALTERNATIVES = 16


@dataclass(frozen=True, slots=True)
class Demand:
    """A query as its free words, and what must hold in any case.

    A free word is unquoted and looked for anywhere in a message; alternatives of single words (`ana OR bo`) count as
    one word. Each of `alternatives` is a way to meet the query, as the places of its words in `words`: there are
    several for `(cheap seats) OR (low fares)`. A message that lacks some of the words may still be worth showing, which
    is never so of `required`: phrases in quotation marks, fields, negations. `unranked` are the words behind the first
    `RANKED_WORDS`.
    """

    words: tuple[Query, ...]
    required: Query
    alternatives: tuple[tuple[int, ...], ...] = ()
    unranked: tuple[Query, ...] = ()

    @classmethod
    def of(cls, query: Query) -> "Demand":
        parts = query.parts if isinstance(query, And) else (query,)
        required: list[Query] = []
        ways: list[tuple[Query, ...]] = [()]
        for part in parts:
            found = _ways(part)
            if not found or len(ways) * len(found) > _MOST_ALTERNATIVES:
                required.append(part)
            else:
                ways = [(*way, *more) for way in ways for more in found]
        words: dict[_Key, Query] = {}
        for way in ways:
            for word in way:
                words.setdefault(_key(word), word)
        places = {key: place for place, key in enumerate(words) if place < RANKED_WORDS}
        alternatives = dict.fromkeys(
            tuple(dict.fromkeys(places[key] for key in map(_key, way) if key in places)) for way in ways
        )
        distinct = tuple(words.values())
        return cls(
            distinct[:RANKED_WORDS],
            all_of(*required),
            tuple(alternative for alternative in alternatives if alternative),
            distinct[RANKED_WORDS:],
        )

    @property
    def text(self) -> str:
        """The free words as one text, for what looks for their meaning."""
        shown = " ".join(written(word) for word in (*self.words, *self.unranked))
        return " ".join(dict.fromkeys(shown.split(" ")))


_Key = tuple[tuple[str, bool], ...]


def _key(word: Query) -> _Key:
    """Equal for free words that find the same."""
    match word:
        case Words(text, prefix=prefix):
            return ((fold(text), prefix),)
        case Or(parts):
            return tuple(sorted({each for part in parts for each in _key(part)}))
        case _:
            return ()


def _ways(query: Query) -> tuple[tuple[Query, ...], ...]:
    """The ways to meet a query that consists of free words, each as its words; none where it does not."""
    match query:
        case Words(field=TextField.ANY, quoted=False):
            return ((query,),)
        case Or(parts):
            found = [_ways(part) for part in parts]
            if not all(found):
                return ()
            ways = [way for each in found for way in each]
            return ((query,),) if all(len(way) == 1 for way in ways) else tuple(ways)
        case And(parts):
            joined: list[tuple[Query, ...]] = [()]
            for part in parts:
                further = _ways(part)
                if not further or len(joined) * len(further) > _MOST_ALTERNATIVES:
                    return ()
                joined = [(*way, *more) for way in joined for more in further]
            return tuple(joined)
        case _:
            return ()


def written(word: Query) -> str:
    """A free word as it is shown: `budg*`, or its alternatives with a slash between."""
    match word:
        case Words(text, prefix=prefix):
            return f"{text}*" if prefix else text
        case Or(parts):
            return "/".join(written(part) for part in parts)
        case _:
            return ""


@dataclass(frozen=True, slots=True)
class Weights:
    """What counts for how much. The first six weigh the places of a word within BM25; the others weigh what a message
    scores between 0 and 1 (`meaning`: the cosine, -1 to 1) against each other."""

    subject: float = 8.0
    participants: float = 4.0
    body: float = 1.0
    quoted: float = 0.3
    attachments: float = 2.0  # their names
    attached: float = 0.5  # the text in them
    words: float = 0.2  # how much of the query is in the message at all
    text: float = 0.25  # BM25
    meaning: float = 1.0
    recency: float = 0.03


class Evidence(NamedTuple):
    """What is known of a message that may be an answer.

    `coverage` is the share of the free words that it has, each weighed by how rare it is; `text` its BM25 relative to
    the best one; `meaning` its nearness in meaning (cosines), 0 where it is not known; `years` its age relative to
    the newest one.
    """

    coverage: float
    text: float
    meaning: float
    years: float


_SHARPNESS = 4  # a message with half of the words is worth far less than half of one with all of them


def score(evidence: Evidence, weights: Weights) -> float:
    """How good an answer it is: more is better."""
    total: float = (
        weights.words * evidence.coverage**_SHARPNESS
        + weights.text * evidence.text * evidence.coverage
        + weights.meaning * evidence.meaning
        + weights.recency * 0.5**evidence.years
    )
    return total
