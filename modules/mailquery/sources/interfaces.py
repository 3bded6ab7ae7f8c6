"""What every kind of source gives."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from mailquery.domain.mailboxes import MailboxRole, Placement
from mailquery.domain.messages import Problem


@dataclass(frozen=True, slots=True)
class SourceMessage:
    """One message of a source. `raw` is what was sent: mbox quoting is undone, an .emlx wrapper taken off."""

    raw: bytes
    placements: tuple[Placement, ...]
    source_date: datetime | None  # UTC: the From_ line, the file's time, INTERNALDATE
    gmail_thread_id: str = ""
    problems: tuple[Problem, ...] = ()  # found while reading: cut off, over the size limit


@dataclass(frozen=True, slots=True)
class UnreadablePlace:
    """A place where a message was expected and could not be read."""

    locator: str
    problem: Problem


class MailSource(Protocol):
    """Mail in files. Reading is sequential and needs memory for one message, whatever the source's size."""

    @property
    def format(self) -> str:
        """mbox, maildir, eml, emlx: the word that `--format` takes."""
        ...

    @property
    def path(self) -> str: ...

    def size(self) -> int:
        """Bytes to be read, as `position` counts them."""
        ...

    def position(self) -> int:
        """Bytes read so far. May be asked from another thread."""
        ...

    def mailboxes(self) -> tuple[tuple[str, MailboxRole], ...]:
        """The mailboxes that this source fills, as far as they are known by now; all of them at its end."""
        ...

    def __iter__(self) -> Iterator[SourceMessage | UnreadablePlace]: ...
