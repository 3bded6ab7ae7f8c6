"""The tool that says how fast each side answers."""

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr

from mailquery.domain.answers import Answer
from mailquery.domain.counts import plural
from mailquery.domain.handles import message_handle
from mailquery.domain.spans import readable
from mailquery.mcp import shown
from mailquery.mcp.arguments import STATISTICS, FilterArguments, MaxChars, visibility
from mailquery.mcp.coverage import Coverage
from mailquery.services.response_times import MOST_PAIRS, MOST_PEOPLE, Correspondent, Pace, Responses, ResponseTimes
from mcpkit.protocol.calls import Call
from mcpkit.protocol.declarations import Tool, Truncated, UntrustedResult
from mcpkit.security.untrusted import safe_line, untrusted

_MOST_OWN = 10
_FIRST_PAIRS = 2


class ResponseTimesArguments(FilterArguments):
    limit: int = Field(default=20, ge=1, le=MOST_PEOPLE, description="Most people.")
    slowest: int = Field(default=2, ge=1, le=MOST_PAIRS, description="Slowest answers per person and side.")
    lists: bool = Field(default=False, description="Count mail from mailing lists too.")
    max_chars: MaxChars = None


class AnswerShown(BaseModel):
    model_config = ConfigDict(frozen=True)

    seconds: int
    question: str = Field(description="Message id.")
    answer: str = Field(description="Message id.")

    @classmethod
    def of(cls, found: Answer) -> "AnswerShown":
        question, answer = message_handle(found.question.key), message_handle(found.answer.key)
        return cls(seconds=found.seconds, question=question, answer=answer)

    def as_text(self) -> str:
        return f"{readable(self.seconds)} ({self.question} > {self.answer})"


class PaceShown(BaseModel):
    model_config = ConfigDict(frozen=True)

    answers: int
    median: AnswerShown
    p90: AnswerShown = Field(description="Nine of ten took no longer.")
    fastest: AnswerShown
    slowest: list[AnswerShown]

    @classmethod
    def of(cls, pace: Pace | None, pairs: int) -> "PaceShown | None":
        if pace is None:
            return None
        return cls(
            answers=pace.count,
            median=AnswerShown.of(pace.median),
            p90=AnswerShown.of(pace.p90),
            fastest=AnswerShown.of(pace.fastest),
            slowest=[AnswerShown.of(each) for each in pace.slowest[:pairs]],
        )

    def as_text(self) -> str:
        slowest = ", ".join(each.as_text() for each in self.slowest)
        return (
            f"{plural(self.answers, 'answer')}, median {self.median.as_text()}, 90 % within "
            f"{self.p90.as_text()}, fastest {self.fastest.as_text()}, slowest {slowest}"
        )


class CorrespondentShown(BaseModel):
    model_config = ConfigDict(frozen=True)

    address: str
    we_answer: PaceShown | None = Field(default=None, description="How fast we answer them.")
    they_answer: PaceShown | None = Field(default=None, description="How fast they answer us.")

    @classmethod
    def of(cls, person: Correspondent, pairs: int) -> "CorrespondentShown":
        return cls(
            address=safe_line(person.address, shown.ADDRESS_CHARS) or "(none)",
            we_answer=PaceShown.of(person.ours, pairs),
            they_answer=PaceShown.of(person.theirs, pairs),
        )

    def as_text(self) -> str:
        return "\n".join([self.address, *_sides(self.we_answer, self.they_answer)])


class PeopleLeft(BaseModel):
    model_config = ConfigDict(frozen=True)

    people: int
    answers: int


