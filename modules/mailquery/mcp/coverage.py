"""What an answer looked at, as it is told to the caller."""

from collections.abc import Sequence
from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from mailquery.domain.counts import plural
from mailquery.mcp import shown
from mailquery.services.background.freshness import Freshness, Standing
from mailquery.services.filters import Reading
from mcpkit.security.untrusted import safe_line

_MOST_NAMES = 12
_READ_AS_CHARS = 500
_NOTE_CHARS = 300
_MOST_NOTES = 5


class FreshnessShown(BaseModel):
    model_config = ConfigDict(frozen=True)

    account: str
    standing: Standing
    synchronised: str | None = Field(default=None, description="When it was last in step with its server.")
    pending: int | None = Field(default=None, description="Messages that are on the server only, and not searched.")
    new: int | None = Field(default=None, description="Messages that were brought in for this answer.")
    reason: str | None = Field(default=None, description="Why it is not fresh, and what helps.")

    @classmethod
    def of(cls, found: Freshness) -> Self:
        return cls(
            account=shown.mailboxes((found.account,))[0],
            standing=found.standing,
            synchronised=shown.maybe_when(found.synchronised),
            pending=found.pending or None,
            new=found.brought,
            reason=safe_line(found.reason, _NOTE_CHARS) or None,
        )

    def as_text(self) -> str:
        facts = [self.standing.value, f"synchronised {self.synchronised}" if self.synchronised else None]
        facts += [f"{plural(self.pending, 'message')} on the server only" if self.pending else None]
        facts += [f"{self.new:,} new" if self.new is not None else None, self.reason]
        return f"{self.account}: {', '.join(fact for fact in facts if fact)}"


class Coverage(BaseModel):
    """Counts and dates are of the archive as far as the caller may see it."""

    model_config = ConfigDict(frozen=True)

    messages: int = Field(description="Messages in the archive.")
    newest: str | None = Field(default=None, description="Date of the newest of them.")
    refreshed: str | None = Field(default=None, description="When mail was last imported or synchronised.")
    accounts: list[str] | None = Field(default=None, description="Accounts searched.")
    mailboxes: list[str] | None = Field(default=None, description="Mailboxes searched, the first ones.")
    mailbox_count: int | None = Field(default=None, description="How many mailboxes were searched.")
    freshness: list[FreshnessShown] | None = Field(
        default=None, description="Of the accounts on mail servers that were searched, the first ones."
    )
    read_as: str | None = Field(default=None, description="How the conditions were understood.")
    notes: list[str] | None = Field(default=None, description="What to know about how the query was read.")

    @classmethod
    def of(cls, reading: Reading, freshness: Sequence[Freshness] = ()) -> Self:
        covered = reading.coverage
        return cls(
            messages=covered.messages,
            newest=shown.maybe_when(covered.newest),
            refreshed=shown.maybe_when(covered.refreshed),
            accounts=shown.mailboxes(covered.accounts[:_MOST_NAMES]),
            mailboxes=shown.mailboxes(covered.mailboxes[:_MOST_NAMES]),
            mailbox_count=len(covered.mailboxes),
            freshness=[FreshnessShown.of(each) for each in freshness[:_MOST_NAMES]] or None,
            read_as=safe_line(reading.read_as, _READ_AS_CHARS),
            notes=[safe_line(note, _NOTE_CHARS) for note in reading.notes[:_MOST_NOTES]] or None,
        )

    def short(self) -> Self:
        """Without names and notes."""
        return type(self)(messages=self.messages, newest=self.newest)

    def as_text(self) -> str:
        parts = [f"archive: {plural(self.messages, 'message')}"]
        if self.newest:
            parts.append(f"newest {self.newest}")
        if self.refreshed:
            parts.append(f"refreshed {self.refreshed}")
        if self.accounts:
            parts.append(f"accounts: {', '.join(self.accounts)}")
        if self.mailboxes:
            parts.append(f"mailboxes: {_some(self.mailboxes, self.mailbox_count or 0)}")
        lines = ["; ".join(parts)]
        lines += [f"account {account.as_text()}" for account in self.freshness or ()]
        if self.read_as:
            lines.append(f"read as: {self.read_as}")
        lines += [f"note: {note}" for note in self.notes or ()]
        return "\n".join(lines)


def _some(names: Sequence[str], count: int) -> str:
    more = f" +{count - len(names)}" if count > len(names) else ""
    return ", ".join(names) + more
