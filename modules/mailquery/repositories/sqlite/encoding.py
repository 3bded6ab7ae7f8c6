"""How values are written in columns."""

import math
from datetime import UTC, datetime, timedelta

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
