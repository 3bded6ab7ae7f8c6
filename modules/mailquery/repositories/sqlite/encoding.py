"""How values are written in columns."""

import math
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import TypeVar

T = TypeVar("T")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)


def second_of(moment: datetime) -> int:
    """The unix second that `moment` lies in."""
    return (moment - _EPOCH) // _SECOND


def first_second_from(moment: datetime) -> int:
    """The first unix second that is not before `moment`."""
    return math.ceil((moment - _EPOCH) / _SECOND) if moment.microsecond else second_of(moment)


def moment_of(second: int) -> datetime:
    return _EPOCH + timedelta(seconds=second)


def optional_moment(second: int | None) -> datetime | None:
    return None if second is None else moment_of(second)


def lines(values: tuple[str, ...]) -> str:
    """Message-IDs as one string; what could be mistaken for the separator is taken out."""
    return "\n".join(value.replace("\n", " ") for value in values)


def from_lines(text: str) -> tuple[str, ...]:
    return tuple(text.split("\n")) if text else ()


def encodable(value: T) -> T:
    """The same with every lone surrogate, in whatever field, replaced by a question mark."""
    if isinstance(value, Enum):
        return value
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")  # type: ignore[return-value]  # str in, str out
    if isinstance(value, list | tuple):
        return type(value)(encodable(item) for item in value)
    if is_dataclass(value) and not isinstance(value, type):
        return type(value)(**{f.name: encodable(getattr(value, f.name)) for f in fields(value)})
    return value
