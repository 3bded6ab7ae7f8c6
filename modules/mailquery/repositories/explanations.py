"""How a store answers a query: which index serves each part of it, and what is done with what it finds."""

from dataclasses import dataclass
from enum import StrEnum

from mailquery.domain.queries import Query


class Use(StrEnum):
    """What a part of a query is to the search."""

    DRIVES = "drives the search"  # its matches are the candidates, in the order of time
    NARROWS = "narrows the range that is gone through"
    SET = "found first, as a set in which each candidate is looked up"
    CANDIDATE = "looked up for each candidate"
    DECIDED = "known before the search"


@dataclass(frozen=True, slots=True)
class Served:
    """A part of the query tree. `index` names what serves it, and is empty where only its parts are served."""

    query: Query
    index: str
    use: Use
    parts: tuple["Served", ...] = ()


@dataclass(frozen=True, slots=True)
class Explanation:
    """`driven_by` gives the candidates; `besides` is what each candidate must be that no part of the query says;
    `engine` the engine's own plan, as it prints it."""

    tree: Served
    driven_by: str
    besides: tuple[str, ...]
    engine: tuple[str, ...]
