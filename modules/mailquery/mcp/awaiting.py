"""The tool that finds threads in which somebody waits for an answer."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr

from mailquery.domain.counts import plural
from mailquery.domain.handles import message_handle, thread_handle
from mailquery.mcp import shown
from mailquery.mcp.arguments import READ, Cursor, FilterArguments, MaxChars, visibility
from mailquery.mcp.coverage import Coverage
from mailquery.repositories.records import Side
from mailquery.services.awaiting import MOST_DAYS, MOST_THREADS, Awaited, AwaitingReply, Direction, Waiting
from mcpkit.protocol.calls import Call
from mcpkit.protocol.declarations import Tool, Truncated, UntrustedResult
from mcpkit.security.untrusted import safe_line, untrusted

_SUBJECT_CHARS = 150
_SENTENCE_CHARS = 240
_PERSON_CHARS = 120
_MOST_PEOPLE = 3
_MOST_OWN = 10


class AwaitingReplyArguments(FilterArguments):
    direction: Literal["us", "them", "both"] = Field(
        default="both", description="us: they asked and wait for us. them: ours is unanswered."
    )
    days: int | None = Field(default=None, ge=0, le=MOST_DAYS, description="Least age in days of ours (3).")
    limit: int = Field(default=20, ge=1, le=MOST_THREADS, description="Most threads.")
    cursor: Cursor = None
    max_chars: MaxChars = None


class WaitingShown(BaseModel):
    model_config = ConfigDict(frozen=True)

    id: str = Field(description="The last message.")
    thread_id: str
    waits_for: Literal["us", "them"]
    who: list[str] = Field(description=f"Who asked us; or whom we wrote to, the first ones. {shown.UNTRUSTED}")
    since: str
    days: int = Field(description="Whole days since then.")
    subject: str
    asks: str | None = Field(default=None, description=f"The sentence that asks, {shown.UNTRUSTED}.")

    @classmethod
    def of(cls, waiting: Waiting, now: datetime) -> "WaitingShown":
        row = waiting.row
        people = row.from_ if waiting.side is Side.US else row.to
        return cls(
            id=message_handle(row.key),
            thread_id=thread_handle(row.thread_key),
            waits_for=waiting.side.value,
            who=[shown.person(each, _PERSON_CHARS) for each in people[:_MOST_PEOPLE]],
            since=shown.when(row.date, row.utc_offset),
            days=max(0, (now - row.date).days),
            subject=shown.subject(row.subject, _SUBJECT_CHARS),
            asks=safe_line(waiting.sentence, _SENTENCE_CHARS) or None,
        )

    def as_text(self) -> str:
        who = f"from {', '.join(self.who)}" if self.waits_for == "us" else f"to {', '.join(self.who)}"
        waits = f"waits for {self.waits_for} since {self.since} ({plural(self.days, 'day')})"
        asks = f"\n  {self.asks}" if self.asks else ""
        return f"{self.id} ({self.thread_id}) | {waits} | {who} | {self.subject}{asks}"


class AwaitingReplyResult(UntrustedResult):
    ours: list[str] = Field(description="Whose mail it is: the first of our addresses and @domains.")
    threads: list[WaitingShown] = Field(description="Newest first.")
    looked_at: int = Field(description="Last messages of threads that were looked at.")
    back_to: str | None = Field(default=None, description="Date of the oldest of them.")
    days: int = Field(description="Least age of ours that is unanswered.")
    coverage: Coverage | None = None
    cursor: str | None = None
    truncated: Truncated | None = None

    _found: Awaited = PrivateAttr()
    _coverage: Coverage = PrivateAttr()
    _all: list[WaitingShown] = PrivateAttr()

    @classmethod
    def of(cls, found: Awaited) -> "AwaitingReplyResult":
        base = cls(
            ours=shown.mailboxes(found.me[:_MOST_OWN]),
            threads=[],
            looked_at=found.read,
            back_to=shown.maybe_when(found.read_to),
            days=found.days,
        )
        base._found = found
        base._coverage = Coverage.of(found.reading)
        base._all = [WaitingShown.of(each, found.now) for each in found.threads]
        return base.keep(base.units())

    def units(self) -> int:
        """A step without threads; the threads, one by one; the coverage in full."""
        return len(self._all) + 2

    def keep(self, units: int) -> "AwaitingReplyResult":
        count = max(0, min(units - 1, len(self._all)))
        coverage = None
        if units >= self.units():
            coverage = self._coverage
        elif count > 1:
            coverage = self._coverage.short()
        rest = len(self._all) - count
        truncated = cursor = None
        if rest or self._found.more:
            omitted = rest + (1 if self._found.more else 0)
            truncated = Truncated(unit="threads", returned=count, omitted=omitted, next="pass `cursor`")
            cursor = self._found.cursor_after(count)
        return self.model_copy(
            update={"threads": self._all[:count], "coverage": coverage, "cursor": cursor, "truncated": truncated}
        )

    def disclosed(self) -> Sequence[str]:
        return [thread.id for thread in self.threads]

    def as_text(self) -> str:
        looked = f"looked at the last messages of {plural(self.looked_at, 'thread')}"
        lines = [
            f"{plural(len(self.threads), 'thread')} for {', '.join(self.ours)}, newest first; {looked}"
            + (f", back to {self.back_to}." if self.back_to else ".")
        ]
        theirs = [thread.as_text() for thread in self.threads]
        if self.coverage:
            theirs.append(self.coverage.as_text())
        lines.append(untrusted("\n".join(theirs)))
        if self.cursor:
            lines.append(f"There may be more: cursor={self.cursor}")
        return "\n".join(line for line in lines if line)


def awaiting_reply(awaiting: AwaitingReply) -> Tool[AwaitingReplyArguments, AwaitingReplyResult]:
    async def handler(call: Call, arguments: AwaitingReplyArguments) -> AwaitingReplyResult:
        found = await awaiting(
            visibility(call),
            arguments.filters(),
            direction=Direction(arguments.direction),
            days=arguments.days,
            limit=arguments.limit,
            cursor=arguments.cursor,
        )
        return AwaitingReplyResult.of(found)

    return Tool(
        name="awaiting_reply",
        title="What waits for an answer",
        description=(
            "Conversations that wait: the last message is to us and asks something, or is ours and has no answer. "
            "Gives ids, who, since when and the sentence that asks. Conditions hold for that last message. Lists, bulk "
            "and automatic mail are left out."
        ),
        arguments=AwaitingReplyArguments,
        result=AwaitingReplyResult,
        permission=READ,
        preset=("account", "days", "limit", "max_chars"),
        handler=handler,
        untrusted=True,
    )
