"""The tool that counts."""

from collections.abc import Sequence
from typing import Any, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr

from mailquery.domain.counts import plural
from mailquery.mcp import shown
from mailquery.mcp.arguments import STATISTICS, FilterArguments, MaxChars, visibility
from mailquery.mcp.coverage import Coverage
from mailquery.repositories.groups import Group, GroupBy
from mailquery.services.statistics import MOST_GROUPS, MOST_PARTS, Counted, MailStatistics, parts_left_over
from mcpkit.protocol.calls import Call
from mcpkit.protocol.declarations import Tool, Truncated, UntrustedResult
from mcpkit.security.untrusted import safe_line, untrusted

Grouping = Literal[
    "sender",
    "domain",
    "recipient",
    "mailbox",
    "list",
    "attachment_type",
    "hour",
    "day",
    "week",
    "month",
    "year",
]


class StatisticsArguments(FilterArguments):
    group_by: Grouping = Field(description="hour is that of the day.")
    then_by: Grouping | None = Field(default=None, description="Each group again by this: sender, then month.")
    limit: int | None = Field(default=None, ge=1, le=MOST_GROUPS, description="Most groups (20).")
    then_limit: int = Field(default=12, ge=1, le=MOST_PARTS, description="Most parts of a group.")
    max_chars: MaxChars = None


class Remainder(BaseModel):
    model_config = ConfigDict(frozen=True)

    groups: int
    messages: int | None = Field(default=None, description="Left out where messages are in several groups.")

    def as_text(self) -> str:
        of_them = f" with {plural(self.messages, 'message')}" if self.messages else ""
        return f"not shown: {plural(self.groups, 'group')}{of_them}"


class PartShown(BaseModel):
    model_config = ConfigDict(frozen=True)

    key: str
    account: str | None = Field(default=None, description="Of a mailbox.")
    messages: int
    bytes: int = Field(description="Of the messages.")
    unread: int
    first: str = Field(description="Day of the oldest message.")
    last: str = Field(description="Day of the newest message.")

    @classmethod
    def facts(cls, group: Group, zone: ZoneInfo) -> dict[str, Any]:
        return {
            "key": safe_line(group.key, shown.ADDRESS_CHARS) or "(none)",
            "account": shown.mailboxes((group.account,))[0] or None,
            "messages": group.messages,
            "bytes": group.bytes,
            "unread": group.unread,
            "first": shown.day(group.first, zone),
            "last": shown.day(group.last, zone),
        }

    def as_text(self) -> str:
        size = f"{self.bytes:,} bytes"
        unread = f" | {self.unread:,} unread" if self.unread else ""
        name = f"{self.account}: {self.key}" if self.account else self.key
        return f"{name} | {plural(self.messages, 'message')} | {size}{unread} | {self.first} to {self.last}"


class GroupShown(PartShown):
    parts: list[PartShown] | None = Field(default=None, description="The group by `then_by`; of periods the newest.")
    remainder: Remainder | None = Field(default=None, description="What is not in `parts`.")

    @classmethod
    def of(cls, group: Group, zone: ZoneInfo, parts: int) -> "GroupShown":
        """With its first `parts` parts."""
        left = group.part_count - parts
        return cls(
            **cls.facts(group, zone),
            parts=[PartShown(**cls.facts(part, zone)) for part in group.parts[:parts]] or None,
            remainder=Remainder(groups=left, messages=parts_left_over(group, parts)) if left > 0 else None,
        )

    def as_text(self) -> str:
        lines = [super().as_text()]
        lines += [f"  {part.as_text()}" for part in self.parts or ()]
        if self.remainder:
            lines.append(f"  {self.remainder.as_text()}")
        return "\n".join(lines)


