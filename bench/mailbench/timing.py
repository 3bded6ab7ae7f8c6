"""How long one program takes for the questions of one kind."""

from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from math import ceil

from mailbench.measuring import Latency
from mailbench.peers import Answer
from mailbench.questions import Action, Kind, Question

_FEWEST_SAMPLES = 30
_LONGEST = 4.0  # seconds for one kind and one program, warming up not counted

Ask = Callable[[Question, Action], Awaitable[Answer | None]]
"""None: this program cannot be asked this."""


@dataclass(frozen=True, slots=True)
class Timed:
    """`hits` is the mean number of messages that match, where the program says it."""

    kind: str
    program: str
    latency: Latency
    hits: float | None


async def measure_kind(kind: Kind, programs: dict[str, Ask], rounds: int) -> list[Timed]:
    """All programs answer the kind's questions in turn, round after round; the first round warms up."""
    seconds: dict[str, list[float]] = defaultdict(list)
    hits: dict[str, list[int]] = defaultdict(list)
    rounds = max(rounds, ceil(_FEWEST_SAMPLES / len(kind.questions)))
    for number in range(rounds + 1):
        for name, ask in programs.items():
            if sum(seconds[name]) > _LONGEST:
                continue
            for question in kind.questions:
                answer = await ask(question, kind.action)
                if answer is None:
                    break
                if number:
                    seconds[name].append(answer.seconds)
                    hits[name].append(answer.hits)
    return [
        Timed(kind.name, name, Latency.of(seconds[name]), sum(hits[name]) / len(hits[name]) if hits[name] else None)
        for name in programs
        if seconds[name]
    ]
