"""What a query asks for, taken apart for ranking, and how good an answer to it a message is."""

from dataclasses import dataclass

from mailquery.domain.queries import And, Or, Query, TextField, Words, all_of


@dataclass(frozen=True, slots=True)
class Demand:
    """A query as its free words, and what must hold in any case.

    A free word is unquoted and looked for anywhere in a message; alternatives (`ana OR bo`) that are nothing else count
    as one. A message that lacks some of them may still be worth showing, which is never so of `required`: phrases in
    quotation marks, fields, negations.
    """

    words: tuple[Query, ...]
    required: Query

    @classmethod
    def of(cls, query: Query) -> "Demand":
        parts = query.parts if isinstance(query, And) else (query,)
        words = tuple(dict.fromkeys(part for part in parts if _is_free(part)))
        required = all_of(*(part for part in parts if not _is_free(part)))
        return cls(words, required)

    @property
    def text(self) -> str:
        """The free words as one text, for what looks for their meaning."""
        return " ".join(written(word) for word in self.words)


def _is_free(query: Query) -> bool:
    match query:
        case Words(field=TextField.ANY, quoted=False):
            return True
        case Or(parts):
            return all(_is_free(part) for part in parts)
        case _:
            return False


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
    """What counts for how much. The first five weigh the places of a word within BM25; the others weigh what a message
    scores between 0 and 1 (`meaning`: the cosine, -1 to 1) against each other."""

    subject: float = 8.0
    participants: float = 4.0
    body: float = 1.0
    quoted: float = 0.3
    attachments: float = 2.0
    words: float = 0.2  # how much of the query is in the message at all
    text: float = 0.25  # BM25
    meaning: float = 1.0
    recency: float = 0.03


@dataclass(frozen=True, slots=True)
class Evidence:
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
