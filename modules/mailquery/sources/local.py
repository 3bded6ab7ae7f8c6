"""What the readers of local files share: where they are, what they fill, how far they have come."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path

from mailquery.domain.mailboxes import MailboxRole
from mailquery.domain.messages import Problem, ProblemCode
from mailquery.sources.interfaces import SourceMessage, UnreadablePlace
from mailquery.sources.naming import printable
from mailquery.sources.roles import role_of

MESSAGE_LIMIT = 150 * 1024 * 1024  # bytes; servers accept a third of it at most

Item = SourceMessage | UnreadablePlace


class Quoting(Enum):
    """How an mbox keeps body lines that begin with "From "."""

    AUTO = "mbox"  # mboxrd, but a message whose Content-Length is right and that has such a line is not quoted
    MBOXO = "mboxo"  # ">From " is "From "
    MBOXRD = "mboxrd"  # one ">" is taken from ">From ", ">>From ", ...
    MBOXCL = "mboxcl"  # as mboxrd, with Content-Length
    MBOXCL2 = "mboxcl2"  # as they are, with Content-Length


@dataclass(frozen=True, slots=True)
class Settings:
    """How to read. `only` is a format the user insists on; `mailbox` takes the place of every name found."""

    only: str | None = None  # mbox, eml, emlx, maildir
    insist: bool = False  # `only` holds for a file that does not look like it, too
    quoting: Quoting = Quoting.AUTO
    mailbox: str | None = None
    limit: int = MESSAGE_LIMIT

    def insisting(self) -> "Settings":
        return replace(self, insist=True)


def unreadable(locator: str, code: ProblemCode, detail: str) -> UnreadablePlace:
    return UnreadablePlace(printable(locator), Problem(code, detail))


class Progress:
    """The bytes read so far and the mailboxes met. Written by the reading thread alone."""

    def __init__(self) -> None:
        self.position = 0
        self.mailboxes: dict[str, MailboxRole] = {}

    def advance(self, count: int) -> None:
        self.position += count

    def fills(self, mailbox: str) -> str:
        if mailbox not in self.mailboxes:
            self.mailboxes[mailbox] = role_of(mailbox)
        return mailbox


class LocalSource(ABC):
    """A `MailSource` in local files; subclasses read them."""

    def __init__(self, path: Path, settings: Settings) -> None:
        self._path = path
        self._settings = settings
        self._progress = Progress()

    @property
    def path(self) -> str:
        return printable(str(self._path))

    def position(self) -> int:
        return self._progress.position

    @abstractmethod
    def size(self) -> int: ...

    def mailboxes(self) -> tuple[tuple[str, MailboxRole], ...]:
        return tuple(self._progress.mailboxes.copy().items())

    def __iter__(self) -> Iterator[Item]:
        # A second reading counts from the start again.
        self._progress.position = 0
        return self._read()

    @abstractmethod
    def _read(self) -> Iterator[Item]: ...
