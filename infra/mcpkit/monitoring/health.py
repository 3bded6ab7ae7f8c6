"""Whether a server can do its work: named checks, each looked at within a limit of time."""

import asyncio
import logging
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from mcpkit.errors import Fault

logger = logging.getLogger(__name__)

_LASTS = 1.0  # seconds for which a report is given again, so that asking costs next to nothing


class Status(StrEnum):
    HEALTHY = "healthy"
    DEGRADED = "degraded"  # the server answers, and something is stale or close to its end
    UNHEALTHY = "unhealthy"  # it cannot answer

    @property
    def number(self) -> int:
        """0, 1 and 2, for metrics."""
        return _ORDER.index(self)


_ORDER = tuple(Status)


@dataclass(frozen=True, slots=True)
class Outcome:
    """`detail` is for anybody who asks, and names nothing private; `private` is for the log and the owner."""

    status: Status = Status.HEALTHY
    detail: str = ""
    private: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """`look` is given `seconds` at most. Where it raises or is not done by then, that is `failing`."""

    name: str
    look: Callable[[], Awaitable[Outcome]]
    failing: Status = Status.UNHEALTHY
    seconds: float = 2.0


@dataclass(frozen=True, slots=True)
class Result:
    """Of one check. `seconds` is how long it took."""

    name: str
    outcome: Outcome
    seconds: float

    def as_shape(self) -> dict[str, object]:
        return {"status": self.outcome.status.value, "seconds": round(self.seconds, 4), "detail": self.outcome.detail}


@dataclass(frozen=True, slots=True)
class Report:
    results: tuple[Result, ...] = ()

    @property
    def status(self) -> Status:
        """That of the worst check."""
        return max((each.outcome.status for each in self.results), key=_ORDER.index, default=Status.HEALTHY)

    def as_shape(self) -> dict[str, object]:
        """For anybody."""
        return {"status": self.status.value, "checks": {each.name: each.as_shape() for each in self.results}}


ENDING = Report((Result("server", Outcome(Status.UNHEALTHY, "the server is ending"), 0.0),))


class Health:
    """Looks at all checks at once. Those who ask at the same time, or within `lasts` seconds, get one report. A check
    whose status changes is told to the log."""

    def __init__(self, checks: Sequence[Check], *, lasts: float = _LASTS) -> None:
        self._checks = checks
        self._lasts = lasts
        self._looking: asyncio.Task[Report] | None = None
        self._looked = 0.0
        self._known: Mapping[str, Status] = {}

    async def __call__(self) -> Report:
        """Raises nothing of what the checks raise."""
        looking = self._looking
        if looking is None or (looking.done() and time.monotonic() - self._looked > self._lasts):
            looking = self._looking = asyncio.create_task(self._look(), name="looking at the health")
        return await asyncio.shield(looking)

    async def _look(self) -> Report:
        report = Report(tuple(await asyncio.gather(*map(_result, self._checks))))
        for each in report.results:
            if each.outcome.status is not self._known.get(each.name, Status.HEALTHY):
                _tell(each)
        self._known = {each.name: each.outcome.status for each in report.results}
        self._looked = time.monotonic()
        return report


async def _result(check: Check) -> Result:
    began = time.monotonic()
    try:
        async with asyncio.timeout(check.seconds):
            outcome = await check.look()
    except TimeoutError:
        outcome = Outcome(check.failing, f"no answer within {check.seconds:g} s")
    except Fault as fault:
        remedy = fault.details.get("remedy")  # which names nothing private
        outcome = Outcome(check.failing, f"{fault.code.name}: {remedy}" if remedy else fault.code.name, fault.told_here)
    except Exception as error:
        error_id = secrets.token_hex(6)
        logger.exception("the check %s failed", check.name, extra={"error_id": error_id})
        outcome = Outcome(check.failing, f"error id {error_id}", type(error).__name__)
    return Result(check.name, outcome, time.monotonic() - began)


def _tell(result: Result) -> None:
    outcome = result.outcome
    level = logging.INFO if outcome.status is Status.HEALTHY else logging.WARNING
    said = outcome.private or outcome.detail
    logger.log(level, "the check %s is %s now%s", result.name, outcome.status.value, f": {said}" if said else "")