class StatisticsResult(UntrustedResult):
    group_by: Grouping
    then_by: Grouping | None = None
    time_zone: str = Field(description="In which days begin, and of the groups' dates.")
    messages: int = Field(description="Messages that match, exactly.")
    bytes: int = Field(description="Bytes of those messages.")
    unread: int
    first: str | None = Field(default=None, description="Day of the oldest message that matches.")
    last: str | None = None
    group_count: int
    groups: list[GroupShown] = Field(description="The largest groups; of periods the newest.")
    remainder: Remainder | None = Field(default=None, description="What is not in `groups`.")
    coverage: Coverage | None = None
    truncated: Truncated | None = None

    _counted: Counted = PrivateAttr()
    _coverage: Coverage = PrivateAttr()

    @classmethod
    def of(cls, counted: Counted) -> "StatisticsResult":
        found = counted.found
        base = cls(
            group_by=counted.group_by.value,
            then_by=counted.then_by.value if counted.then_by else None,
            time_zone=str(counted.zone),
            messages=found.messages,
            bytes=found.bytes,
            unread=found.unread,
            first=shown.day(found.first, counted.zone) if found.first else None,
            last=shown.day(found.last, counted.zone) if found.last else None,
            group_count=found.group_count,
            groups=[],
        )
        base._counted = counted
        base._coverage = Coverage.of(counted.reading)
        return base.keep(base.units())

    def units(self) -> int:
        """The sums; the groups, one by one; the first part of each group, the second of each, and so on; the coverage
        in full."""
        return len(self._counted.groups) + sum(len(group.parts) for group in self._counted.groups) + 2

    def keep(self, units: int) -> "StatisticsResult":
        groups = self._counted.groups
        count = max(0, min(units - 1, len(groups)))
        parts = _in_turn([len(group.parts) for group in groups], max(0, units - 1 - len(groups)))
        entries = [
            GroupShown.of(group, self._counted.zone, most) for group, most in zip(groups[:count], parts, strict=False)
        ]
        coverage = None
        if units >= self.units():
            coverage = self._coverage
        elif count > 1:
            coverage = self._coverage.short()
        return self.model_copy(
            update={
                "groups": entries,
                "remainder": _remainder(self._counted, count),
                "coverage": coverage,
                "truncated": _truncated(groups, count, sum(parts)),
            }
        )

    def as_text(self) -> str:
        span = f", {self.first} to {self.last}" if self.first else ""
        by = f"{self.group_by}, then {self.then_by}" if self.then_by else self.group_by
        lines = [
            f"{plural(self.messages, 'message')}, {self.bytes:,} bytes, {self.unread:,} unread{span}; "
            f"by {by}: {plural(self.group_count, 'group')}. Days of {self.time_zone}."
        ]
        theirs = [group.as_text() for group in self.groups]
        if self.coverage:
            theirs.append(self.coverage.as_text())
        lines.append(untrusted("\n".join(theirs)))
        if self.remainder:
            lines.append(self.remainder.as_text())
        if self.truncated:
            lines.append(f"{self.truncated.omitted:,} {self.truncated.unit} left out: {self.truncated.next}")
        return "\n".join(line for line in lines if line)


def _in_turn(lengths: Sequence[int], budget: int) -> list[int]:
    """How many of each are taken when they are taken one from each in turn, `budget` in all."""
    taken = [0] * len(lengths)
    turn = 0
    while budget > 0 and turn < max(lengths, default=0):
        for index, length in enumerate(lengths):
            if length > turn and budget > 0:
                taken[index] += 1
                budget -= 1
        turn += 1
    return taken


def _truncated(groups: tuple[Group, ...], count: int, parts: int) -> Truncated | None:
    """What did not fit: groups first, else parts of them."""
    total = sum(len(group.parts) for group in groups)
    unit, returned, of = ("groups", count, len(groups)) if count < len(groups) else ("parts", parts, total)
    if returned == of:
        return None
    return Truncated(
        unit=unit, returned=returned, omitted=of - returned, next="a larger max_chars, or a narrower query"
    )


def _remainder(counted: Counted, shown_groups: int) -> Remainder | None:
    groups = counted.found.group_count - shown_groups
    return Remainder(groups=groups, messages=counted.left_over(shown_groups)) if groups > 0 else None


def mail_statistics(statistics: MailStatistics) -> Tool[StatisticsArguments, StatisticsResult]:
    async def handler(call: Call, arguments: StatisticsArguments) -> StatisticsResult:
        counted = await statistics(
            visibility(call),
            arguments.filters(),
            group_by=GroupBy(arguments.group_by),
            limit=arguments.limit,
            then_by=GroupBy(arguments.then_by) if arguments.then_by else None,
            then_limit=arguments.then_limit,
        )
        return StatisticsResult.of(counted)

    return Tool(
        name="mail_statistics",
        title="Count mail",
        description=(
            "Count messages, bytes and unread, exactly, over any conditions, in groups that `then_by` divides again. "
            "Gives the largest groups (the newest periods) and says how much is not in them."
        ),
        arguments=StatisticsArguments,
        result=StatisticsResult,
        permission=STATISTICS,
        preset=("account", "limit", "max_chars"),
        handler=handler,
        untrusted=True,
    )
