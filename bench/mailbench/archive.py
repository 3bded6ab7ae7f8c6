"""A synthetic archive: threads in blocks, each made from (seed, block number) alone, so that blocks run in parallel."""

import os
import random
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar

from mailbench.composing import Draft, compose
from mailbench.vocabulary import LANGUAGES, TERMS, Language, vocabulary

T = TypeVar("T")

FORMAT_VERSION = 2
"""Grows when the same seed no longer gives the same bytes."""

BLOCK = 250
MAILBOXES = ("INBOX", "Sent", "Archive", "Lists")
_START = datetime(2019, 1, 1, tzinfo=UTC)
_SPAN = timedelta(days=6 * 365)
_ME = ("Robin Park", "me@home.example")
_PEOPLE = 400


@dataclass(frozen=True, slots=True)
class Measure:
    """How long what people write is: words as the mean of a logarithm, lines kept of what is answered, the shares of
    plain, alternative and attached messages, and the size of attached files in bytes."""

    words: float = 4.95
    newsletter_words: float = 5.5
    quoted_lines: int = 200
    shapes: tuple[int, int, int] = (46, 40, 9)
    attached: tuple[int, int] = (2_000, 20_000)
    attached_words: int = 150


WORKING = Measure()
"""A working mailbox: 8.7 KB a message in the mean."""

SHORT = Measure(3.45, 4.0, 8, (80, 15, 2), (500, 2_000), 60)
"""Short mail, of which a million messages fit: 2.8 KB in the mean."""


@dataclass(frozen=True, slots=True)
class SyntheticMessage:
    raw: bytes
    text: str  # what a reader sees, for the truth about substrings
    mailbox: str
    flags: str  # Maildir letters, in ASCII order
    date: datetime