class ResponseTimesResult(UntrustedResult):
    ours: list[str] = Field(description="Whose mail it is: the first of our addresses and @domains.")
    ours_more: int | None = None
    we_answer: PaceShown | None = Field(default=None, description="How fast we answer, over all people.")
    they_answer: PaceShown | None = Field(default=None, description="How fast they answer us, over all people.")
    person_count: int
    people: list[CorrespondentShown] = Field(description="Those with most answers first.")
    remainder: PeopleLeft | None = Field(default=None, description="Who is not in `people`.")
    left_out: int = Field(description="Messages of these threads that are not counted: lists, programs.")
    left_out_why: str
    back_to: str | None = Field(default=None, description="There was too much: older messages were not looked at.")
    coverage: Coverage | None = None
    truncated: Truncated | None = None

    _found: Responses = PrivateAttr()
    _coverage: Coverage = PrivateAttr()

    @classmethod
    def of(cls, found: Responses) -> "ResponseTimesResult":
        kinds = "no-reply and other automatic senders, automatic answers by their subject, drafts, junk"
        own = shown.mailboxes(found.me[:_MOST_OWN])
        base = cls(
            ours=own,
            ours_more=len(found.me) - len(own) or None,
            person_count=found.person_count,
            people=[],
            left_out=found.left_out,
            left_out_why=kinds if found.lists else f"mailing lists, {kinds}",
            back_to=shown.maybe_when(found.back_to),
        )
        base._found = found
        base._coverage = Coverage.of(found.reading)
        return base.keep(base.units())

    def _most_pairs(self) -> int:
        people = self._found.people
        return max((len(pace.slowest) for each in people for pace in (each.ours, each.theirs) if pace), default=1)

    def units(self) -> int:
        """The figures over all; the people, one by one, with their slowest answer; one more slowest answer of each
        person, and so on; the coverage in full."""
        return 1 + len(self._found.people) + (self._most_pairs() - 1) + 1

    def keep(self, units: int) -> "ResponseTimesResult":
        people = self._found.people
        count = max(0, min(units - 1, len(people)))
        pairs = 1 + max(0, min(units - 1 - len(people), self._most_pairs() - 1))
        left = self._found.person_count - count
        coverage = None
        if units >= self.units():
            coverage = self._coverage
        elif count > 1:
            coverage = self._coverage.short()
        return self.model_copy(
            update={
                "we_answer": PaceShown.of(self._found.ours, min(pairs, _FIRST_PAIRS)),
                "they_answer": PaceShown.of(self._found.theirs, min(pairs, _FIRST_PAIRS)),
                "people": [CorrespondentShown.of(person, pairs) for person in people[:count]],
                "remainder": PeopleLeft(people=left, answers=self._found.left_over(count)) if left else None,
                "coverage": coverage,
                "truncated": self._truncated(count, pairs),
            }
        )

    def _truncated(self, count: int, pairs: int) -> Truncated | None:
        people, most = len(self._found.people), self._most_pairs()
        following = "a larger max_chars, or a narrower query such as with:ADDRESS"
        if count < people:
            return Truncated(unit="people", returned=count, omitted=people - count, next=following)
        if people and pairs < most:
            return Truncated(
                unit="slowest answers of each person", returned=pairs, omitted=most - pairs, next=following
            )
        return None

    def disclosed(self) -> Sequence[str]:
        paces = [self.we_answer, self.they_answer]
        paces += [pace for person in self.people for pace in (person.we_answer, person.they_answer)]
        found = [each for pace in paces if pace for each in (pace.median, pace.p90, pace.fastest, *pace.slowest)]
        return list(dict.fromkeys(id for each in found for id in (each.question, each.answer)))

    def as_text(self) -> str:
        more = f" +{self.ours_more}" if self.ours_more else ""
        lines = [
            f"Answers by {', '.join(self.ours)}{more} and to them. Each time is followed by (question > answer).",
            *_sides(self.we_answer, self.they_answer),
            f"{plural(self.person_count, 'person', 'people')}, most answers first:",
        ]
        theirs = [person.as_text() for person in self.people]
        if self.coverage:
            theirs.append(self.coverage.as_text())
        lines.append(untrusted("\n".join(theirs)))
        if self.remainder:
            answers = plural(self.remainder.answers, "answer")
            lines.append(f"not shown: {self.remainder.people:,} more with {answers}")
        lines.append(f"not counted: {plural(self.left_out, 'message')} ({self.left_out_why})")
        if self.back_to:
            lines.append(f"There is too much to look at all of it: counted back to {self.back_to}. Narrow it for more.")
        if self.truncated:
            lines.append(f"{self.truncated.omitted:,} {self.truncated.unit} left out: {self.truncated.next}")
        return "\n".join(line for line in lines if line)


def _sides(we: PaceShown | None, they: PaceShown | None) -> list[str]:
    return [
        f"  {who}: {pace.as_text() if pace else 'no answer'}"
        for who, pace in (("we answer", we), ("they answer", they))
    ]


def response_times(times: ResponseTimes) -> Tool[ResponseTimesArguments, ResponseTimesResult]:
    async def handler(call: Call, arguments: ResponseTimesArguments) -> ResponseTimesResult:
        found = await times(
            visibility(call),
            arguments.filters(),
            limit=arguments.limit,
            slowest=arguments.slowest,
            lists=arguments.lists,
        )
        return ResponseTimesResult.of(found)

    return Tool(
        name="response_times",
        title="How fast mail is answered",
        description=(
            "How fast we answer each person and they answer us: count, median, 90th percentile, fastest and slowest, "
            "with the ids of question and answer. Conditions hold for either. Lists and automatic mail are left out."
        ),
        arguments=ResponseTimesArguments,
        result=ResponseTimesResult,
        permission=STATISTICS,
        preset=("account", "limit", "max_chars"),
        handler=handler,
        untrusted=True,
    )
