"""What a message of the sample mailbox is before it is put into bytes."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone


@dataclass(frozen=True, slots=True)
class Person:
    name: str
    address: str
    hours: int = 1  # the sender's offset from UTC
    language: str = "en"


@dataclass(frozen=True, slots=True)
class File:
    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Letter:
    """`at` is UTC. `answers` is the letter that this one replies to, whose text is quoted below its own."""

    at: datetime
    sender: Person
    to: tuple[Person, ...]
    subject: str
    text: str
    html: str = ""
    cc: tuple[Person, ...] = ()
    answers: "Letter | None" = None
    files: tuple[File, ...] = ()
    mailbox: str = "INBOX"
    flags: str = "S"  # Maildir letters
    charset: str = "utf-8"
    list_id: str = ""
    quote: bool = True


def at(text: str, hours: int = 1) -> datetime:
    """An instant from local time "2026-03-09 10:15" at `hours` from UTC."""
    local = datetime.fromisoformat(text).replace(tzinfo=timezone(timedelta(hours=hours)))
    return local.astimezone(UTC)


def talk(
    subject: str, *turns: tuple[str, Person, str], me: Person, cc: tuple[Person, ...] = (), **same: str
) -> list[Letter]:
    """A conversation: each turn (local time, sender, text) answers the one before and goes to everybody else in it.
    What `me` writes lies in Sent, answered letters are flagged so."""
    people = tuple(dict.fromkeys(sender for _, sender, _ in turns))
    letters: list[Letter] = []
    for when, sender, text in turns:
        before = letters[-1] if letters else None
        letter = Letter(
            at=at(when, sender.hours),
            sender=sender,
            to=tuple(person for person in people if person != sender) or (me,),
            cc=cc,
            subject=subject if before is None else f"Re: {subject}",
            text=text.strip(),
            answers=before,
            mailbox="Sent" if sender == me else same.get("mailbox", "INBOX"),
            charset=same.get("charset", "utf-8"),
        )
        if before is not None and sender == me:
            letters[-1] = replace(before, flags="RS")
            letter = replace(letter, answers=letters[-1])
        letters.append(letter)
    return letters