@dataclass(frozen=True, slots=True)
class Plan:
    """What is generated: the same plan gives the same bytes, on any machine."""

    messages: int
    seed: int = 20_261_121
    measure: Measure = WORKING

    def blocks(self) -> range:
        return range(-(-self.messages // BLOCK))

    def block(self, number: int) -> Iterator[SyntheticMessage]:
        """The messages of one block in the order of their dates."""
        size = min(BLOCK, self.messages - number * BLOCK)
        rng = random.Random(f"{self.seed}/block/{number}/{self.messages}")
        start = _START + _SPAN * (number * BLOCK / self.messages)
        step = _SPAN / self.messages
        drafts: list[tuple[Draft, str, str]] = []
        while len(drafts) < size:
            opened = start + step * len(drafts)
            drafts.extend(islice(_thread(rng, self, opened), size - len(drafts)))
        drafts.sort(key=lambda item: item[0].date)
        for draft, mailbox, flags in drafts:
            yield SyntheticMessage(compose(draft, rng), draft.text(), mailbox, flags, draft.date)


@dataclass(frozen=True, slots=True)
class Written:
    """What was written: `truth` is the number of messages in whose text a term stands as a substring."""

    messages: int
    bytes: int
    truth: dict[str, int]


def write_maildir(plan: Plan, folder: Path, processes: int | None = None) -> Written:
    """Writes a Maildir++ (`folder` is INBOX). The files are written by the processes that make them."""
    for mailbox in MAILBOXES:
        for part in ("cur", "new", "tmp"):
            (_maildir(folder, mailbox) / part).mkdir(parents=True)
    return _total(each_block(partial(_write_block, folder), plan, processes))


def _thread(rng: random.Random, plan: Plan, opened: datetime) -> Iterator[tuple[Draft, str, str]]:
    seed, measure = plan.seed, plan.measure
    language = rng.choices(LANGUAGES, [language.weight for language in LANGUAGES])[0]
    label, codec = _charset(language, rng)
    people = [_person(language, rng) for _ in range(rng.randint(1, 4))]
    subject = _subject(language, rng, seed)
    newsletter = rng.random() < 0.16
    offset = timedelta(hours=rng.choice((-8, -5, 0, 1, 7, 8, 9)))
    previous: Draft | None = None
    references: list[str] = []
    date = opened
    while True:
        mine = previous is not None and not newsletter and rng.random() < 0.22
        sender = _ME if mine else rng.choice(people)
        others = [person for person in people if person != sender]
        draft = Draft(
            message_id=f"{rng.getrandbits(80):020x}@{sender[1].partition('@')[2]}",
            date=date,
            utc_offset=offset,
            sender=sender,
            to=(others[:2] or [people[0]]) if mine else [_ME],
            cc=others[2:] if mine else others[:2] if rng.random() < 0.4 else [],
            subject=subject if previous is None else f"Re: {subject}",
            charset=label,
            codec=codec,
            paragraphs=_paragraphs(language, rng, seed, measure.newsletter_words if newsletter else measure.words),
            references=list(references),
        )
        if previous is not None:
            draft.attribution = language.attribution.format(
                date=previous.date.strftime("%Y-%m-%d %H:%M"), name=previous.sender[0], address=previous.sender[1]
            )
            history = [line for paragraph in previous.paragraphs for line in paragraph]
            if rng.random() < 0.5:  # whoever answers below trims; whoever answers above keeps it all
                history += [previous.attribution, *(f"> {line}" for line in previous.quoted)] if previous.quoted else []
            draft.quoted = history[: measure.quoted_lines]
        if newsletter:
            draft.list_id = f"news.{sender[1].partition('@')[2]}"
        _shape(draft, language, rng, plan)
        yield draft, _mailbox(draft, mine, rng), _flags(mine, rng)
        if newsletter or rng.random() < 0.26:
            return
        references.append(draft.message_id)
        previous = draft
        date += timedelta(minutes=rng.lognormvariate(4.5, 1.3))


def _charset(language: Language, rng: random.Random) -> tuple[str, str]:
    label, codec, _ = rng.choices(language.charsets, [weight for _, _, weight in language.charsets])[0]
    return label, codec


def _person(language: Language, rng: random.Random) -> tuple[str, str]:
    """A correspondent; a few write most of the mail."""
    number = min(int(rng.paretovariate(0.6)), _PEOPLE)
    name = language.names[number % len(language.names)]
    return name, f"{language.code}{number}@company{number % 37}.example"


def _subject(language: Language, rng: random.Random, seed: int) -> str:
    words = vocabulary(language.code, seed)
    parts = [*words.pick(rng, rng.randint(2, 6)), words.phrase(rng)]
    if language.planted and rng.random() < 0.3:
        parts.append(language.planted[rng.randrange(min(3, len(language.planted)))][0])
    text = language.space.join(parts)
    return text.capitalize() if language.spaced_latin else text


def _paragraphs(language: Language, rng: random.Random, seed: int, mean: float) -> list[list[str]]:
    """Text of log-normal length, in lines. A planted term is never broken over a line."""
    words = vocabulary(language.code, seed)
    length = max(12, int(rng.lognormvariate(mean, 0.85)))
    picked = words.pick(rng, min(length, 4_000))
    for _ in range(length // 25 + 1):
        picked[rng.randrange(len(picked))] = words.phrase(rng)
    for term, share in language.planted:
        if rng.random() < share:
            picked[rng.randrange(len(picked))] = term
    if len(language.endings) > 1:
        endings = rng.choices(language.endings, k=len(picked))
        picked = [word + ending for word, ending in zip(picked, endings, strict=True)]
    elif language.spaced_latin:
        for at in range(0, len(picked), 13):
            picked[at] = picked[at].capitalize()
            picked[at - 1] += "."
    if language.pause:
        for at in range(rng.randint(2, 6), len(picked), 5):
            picked[at] += language.pause
    paragraphs = []
    at = 0
    while at < len(picked):
        paragraph = picked[at : at + rng.randint(25, 90)]
        at += len(paragraph)
        stop = "" if language.spaced_latin else language.stop
        paragraphs.append(
            [language.space.join(paragraph[start : start + 12]) + stop for start in range(0, len(paragraph), 12)]
        )
    return paragraphs


def _shape(draft: Draft, language: Language, rng: random.Random, plan: Plan) -> None:
    if draft.list_id:
        draft.shape = "html"
        return
    draft.shape = rng.choices(("plain", "alternative", "attached"), plan.measure.shapes)[0]
    if draft.shape == "attached":
        name = language.space.join(vocabulary(language.code, plan.seed).pick(rng, 2))
        if any(term in name for term in TERMS):  # the truth is about text, and names are searched too
            name = "report"
        if rng.random() < 0.5:
            text = " ".join(vocabulary("en", plan.seed).pick(rng, plan.measure.attached_words))
            draft.attachment = (f"{name}.txt", "text/plain", text.encode())
        else:
            draft.attachment = (
                f"{name}.pdf",
                "application/pdf",
                b"%PDF-1.4\n" + rng.randbytes(rng.randint(*plan.measure.attached)),
            )


def _mailbox(draft: Draft, mine: bool, rng: random.Random) -> str:
    if mine:
        return "Sent"
    if draft.list_id and rng.random() < 0.8:
        return "Lists"
    return "INBOX" if rng.random() < 0.75 else "Archive"


def _flags(mine: bool, rng: random.Random) -> str:
    if mine:
        return "S"
    flags = "F" if rng.random() < 0.03 else ""
    flags += "R" if rng.random() < 0.25 else ""
    return flags + ("S" if rng.random() < 0.84 else "")


def each_block(
    work: Callable[[Plan, int], T], plan: Plan, processes: int | None, first: int = 0
) -> Generator[T, None, None]:
    """What `work` gives for every block from `first` on, in their order; a few blocks ahead and no more."""
    count = processes or os.cpu_count() or 1
    blocks = plan.blocks()[first:]
    if count == 1 or len(blocks) == 1:
        for number in blocks:
            yield work(plan, number)
        return
    with ProcessPoolExecutor(count, mp_context=get_context("spawn")) as pool:
        ahead: deque[Future[T]] = deque()
        for number in blocks:
            ahead.append(pool.submit(work, plan, number))
            if len(ahead) > 8 * count:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()


def _write_block(folder: Path, plan: Plan, number: int) -> Written:
    size = 0
    truth: Counter[str] = Counter()
    count = 0
    for at, message in enumerate(plan.block(number)):
        # Unread mail that no program has looked at yet lies in `new`, without flags.
        fresh = message.flags == "" and at % 3 == 0
        name = f"{int(message.date.timestamp())}.M{number * BLOCK + at:07d}.mailbench"
        place = _maildir(folder, message.mailbox) / ("new" if fresh else "cur")
        (place / (name if fresh else f"{name}:2,{message.flags}")).write_bytes(message.raw)
        size += len(message.raw)
        truth.update(term for term in TERMS if term in message.text)
        count += 1
    return Written(count, size, dict(truth))


def _total(parts: Iterable[Written]) -> Written:
    messages = size = 0
    truth = Counter(dict.fromkeys(TERMS, 0))
    for part in parts:
        messages += part.messages
        size += part.bytes
        truth.update(part.truth)
    return Written(messages, size, dict(truth))


def _maildir(folder: Path, mailbox: str) -> Path:
    return folder if mailbox == "INBOX" else folder / f".{mailbox}"
