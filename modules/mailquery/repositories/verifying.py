"""What is looked at in an archive, and what can be found wrong."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Check(StrEnum):
    """What is looked at. The order is that in which one needs the other."""

    DATABASE = "database"  # the structure of the files, and what their rows refer to
    MESSAGES = "messages"  # the bytes of each message, against the hashes by which it is known
    BODIES = "bodies"  # the texts that were made of them
    INDEX = "index"  # what is searched, against the texts
    COUNTS = "counts"  # numbers and flags that are kept beside what they count
    ATTACHMENTS = "attachments"  # what was read in attachments
    VECTORS = "vectors"  # search by meaning
    AUDIT = "audit"
    CREDENTIALS = "credentials"


class Remedy(StrEnum):
    RESTORE = "restore"
    REINDEX = "reindex"
    IMPORT = "import"
    AUDIT = "audit"
    SIGN_IN = "sign in"


@dataclass(frozen=True, slots=True)
class Damage:
    """`what` is a sentence without a full stop. `message` is the id of the message that it is of, and `locator` where
    that was imported from; empty where it is of none."""

    check: Check
    what: str
    remedy: Remedy
    message: str = ""
    locator: str = ""


@dataclass(frozen=True, slots=True)
class Examined:
    """`count` is how many things of what the check looks at were examined."""

    check: Check
    count: int
    damages: Sequence[Damage] = ()


class VerificationRepository(Protocol):
    """Looks, and changes nothing. Each call sees one state of the archive, while others go on writing to it. What
    cannot be looked at, since something below it is damaged, is a damage as well; nothing is raised for it."""

    async def database(self) -> Examined:
        """The structure of the archive's file, whatever it takes."""
        ...

    async def totals(self) -> Sequence[Examined]:
        """The index as a whole, counts, attachments and vectors."""
        ...

    async def sequences_after(self, sequence: int, limit: int) -> Sequence[int]:
        """Of messages, in the order in which they were added."""
        ...

    async def sample(self, size: int) -> Sequence[int]:
        """The sequences of so many messages by chance, ascending."""
        ...

    async def messages(self, sequences: Sequence[int], *, all_words: bool) -> Sequence[Examined]:
        """Messages one by one, with their texts and what is searched of them: some of their words, or all."""
        ...

    async def total(self, after: int) -> int:
        """How many messages were added after the one of this sequence."""
        ...


class CallersVerification(Protocol):
    """The same for what is kept of those who call: consents, keys, credentials, the audit."""

    async def database(self) -> Examined: ...

    async def audit(self) -> Examined: ...

    async def credentials(self) -> Examined: ...
