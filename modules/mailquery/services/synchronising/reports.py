"""What a synchronisation is told, and what it tells."""

from dataclasses import dataclass

from mailquery.repositories.synchronising import DeletionQuestion


@dataclass(frozen=True, slots=True)
class SyncOptions:
    """`connections` are those to the server at a time, at most. `batch_bytes` of mail are asked for at once on each.
    Messages are parsed in `workers` processes. A run that lasts longer than `longest` seconds ends, with what it has
    stored, and the next one goes on."""

    connections: int = 4
    batch_bytes: int = 4 * 1024 * 1024
    workers: int = 1
    longest: float = 86_400.0


@dataclass(frozen=True, slots=True)
class SyncProgress:
    """How far a synchronisation is: `stored` of `wanted` messages that the server has and the archive had not. `wanted`
    grows while mailboxes are looked at. `added` of the stored ones are new in the archive; the others were there, by
    an import or in another mailbox. `mailbox` is the one that was written to last. `seconds` since the start."""

    account: str
    mailbox: str
    stored: int
    wanted: int
    added: int
    bytes_received: int
    seconds: float


@dataclass(frozen=True, slots=True)
class MailboxFailure:
    """A mailbox that could not be read in full, and why, in a sentence. What is missing of it stays in the archive, and
    the next synchronisation tries again."""

    mailbox: str
    reason: str


@dataclass(frozen=True, slots=True)
class SyncSummary:
    """What a synchronisation did, in messages: `added` are new in the archive, `placed` lie in a mailbox in which the
    archive did not have them (those that are new, were moved or copied, or were imported before). `flags` have other
    flags or labels. `gone` are on the server no more, `moved` are gone from a mailbox and lie in another. `partial` of
    the added ones are too large to be fetched whole.

    `mailboxes` are those that are synchronised, `unchanged` those of them that were as they had been. `questions` are
    mailboxes of which so much is missing that the archive waits for an answer; `failed` are those that could not be
    read in full. `problems` counts what could not be parsed in full, as an import does."""

    account: str
    added: int = 0
    placed: int = 0
    flags: int = 0
    moved: int = 0
    gone: int = 0
    partial: int = 0
    problems: int = 0
    mailboxes: int = 0
    unchanged: int = 0
    questions: tuple[DeletionQuestion, ...] = ()
    failed: tuple[MailboxFailure, ...] = ()
    bytes_received: int = 0
    seconds: float = 0.0
