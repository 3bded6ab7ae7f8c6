"""Consent: whether a user lets those who call in their name use a capability on a resource of theirs.

A consent is explicit, for user x capability x resource, stored, and ends by itself or by being revoked. It is
asked for, given by a command, or follows from an operator's setting. What is sensitive needs a consent given after
untrusted text was last shown to the caller (taint): such text may be what made them ask.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from datetime import time as time_of_day
from enum import Enum, StrEnum
from functools import cache
from zoneinfo import ZoneInfo

from mcpkit.security.consent.store import EVERY, ConsentStore, Decision, Known, Way

Clock = Callable[[], float]

_LAG = 10  # a showing is written once in this part of the window


class Mode(StrEnum):
    ASK = "ask"
    GRANTED = "granted"
    DENY = "deny"


class Choice(StrEnum):
    """What a person can answer."""

    ONCE = "once"
    DAY = "day"  # until midnight where they live
    LONG = "long"  # for `Rules.days`
    NO = "no"


class Verdict(Enum):
    GRANTED = "granted"
    REFUSED = "refused"
    OPEN = "open"  # nobody has decided


@dataclass(frozen=True, slots=True)
class Need:
    """A capability that a call uses. A sensitive one must have been consented to since untrusted text was shown."""

    capability: str
    sensitive: bool = False


@dataclass(frozen=True, slots=True)
class Rules:
    """The operator's settings. `modes` and `tainted` are by transport (any other one: ask, tainted). `window` is how
    long a showing of untrusted text taints, `refusal` how long a "no" is remembered, both in seconds. Where the mode is
    `granted`, `granted_by` and `reason` say who chose that and why, and the capabilities in `always_ask` are asked for
    all the same."""

    zone: ZoneInfo
    modes: Mapping[str, Mode] = field(default_factory=dict)
    tainted: Mapping[str, bool] = field(default_factory=dict)
    window: float = 30 * 60
    days: int = 30
    refusal: float = 60 * 60
    granted_by: str = ""
    reason: str = ""
    always_ask: frozenset[str] = frozenset()

    def mode(self, transport: str) -> Mode:
        return self.modes.get(transport, Mode.ASK)

    def is_tainting(self, transport: str) -> bool:
        return self.tainted.get(transport, True)


@dataclass(frozen=True, slots=True)
class Standing:
    """What holds for one caller at one moment. `tainted` is when untrusted text was last shown to them, if it counts;
    `by_setting` the capabilities that a setting grants, with the time since when."""

    decisions: Sequence[Decision]
    tainted: float | None
    by_setting: Mapping[str, float]
    now: float

    def of(self, need: Need, resource: str) -> Verdict:
        found = next((each for each in self.decisions if self._applies(each, need) and each.covers(resource)), None)
        if found is not None:
            return self._verdict(need, found.granted, found.decided)
        since = self.by_setting.get(need.capability)
        return Verdict.OPEN if since is None else self._verdict(need, True, since)

    def everywhere(self, need: Need) -> bool:
        """Whether it is granted on every resource there is or may be."""
        for decision in self.decisions:
            if not self._applies(decision, need):
                continue
            if decision.resource == EVERY or not decision.granted:
                return self._verdict(need, decision.granted, decision.decided) is Verdict.GRANTED
        return self.of(need, EVERY) is Verdict.GRANTED

    def _applies(self, decision: Decision, need: Need) -> bool:
        return decision.capability == need.capability and decision.way is not Way.SETTING and decision.holds(self.now)

    def _verdict(self, need: Need, granted: bool, decided: float) -> Verdict:
        if not granted:
            return Verdict.REFUSED
        stale = need.sensitive and self.tainted is not None and decided <= self.tainted
        return Verdict.OPEN if stale else Verdict.GRANTED


class Consents:
    """The consent manager."""

    def __init__(self, store: ConsentStore, rules: Rules, clock: Clock = time.time) -> None:
        self.rules = rules
        self.clock = clock
        self.store = store

    async def standing(self, user: str, client: str, transport: str, needs: Sequence[Need]) -> Standing:
        """One read. Where a setting grants something, that it did is recorded first."""
        now = self.clock()
        capabilities = [need.capability for need in needs]
        known = await self.store.known(user, client, _as_json(tuple(capabilities)), now)
        by_setting: dict[str, float] = {}
        if self.rules.mode(transport) is Mode.GRANTED:
            by_setting = await self._by_setting(user, capabilities, known, now)
        return Standing(known.decisions, self._taint(transport, known.exposed, now), by_setting, now)

    async def answered(
        self, user: str, pairs: Sequence[tuple[str, str]], choice: Choice, asking: str, decided_by: str
    ) -> bool:
        """Remembers what was answered for the (capability, resource) `pairs` of the question `asking`. False where the
        question had been answered already: the answer then counts for nothing."""
        now = self.clock()
        until = self._until(choice, now)
        decisions = [
            Decision(user, capability, resource, choice is not Choice.NO, now, until, decided_by, Way.ASKED)
            for capability, resource in pairs
        ]
        return await self.store.record(decisions, asking)

    async def exposed(self, user: str, client: str, transport: str) -> None:
        """Untrusted text is about to be shown to the caller."""
        if self.rules.is_tainting(transport):
            await self.store.expose(user, client, self.clock(), self.rules.window / _LAG)

    def _taint(self, transport: str, exposed: float | None, now: float) -> float | None:
        """Not every showing is written, so a window is longer by what may be missing, never shorter."""
        if exposed is None or not self.rules.is_tainting(transport):
            return None
        return exposed if now < exposed + self.rules.window * (1 + 1 / _LAG) else None

    def _until(self, choice: Choice, now: float) -> float:
        match choice:
            case Choice.ONCE:
                return now
            case Choice.DAY:
                return next_midnight(now, self.rules.zone)
            case Choice.LONG:
                return now + self.rules.days * 86_400
            case Choice.NO:
                return now + self.rules.refusal

    async def _by_setting(self, user: str, capabilities: Sequence[str], known: Known, now: float) -> dict[str, float]:
        """Since when each is granted by the setting. Whoever revoked such a consent is asked again until the setting
        is made anew, by somebody else or for another reason."""
        rules = self.rules
        granted: dict[str, float] = {}
        for capability in capabilities:
            if capability in rules.always_ask:
                continue
            before = [
                each
                for each in known.decisions
                if each.way is Way.SETTING
                and (each.capability, each.decided_by, each.reason) == (capability, rules.granted_by, rules.reason)
            ]
            if not before:
                decision = Decision(
                    user, capability, EVERY, True, now, None, rules.granted_by, Way.SETTING, rules.reason
                )
                await self.store.record([decision])
                granted[capability] = now
            elif all(each.revoked is None for each in before):
                granted[capability] = before[-1].decided
        return granted


@cache
def _as_json(capabilities: tuple[str, ...]) -> str:
    """Of the few sets that declarations name."""
    return json.dumps(capabilities)


def next_midnight(now: float, zone: ZoneInfo) -> float:
    """When the day of `now` ends in `zone`. Both are unix seconds."""
    today = datetime.fromtimestamp(now, UTC).astimezone(zone).date()
    return datetime.combine(today + timedelta(days=1), time_of_day(), zone).timestamp()
