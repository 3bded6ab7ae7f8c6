"""What calls for care, as it is told to the caller."""

from collections.abc import Sequence
from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from mailquery.services.signals import Signal, SignalKind
from mcpkit.security.untrusted import safe_line

_DETAIL_CHARS = 200


class SignalShown(BaseModel):
    model_config = ConfigDict(frozen=True)

    kind: SignalKind
    warning: bool | None = Field(default=None, description="True for what honest mail hardly ever has.")
    detail: str | None = None

    @classmethod
    def of(cls, signal: Signal) -> Self:
        detail = safe_line(signal.detail, _DETAIL_CHARS) or None
        return cls(kind=signal.kind, warning=signal.warning or None, detail=detail)

    def brief(self) -> Self:
        return type(self)(kind=self.kind, warning=self.warning)


def signals_shown(signals: Sequence[Signal]) -> list[SignalShown] | None:
    return [SignalShown.of(signal) for signal in signals] or None


def headline(signals: Sequence[SignalShown] | None) -> str:
    """In words of ours alone: these stand outside of the fence."""
    warnings = [each.kind.value for each in signals or () if each.warning]
    facts = [each.kind.value for each in signals or () if not each.warning]
    told = [f"{word}: {', '.join(kinds)}" for word, kinds in (("Warnings", warnings), ("Noted", facts)) if kinds]
    return ". ".join(told)


def details(signals: Sequence[SignalShown] | None) -> list[str]:
    """What of them the sender may have chosen: these stand inside."""
    return [f"({each.kind.value}: {each.detail})" for each in signals or () if each.detail]
