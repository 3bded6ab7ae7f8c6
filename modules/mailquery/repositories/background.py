"""Which process of those on an archive synchronises in the background, and what it does."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class HostStanding:
    """Of a circuit breaker (`mcpkit.resilience.breakers`). Dates are UTC."""

    host: str
    state: str
    failures: int
    next_try: datetime | None = None


@dataclass(frozen=True, slots=True)
class Activity:
    """What is done for an account. `stored` of `wanted` messages are those of the run that began at `running_since`.
    `watched` is whether its server announces new mail. Dates are UTC."""

    running_since: datetime | None = None
    stored: int = 0
    wanted: int = 0
    next_run: datetime | None = None
    watched: bool = False
    host: HostStanding | None = None


class BackgroundBoard(Protocol):
    """One process at a time has the turn; it shows there what it does. None of this may fail: a process that cannot
    write there works all the same."""

    def take_turn(self) -> bool:
        """Whether this process has it: until `give_up_turn`, or until it ends, however it ends."""
        ...

    def give_up_turn(self) -> None: ...

    def show(self, activities: Mapping[str, Activity]) -> None:
        """By account. Only for who has the turn."""
        ...

    def read(self) -> Mapping[str, Activity] | None:
        """What is shown by who has the turn; None where no process has it."""
        ...
