"""What is at hand while a query is read: its text, the user's clock, and the notes that are taken on the way."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from mailquery.domain.ourselves import Ourselves
from mailquery.query.errors import syntax_fault
from mcpkit.errors import Fault


@dataclass(frozen=True, slots=True)
class Value:
    """A word or a phrase as it stood in the query: alone, or after a field's colon. `start` is in characters."""

    text: str
    start: int
    quoted: bool = False
    prefix: bool = False  # a * stood at its end


@dataclass(slots=True)
class Reading:
    """`now` is aware; `me` tells whose mail it is, or raises the fault that says why that is not known; `notes` keeps
    the order in which things were noticed, each once."""

    source: str
    zone: ZoneInfo
    now: datetime
    me: Callable[[], Ourselves] | None = None
    notes: dict[str, None] = field(default_factory=dict)

    def note(self, text: str) -> None:
        self.notes.setdefault(text)

    def fault(self, position: int, message: str, *, expected: Sequence[str] = (), did_you_mean: str = "") -> Fault:
        return syntax_fault(self.source, position, message, expected=expected, did_you_mean=did_you_mean)
