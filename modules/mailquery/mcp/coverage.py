"""What an answer looked at, as it is told to the caller."""

from collections.abc import Sequence
from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from mailquery.mcp import shown
from mailquery.services.filters import Reading
from mcpkit.security.untrusted import safe_line

_MOST_NAMES = 12
_READ_AS_CHARS = 500
_NOTE_CHARS = 300
_MOST_NOTES = 5


class Coverage(BaseModel):
    """Counts and dates are of the archive as far as the caller may see it."""

    model_config = ConfigDict(frozen=True)

    messages: int = Field(description="Messages in the archive.")
    newest: str | None = Field(default=None, description="Date of the newest of them.")
    refreshed: str | None = Field(default=None, description="When mail was last imported or synchronised.")
    accounts: list[str] | None = Field(default=None, description="Accounts searched.")
    mailboxes: list[str] | None = Field(default=None, description="Mailboxes searched, the first ones.")
    mailbox_count: int | None = Field(default=None, description="How many mailboxes were searched.")
    read_as: str | None = Field(default=None, description="How the conditions were understood.")
    notes: list[str] | None = Field(default=None, description="What to know about how the query was read.")

    @classmethod
    def of(cls, reading: Reading) -> Self:
        covered = reading.coverage
        return cls(
            messages=covered.messages,
            newest=shown.maybe_when(covered.newest),
            refreshed=shown.maybe_when(covered.refreshed),
            accounts=shown.mailboxes(covered.accounts[:_MOST_NAMES]),
            mailboxes=shown.mailboxes(covered.mailboxes[:_MOST_NAMES]),
            mailbox_count=len(covered.mailboxes),
            read_as=safe_line(reading.read_as, _READ_AS_CHARS),
            notes=[safe_line(note, _NOTE_CHARS) for note in reading.notes[:_MOST_NOTES]] or None,
        )

    def short(self) -> Self:
        """Without names and notes."""
        return type(self)(messages=self.messages, newest=self.newest)

    def as_text(self) -> str:
        parts = [f"archive: {shown.plural(self.messages, 'message')}"]
        if self.newest:
            parts.append(f"newest {self.newest}")
        if self.refreshed:
            parts.append(f"refreshed {self.refreshed}")
        if self.accounts:
            parts.append(f"accounts: {', '.join(self.accounts)}")
        if self.mailboxes:
            parts.append(f"mailboxes: {_some(self.mailboxes, self.mailbox_count or 0)}")
        lines = ["; ".join(parts)]
        if self.read_as:
            lines.append(f"read as: {self.read_as}")
        lines += [f"note: {note}" for note in self.notes or ()]
        return "\n".join(lines)


def _some(names: Sequence[str], count: int) -> str:
    more = f" +{count - len(names)}" if count > len(names) else ""
    return ", ".join(names) + more
