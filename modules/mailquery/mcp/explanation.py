"""How a search was understood and carried out, as it is told to the caller."""

from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from mailquery.services.explaining import Explained, ExplainedPart
from mcpkit.security.untrusted import safe_line

_MOST_PARTS = 40
_MOST_ENGINE_LINES = 12
_WORDS_CHARS = 160
_ENGINE_CHARS = 160


class Part(BaseModel):
    """A node of the query's tree. Its own parts are those that follow it one level below."""

    model_config = ConfigDict(frozen=True)

    level: int
    words: str
    index: str | None = Field(default=None, description="What serves it.")
    use: str

    @classmethod
    def of(cls, part: ExplainedPart) -> Self:
        return cls(level=part.level, words=safe_line(part.words, _WORDS_CHARS), index=part.index or None, use=part.use)

    def as_line(self) -> str:
        served = f"  [{self.index}; {self.use}]" if self.index else ""
        return f"{'  ' * self.level}{self.words}{served}"


class StepTaken(BaseModel):
    model_config = ConfigDict(frozen=True)

    step: str
    ms: float


class Explanation(BaseModel):
    model_config = ConfigDict(frozen=True)

    read_as: list[Part] = Field(description="The query's tree, a node after the one that it belongs to.")
    omitted: int | None = Field(default=None, description="Parts that are left out here for their number or length.")
    driven_by: str | None = Field(default=None, description="What gives the candidates.")
    besides: list[str] | None = Field(default=None, description="What else each candidate must be.")
    engine: list[str] | None = Field(default=None, description="The engine's own plan.")
    steps: list[StepTaken] | None = None
    total_ms: float = Field(description="The whole search; what is in no step was spent waiting.")

    @classmethod
    def of(cls, explained: Explained) -> Self:
        return cls(
            read_as=[Part.of(part) for part in explained.parts[:_MOST_PARTS]],
            omitted=max(0, len(explained.parts) - _MOST_PARTS) or None,
            driven_by=explained.driven_by,
            besides=list(explained.besides) or None,
            engine=[safe_line(line, _ENGINE_CHARS) for line in explained.engine[:_MOST_ENGINE_LINES]] or None,
            steps=[StepTaken(step=step.name, ms=_milliseconds(step.seconds)) for step in explained.steps],
            total_ms=_milliseconds(explained.seconds),
        )

    def short(self) -> Self:
        """For an answer without room: that there is one, and how much of it is left out."""
        return type(self)(read_as=[], omitted=len(self.read_as) + (self.omitted or 0), total_ms=self.total_ms)

    def as_text(self) -> str:
        lines = ["how the query was read, and what serves each part:"] if self.read_as else []
        lines += [f"  {part.as_line()}" for part in self.read_as]
        if self.omitted:
            lines.append(f"{self.omitted} parts of the explanation left out: raise max_chars")
        if self.driven_by:
            lines.append(f"driven by: {self.driven_by}")
        lines += [f"besides: {condition}" for condition in self.besides or ()]
        lines += [f"engine: {line}" for line in self.engine or ()]
        taken = ", ".join(f"{step.step} {step.ms} ms" for step in self.steps or ())
        lines.append(f"took {self.total_ms} ms" + (f": {taken}" if taken else ""))
        return "\n".join(lines)


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 2)
