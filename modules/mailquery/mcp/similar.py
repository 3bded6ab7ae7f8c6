"""The tool that finds messages about the same."""

from typing import Self

from pydantic import Field, PrivateAttr

from mailquery.domain.counts import plural
from mailquery.mcp.arguments import READ, SizedArguments, visibility
from mailquery.mcp.coverage import Coverage
from mailquery.mcp.search import SearchRow
from mailquery.query.parser import MAX_CHARACTERS
from mailquery.services.filters import Filters
from mailquery.services.similar import MOST_SIMILAR, FindSimilar, Similar, SimilarHit
from mcpkit.protocol.calls import Call
from mcpkit.protocol.declarations import Tool, Truncated, UntrustedResult
from mcpkit.security.untrusted import untrusted

_BRIEF_STEPS = 2


class FindSimilarArguments(SizedArguments):
    id: str = Field(max_length=100, description="Message id (m...).")
    query: str = Field(
        default="", max_length=MAX_CHARACTERS, description="Only those that match this, in the search language."
    )
    limit: int = Field(default=10, ge=1, le=MOST_SIMILAR, description="Most rows.")


class SimilarRow(SearchRow):
    similarity: float = Field(default=0.0, description="0 to 1; 1 is the same text.")

    @classmethod
    def near(cls, found: SimilarHit) -> Self:
        return cls.of(found.hit).model_copy(update={"similarity": round(found.similarity, 2)})

    @classmethod
    def near_in_brief(cls, found: SimilarHit, *, bare: bool) -> Self:
        return cls.brief(found.hit, bare=bare).model_copy(update={"similarity": round(found.similarity, 2)})

    def as_text(self) -> str:
        return f"{self.similarity:.2f} {super().as_text()}"


class SimilarResult(UntrustedResult):
    rows: list[SimilarRow] = Field(description="The nearest in meaning first.")
    not_embedded: int | None = Field(default=None, description="Messages that were not looked at: not embedded yet.")
    coverage: Coverage | None = None
    truncated: Truncated | None = None

    _found: Similar = PrivateAttr()
    _whole: "SimilarResult" = PrivateAttr()

    @classmethod
    def of(cls, found: Similar) -> "SimilarResult":
        whole = cls(
            rows=[SimilarRow.near(hit) for hit in found.hits],
            not_embedded=found.not_embedded or None,
            coverage=Coverage.of(found.reading),
        )
        whole._found = found
        whole._whole = whole
        return whole

    def units(self) -> int:
        """The first row's id; that row in brief; the rows, one by one; the coverage in full."""
        return len(self._found.hits) + _BRIEF_STEPS + 1

    def keep(self, units: int) -> "SimilarResult":
        hits, whole = self._found.hits, self._whole
        if units >= whole.units():
            return whole
        count = max(0, min(units - _BRIEF_STEPS, len(hits)))
        rows = whole.rows[:count]
        if 0 < units <= _BRIEF_STEPS and hits:
            count, rows = 1, [SimilarRow.near_in_brief(hits[0], bare=units == 1)]
        coverage = whole.coverage.short() if whole.coverage and units > _BRIEF_STEPS else None
        truncated = None
        if count < len(hits):
            omitted = len(hits) - count
            truncated = Truncated(unit="messages", returned=count, omitted=omitted, next="a larger max_chars")
        return whole.model_copy(update={"rows": rows, "coverage": coverage, "truncated": truncated})

    def disclosed(self) -> list[str]:
        return [row.id for row in self.rows]

    def as_text(self) -> str:
        lines = [f"{plural(len(self.rows), 'message')}, nearest in meaning first"]
        theirs = [row.as_text() for row in self.rows]
        if self.coverage:
            theirs.append(self.coverage.as_text())
        lines.append(untrusted("\n".join(theirs)))
        if self.truncated:
            lines.append(f"{self.truncated.omitted:,} more: {self.truncated.next}")
        if self.not_embedded:
            lines.append(f"{plural(self.not_embedded, 'message')} not looked at: not embedded yet")
        return "\n".join(line for line in lines if line)


def find_similar(find: FindSimilar) -> Tool[FindSimilarArguments, SimilarResult]:
    async def handler(call: Call, arguments: FindSimilarArguments) -> SimilarResult:
        return SimilarResult.of(
            await find(visibility(call), arguments.id, Filters(query=arguments.query), limit=arguments.limit)
        )

    return Tool(
        name="find_similar",
        title="Find similar messages",
        description=(
            "The messages nearest in meaning to one, by its id: the same matter in other words, other threads about "
            "it, earlier messages of the kind. Rows as in search_messages, with `similarity`."
        ),
        arguments=FindSimilarArguments,
        result=SimilarResult,
        permission=READ,
        preset=("limit", "max_chars"),
        handler=handler,
        untrusted=True,
    )
