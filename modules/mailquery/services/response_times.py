"""How fast each side answers the other."""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from mailquery.domain.answers import Answer, answers
from mailquery.repositories.interfaces import ConversationRepository
from mailquery.repositories.records import Visibility
from mailquery.services.filters import Clock, FilterReader, Filters, Reading, utc_now
from mailquery.services.limits import checked_limit
from mailquery.services.ourselves import FindOurselves

MOST_PEOPLE = 200
MOST_PAIRS = 100
_MOST_READ = 30_000  # messages that match, of threads in which we wrote


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast answers came. `median` and `p90` are answers too, by nearest rank: of all, half and nine tenths took no
    longer. `slowest` is the slowest first."""

    count: int
    median: Answer
    p90: Answer
    fastest: Answer
    slowest: tuple[Answer, ...]

    @classmethod
    def of(cls, found: Sequence[Answer], slowest: int) -> "Pace | None":
        if not found:
            return None
        ranked = sorted(found, key=lambda each: (each.seconds, each.answer.key))
        return cls(
            count=len(ranked),
            median=ranked[math.ceil(len(ranked) * 0.5) - 1],
            p90=ranked[math.ceil(len(ranked) * 0.9) - 1],
            fastest=ranked[0],
            slowest=tuple(reversed(ranked[max(0, len(ranked) - slowest) :])),
        )


@dataclass(frozen=True, slots=True)
class Correspondent:
    """`ours` is how fast we answer this address, `theirs` how fast it answers us."""

    address: str
    ours: Pace | None
    theirs: Pace | None

    @property
    def answers(self) -> int:
        return sum(pace.count for pace in (self.ours, self.theirs) if pace)


@dataclass(frozen=True, slots=True)
class Responses:
    """Those with most answers first, of `person_count`. `ours` and `theirs` are over all of them. `left_out` counts
    messages of the same threads that neither ask nor answer: of lists, of programs. Where there was too much to look
    at, answers to and by messages before `back_to` are not counted."""

    me: tuple[str, ...]
    people: tuple[Correspondent, ...]
    person_count: int
    ours: Pace | None
    theirs: Pace | None
    left_out: int
    lists: bool
    back_to: datetime | None
    reading: Reading

    def left_over(self, shown: int) -> int:
        """The answers of those behind the first `shown` people."""
        total = sum(pace.count for pace in (self.ours, self.theirs) if pace)
        return total - sum(person.answers for person in self.people[:shown])


class ResponseTimes:
    def __init__(
        self,
        conversations: ConversationRepository,
        filters: FilterReader,
        ourselves: FindOurselves,
        clock: Clock = utc_now,
    ) -> None:
        self._conversations = conversations
        self._filters = filters
        self._ourselves = ourselves
        self._clock = clock

    async def __call__(
        self, visible: Visibility, filters: Filters, *, limit: int = 20, slowest: int = 2, lists: bool = False
    ) -> Responses:
        """Over the answers that `filters` finds, or the question of which it finds; with `lists` those on mailing lists
        too. Raises as a search does, and `CONFIGURATION` where it cannot be known whose mail it is."""
        checked_limit(limit, MOST_PEOPLE)
        checked_limit(slowest, MOST_PAIRS, "slowest")
        reading = await self._filters.read(filters, visible, self._clock())
        ours = await self._ourselves(visible)
        turns = await self._conversations.turns(reading.tree, visible, ours, lists=lists, limit=_MOST_READ)
        by_person: dict[str, tuple[list[Answer], list[Answer]]] = defaultdict(lambda: ([], []))
        for thread in turns.threads:
            for found in answers(thread):
                if found.question.matches or found.answer.matches:
                    we_answer = found.answer.ours
                    person = found.question.sender if we_answer else found.answer.sender
                    by_person[person][0 if we_answer else 1].append(found)
        ranked = sorted(by_person.items(), key=lambda item: (-sum(map(len, item[1])), item[0]))
        return Responses(
            me=ours.names(),
            people=tuple(
                Correspondent(address, Pace.of(we, slowest), Pace.of(they, slowest))
                for address, (we, they) in ranked[:limit]
            ),
            person_count=len(ranked),
            ours=Pace.of([each for we, _ in by_person.values() for each in we], slowest),
            theirs=Pace.of([each for _, they in by_person.values() for each in they], slowest),
            left_out=sum(turn.silent for thread in turns.threads for turn in thread),
            lists=lists,
            back_to=turns.back_to,
            reading=reading,
        )
