"""How a search was understood and carried out: the query in words, what served it, and how long each step took."""

from collections.abc import Iterator
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from mailquery.query.explain import heading
from mailquery.repositories.explanations import Explanation, Served
from mailquery.repositories.steps import Step, Steps


@dataclass(frozen=True, slots=True)
class ExplainedPart:
    """A node of the query's tree, `level` below the top; its parts follow it. `index` is empty where only they are
    served."""

    level: int
    words: str
    index: str
    use: str

    def as_line(self) -> str:
        served = f"  [{self.index}; {self.use}]" if self.index else ""
        return f"{'  ' * self.level}{self.words}{served}"


@dataclass(frozen=True, slots=True)
class Explained:
    """`besides` and `engine` as in `repositories.explanations`; `seconds` is all of the time, `steps` where it went."""

    parts: tuple[ExplainedPart, ...]
    driven_by: str
    besides: tuple[str, ...]
    engine: tuple[str, ...]
    steps: tuple[Step, ...]
    seconds: float


def explained(explanation: Explanation, steps: Steps, zone: ZoneInfo) -> Explained:
    """Dates are said in `zone`, the user's."""
    return Explained(
        parts=tuple(_parts(explanation.tree, 0, zone)),
        driven_by=explanation.driven_by,
        besides=explanation.besides,
        engine=explanation.engine,
        steps=steps.taken,
        seconds=steps.seconds(),
    )


def _parts(served: Served, level: int, zone: ZoneInfo) -> Iterator[ExplainedPart]:
    yield ExplainedPart(level, heading(served.query, zone), served.index, served.use.value)
    for part in served.parts:
        yield from _parts(part, level + 1, zone)
