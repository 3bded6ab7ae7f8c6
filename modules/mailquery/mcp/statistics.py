"""The tool that counts."""

from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr

from mailquery.mcp import shown
from mailquery.mcp.arguments import STATISTICS, FilterArguments, MaxChars, visibility
from mailquery.mcp.coverage import Coverage
from mailquery.repositories.records import Group, GroupBy
from mailquery.services.statistics import MOST_GROUPS, Counted, MailStatistics
from mcpkit.protocol.calls import Call
from mcpkit.protocol.declarations import Result, Tool, Truncated
from mcpkit.security.untrusted import clean_line

Grouping = Literal["sender", "domain", "recipient", "mailbox", "day", "week", "month", "year"]


class StatisticsArguments(FilterArguments):
    group_by: Grouping = Field(description="What is counted.")
    limit: int = Field(default=20, ge=1, le=MOST_GROUPS, description="Most groups; the remainder is stated.")
    max_chars: MaxChars = None


class GroupShown(BaseModel):
    model_config = ConfigDict(frozen=True)

    key: str
    account: str | None = Field(default=None, description="Of a mailbox.")
    messages: int
    bytes: int
    unread: int
    first: str = Field(description="Day of the oldest message.")
    last: str = Field(description="Day of the newest message.")

    @classmethod
    def of(cls, group: Group, zone: ZoneInfo) -> "GroupShown":
        return cls(
            key=clean_line(group.key, shown.ADDRESS_CHARS) or "(none)",
            account=shown.mailboxes((group.account,))[0] or None,
            messages=group.messages,
            bytes=group.bytes,
            unread=group.unread,
            first=shown.day(group.first, zone),
            last=shown.day(group.last, zone),
        )

    def as_text(self) -> str:
        size = f"{self.bytes:,} bytes"
        unread = f" | {self.unread:,} unread" if self.unread else ""
        name = f"{self.account}: {self.key}" if self.account else self.key
        return f"{name} | {shown.plural(self.messages, 'message')} | {size}{unread} | {self.first} to {self.last}"


class Remainder(BaseModel):
    model_config = ConfigDict(frozen=True)

    groups: int
    messages: int | None = Field(default=None, description="Left out where messages are in several groups.")


class StatisticsResult(Result):
    group_by: Grouping
    time_zone: str = Field(description="In which days begin, and of the groups' dates.")
    messages: int = Field(description="Messages that match, exactly.")
    bytes: int = Field(description="Bytes of those messages.")
    group_count: int
    groups: list[GroupShown] = Field(description="The largest groups; of periods the newest.")
    remainder: Remainder | None = Field(default=None, description="What is not in `groups`.")
    coverage: Coverage | None = None
    truncated: Truncated | None = None

    _counted: Counted = PrivateAttr()
    _whole: "StatisticsResult" = PrivateAttr()

    @classmethod
    def of(cls, counted: Counted) -> "StatisticsResult":
        whole = cls(
            group_by=counted.group_by.value,
            time_zone=str(counted.zone),
            messages=counted.messages,
            bytes=counted.bytes,
            group_count=counted.group_count,
            groups=[GroupShown.of(group, counted.zone) for group in counted.groups],
            remainder=_remainder(counted, len(counted.groups)),
            coverage=Coverage.of(counted.reading),
        )
        whole._counted = counted
        whole._whole = whole
        return whole

    def units(self) -> int:
        """The sums; the groups, one by one; the coverage in full."""
        return len(self._counted.groups) + 2

    def keep(self, units: int) -> "StatisticsResult":
        whole = self._whole
        if units >= whole.units():
            return whole
        total = len(self._counted.groups)
        count = max(0, min(units - 1, total))
        truncated = None
        if count < total:
            truncated = Truncated(
                unit="groups", returned=count, omitted=total - count, next="a larger max_chars, or a narrower query"
            )
        return whole.model_copy(
            update={
                "groups": whole.groups[:count],
                "remainder": _remainder(self._counted, count),
                "coverage": whole.coverage.short() if whole.coverage and count > 1 else None,
                "truncated": truncated,
            }
        )

    def as_text(self) -> str:
        lines = [
            f"{shown.plural(self.messages, 'message')}, {self.bytes:,} bytes; "
            f"by {self.group_by}: {shown.plural(self.group_count, 'group')}. Days of {self.time_zone}."
        ]
        lines += [group.as_text() for group in self.groups]
        if self.remainder:
            of_them = f" with {shown.plural(self.remainder.messages, 'message')}" if self.remainder.messages else ""
            lines.append(f"not shown: {shown.plural(self.remainder.groups, 'group')}{of_them}")
        if self.truncated:
            lines.append(f"{self.truncated.omitted:,} {self.truncated.unit} left out: {self.truncated.next}")
        if self.coverage:
            lines.append(self.coverage.as_text())
        return "\n".join(lines)


def _remainder(counted: Counted, shown_groups: int) -> Remainder | None:
    groups = counted.group_count - shown_groups
    return Remainder(groups=groups, messages=counted.left_over(shown_groups)) if groups > 0 else None


def mail_statistics(statistics: MailStatistics) -> Tool[StatisticsArguments, StatisticsResult]:
    async def handler(call: Call, arguments: StatisticsArguments) -> StatisticsResult:
        counted = await statistics(
            visibility(call), arguments.filters(), group_by=GroupBy(arguments.group_by), limit=arguments.limit
        )
        return StatisticsResult.of(counted)

    return Tool(
        name="mail_statistics",
        title="Count mail",
        description=(
            "Count messages and bytes, exactly, by sender, domain, recipient, mailbox or period, over any "
            "conditions. Gives the largest groups (the newest periods) and says how much is not in them."
        ),
        arguments=StatisticsArguments,
        result=StatisticsResult,
        permission=STATISTICS,
        handler=handler,
    )
