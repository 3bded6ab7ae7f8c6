"""Known-item questions: each is answered by one message, which a search should find."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import Message
from pathlib import Path

from mailbench.questions import plain_text

_QUESTIONS = Path(__file__).parents[1] / "questions"


@dataclass(frozen=True, slots=True)
class KnownItem:
    """`query` is what an assistant would send for `question`; `kind` is how the question is worded: in the message's
    own words (lexical, as worded), as somebody remembers it (memory), mostly in other words (reworded), or in none of
    the message's words at all (paraphrase). `tuned` is whether weights may be chosen by it; the others are for
    reporting."""

    question: str
    query: str
    kind: str
    message_id: str
    tuned: bool


@dataclass(frozen=True, slots=True)
class Mail:
    message_id: str
    sender: str
    subject: str
    text: str


def known_items() -> list[KnownItem]:
    """All questions of `bench/questions`; every second one of a file is for tuning."""
    return [
        KnownItem(**entry, tuned=number % 2 == 0)
        for path in sorted(_QUESTIONS.glob("*.json"))
        for number, entry in enumerate(json.loads(path.read_text("utf-8")))
    ]


def read_mail(maildir: Path) -> Iterator[Mail]:
    """The messages of a Maildir by the standard library's parser."""
    for path in sorted((maildir / "cur").iterdir()):
        message = message_from_bytes(path.read_bytes())
        identifier = str(message["Message-ID"] or "").strip().strip("<>")
        yield Mail(identifier, _header(message, "From"), _header(message, "Subject"), plain_text(message))


def _header(message: Message, name: str) -> str:
    try:
        return str(make_header(decode_header(str(message[name] or ""))))
    except (LookupError, ValueError):
        return ""
