"""What is asked: queries of many kinds, with terms taken from the archive itself by how many messages have them."""

import random
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, fields
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import Message
from email.utils import parseaddr
from enum import StrEnum
from pathlib import Path
from typing import Any

SAMPLE = 4_000
_SEED = 7
_LATIN = re.compile(r"(?<![^\W_])[a-z]{3,}(?![^\W_])")
_HAN_OR_HANGUL = re.compile("[\u3041-\u30ff\u4e00-\u9fff\uac00-\ud7a3]{2,}")
_HIRAGANA = re.compile("[\u3041-\u309f]+")
_THAI = re.compile("[\u0e01-\u0e2e][\u0e00-\u0e7f]{4,}")
# Words that one of the languages under test reads as something else.
_NOT_WORDS = frozenset({"and", "or", "not", "near", "xor", "adj"})


class Action(StrEnum):
    NEWEST = "newest"  # the newest 25 with id, date, from and subject
    RELEVANT = "relevant"  # the best 25
    THREAD = "thread"  # a thread with its texts
    MESSAGE = "message"  # a message with its text
    STATISTICS = "statistics"  # messages by sender


@dataclass(frozen=True, slots=True)
class Question:
    """One question in each program's language. `notmuch` or `mu` is None where the program cannot be asked."""

    ours: str
    notmuch: str | None
    mu: str | None


@dataclass(frozen=True, slots=True)
class Kind:
    name: str
    questions: tuple[Question, ...]
    action: Action = Action.NEWEST


@dataclass(slots=True)
class Sample:
    """What a few thousand messages of the archive say: in how many of them each word stands."""

    size: int = 0
    words: Counter[str] = field(default_factory=Counter)
    subject_words: Counter[str] = field(default_factory=Counter)
    pairs: Counter[str] = field(default_factory=Counter)  # of Han, Kana and Hangul
    longer: Counter[str] = field(default_factory=Counter)  # three to five of them
    thai: Counter[str] = field(default_factory=Counter)
    senders: Counter[str] = field(default_factory=Counter)
    names: Counter[str] = field(default_factory=Counter)
    triples: list[tuple[str, str, str]] = field(default_factory=list)
    years: Counter[int] = field(default_factory=Counter)
    mailboxes: Counter[str] = field(default_factory=Counter)
    message_ids: list[str] = field(default_factory=list)

    def take(self, mailbox: str, raw: bytes, rng: random.Random) -> None:
        """Counts what one message says. `mailbox` is "" for the inbox."""
        self.mailboxes[mailbox] += 1
        _count(self, message_from_bytes(raw), rng)

    def add(self, other: "Sample") -> None:
        """Takes in what was counted elsewhere."""
        self.size += other.size
        for one in fields(self):
            mine, theirs = getattr(self, one.name), getattr(other, one.name)
            if isinstance(mine, Counter):
                mine.update(theirs)
            elif isinstance(mine, list):
                mine.extend(theirs)

    def as_json(self) -> dict[str, object]:
        return {one.name: getattr(self, one.name) for one in fields(self)}

    @classmethod
    def of_json(cls, known: dict[str, Any]) -> "Sample":
        """Of what `as_json` gave, after it was written and read."""
        made = cls(size=known["size"], message_ids=known["message_ids"])
        made.triples = [(one, two, three) for one, two, three in known["triples"]]
        made.years = Counter({int(year): count for year, count in known["years"].items()})
        for name in ("words", "subject_words", "pairs", "longer", "thai", "senders", "names", "mailboxes"):
            getattr(made, name).update(known[name])
        return made


def sample(maildir: Path) -> Sample:
    """Reads messages evenly from all over a Maildir with the standard library's parser."""
    paths = sorted(path for path in maildir.rglob("*") if path.is_file() and path.parent.name in {"cur", "new"})
    taken = Sample()
    rng = random.Random(_SEED)
    for path in paths[:: max(1, len(paths) // SAMPLE)]:
        folder = path.parent.parent
        taken.take("" if folder == maildir else folder.name.removeprefix("."), path.read_bytes(), rng)
    return taken


def _count(taken: Sample, message: Message, rng: random.Random) -> None:
    taken.size += 1
    identifier = re.fullmatch(r"\s*<([\w.@$+-]+)>\s*", str(message["Message-ID"] or ""))
    if identifier:
        taken.message_ids.append(identifier.group(1))
    subject = _header(message, "Subject").lower()
    name, address = parseaddr(_header(message, "From"))
    if address:
        taken.senders[address.lower()] += 1
    taken.names.update(set(re.findall(r"[^\W\d_]{3,}", name)))
    year = re.search(r"\b(19|20)\d\d\b", str(message["Date"] or ""))
    if year:
        taken.years[int(year.group())] += 1
    text = plain_text(message).lower()
    taken.subject_words.update(set(_LATIN.findall(subject)) - _NOT_WORDS)
    taken.words.update(set(_LATIN.findall(text)) - _NOT_WORDS)
    runs = set(_HAN_OR_HANGUL.findall(text))
    taken.pairs.update(_parts(runs, 2))
    taken.longer.update(_parts(runs, rng.randint(3, 5)))
    taken.thai.update(set(_THAI.findall(text)))
    # Three words on one line with single blanks between them.
    near = re.findall(r"(?m)(?<!\S)([a-z]{3,}) ([a-z]{3,}) ([a-z]{3,})(?!\S)", text)
    if near:
        triple = rng.choice(near)
        if _NOT_WORDS.isdisjoint(triple):
            taken.triples.append(triple)


def _parts(runs: set[str], length: int) -> set[str]:
    """All parts of that length but those in Hiragana alone, which are endings and not words."""
    parts = {run[at : at + length] for run in runs for at in range(len(run) - length + 1)}
    return {part for part in parts if not _HIRAGANA.fullmatch(part)}


def _header(message: Message, name: str) -> str:
    try:
        return str(make_header(decode_header(str(message[name] or ""))))
    except (LookupError, ValueError):
        return ""


def plain_text(message: Message) -> str:
    for part in message.walk():
        if part.get_content_type() == "text/plain" and part.get_filename() is None:
            content = part.get_payload(decode=True)
            if isinstance(content, bytes):
                try:
                    return content.decode(part.get_content_charset() or "utf-8", "ignore")
                except LookupError:
                    return content.decode("utf-8", "ignore")
    return ""


def questions(taken: Sample, count: int = 30) -> list[Kind]:
    """Up to `count` questions of every kind that the archive has terms for; what is read is named by Message-ID."""
    rng = random.Random(_SEED)
    common = _between(taken.words, taken.size, 0.05, 0.60)[: 3 * count]
    rare = [word for word in _between(taken.words, taken.size, 0, 1.5 / taken.size) if len(word) > 3]
    senders = _ordered(taken.senders)[: 3 * count]
    names = [name for name in _ordered(taken.names) if taken.names[name] > 2]
    years = [year for year, messages in taken.years.items() if messages > taken.size * 0.02]
    boxes = [box for box in _ordered(taken.mailboxes) if box] or [""]
    phrases = [triple for triple in taken.triples if not any(word in common for word in triple)] or taken.triples
    common_set = set(common)
    plain = [triple for triple in taken.triples if sum(word in common_set for word in triple) >= 2]
    stems = sorted({word[:4] for word in taken.words if len(word) > 5 and taken.words[word] > 3})
    pairs = [tuple(rng.sample(common, 2)) for _ in range(count)] if len(common) > 1 else []
    thai = _ordered(taken.thai)[: 6 * count]

    def kind(name: str, made: Iterable[Question], action: Action = Action.NEWEST) -> Kind:
        return Kind(name, tuple(dict.fromkeys(made)), action)

    def some(values: Sequence[str]) -> list[str]:
        return rng.sample(values, min(count, len(values)))

    def each(values: Sequence[str], make: Callable[[str], Question]) -> list[Question]:
        return [make(value) for value in some(values)]

    def quoted(words: Sequence[str]) -> Question:
        text = f'"{" ".join(words)}"'
        return Question(text, text, text)

    def dated(sender: str) -> Question:
        year = rng.choice(years)
        return Question(
            f"from:{sender} after:{year}-01-01 before:{year + 1}-01-01",
            f"from:{sender} date:{year}-01-01..{year}-12-31",
            f"from:{sender} date:{year}-01-01..{year}-12-31",
        )

    def monthly(word: str) -> Question:
        year, month = rng.choice(years), rng.randint(1, 12)
        return Question(
            f"{word} on:{year}-{month:02}",
            f"{word} date:{year}-{month:02}..{year}-{month:02}",
            f"{word} date:{year}-{month:02}..{year}-{month:02}",
        )

    def unread(word: str) -> Question:
        return Question(f"is:unread {word}", f"tag:unread {word}", f"flag:unread {word}")

    def boxed(word: str) -> Question:
        box = rng.choice(boxes)
        return Question(
            f"in:{box or 'inbox'} {word}",
            f'folder:"{f".{box}" if box else ""}" {word}',
            f'maildir:"/{f".{box}" if box else ""}" {word}',
        )

    kinds = [
        kind("common word", each(common, _same)),
        kind("rare word", each(rare, _same)),
        kind("phrase, 3 words", [quoted(triple) for triple in rng.sample(phrases, min(count, len(phrases)))]),
        kind("phrase of common words", [quoted(triple) for triple in rng.sample(plain, min(count, len(plain)))]),
        kind("two common, AND", [Question(f"{a} {b}", f"{a} and {b}", f"{a} and {b}") for a, b in pairs]),
        kind("two common, OR", [Question(f"{a} OR {b}", f"{a} or {b}", f"{a} or {b}") for a, b in pairs]),
        kind("negation", [Question(f"{a} -{b}", f"{a} and not {b}", f"{a} and not {b}") for a, b in pairs]),
        kind("from + year", each(senders, dated) if years else ()),
        kind("from name", each(names, lambda name: Question(f"from:{name}", f"from:{name}", f"from:{name}"))),
        kind("unread", [Question("is:unread", "tag:unread", "flag:unread")]),
        kind("unread + common word", each(common, unread)),
        kind("has attachment", [Question("has:attachment", "tag:attachment", "flag:attach")]),
        kind("prefix, 4 letters", each(stems, lambda stem: Question(f"{stem}*", f"{stem}*", f"{stem}*"))),
        kind("prefix, 2 letters", each(sorted({stem[:2] for stem in stems}), lambda s: _same(f"{s}*"))),
        kind("common word + month", each(common, monthly) if years else ()),
        kind("larger", [Question("larger:20K", None, "size:20k..")]),
        kind("CJK, 2 characters", each(_ordered(taken.pairs)[: 6 * count], _same)),
        kind("CJK, 3 and more", each(_ordered(taken.longer)[: 6 * count], _same)),
        kind("Thai", each([run[:6] for run in thai], _same)),
        kind("subject word", each(_ordered(taken.subject_words)[: 6 * count], lambda w: _prefixed("subject", w))),
        kind("mailbox + word", each(common, boxed)),
        kind("relevance, common word", [Question(w, None, None) for w in some(common)], Action.RELEVANT),
        kind("relevance, rare word", [Question(w, None, None) for w in some(rare)], Action.RELEVANT),
        kind("relevance, two common, OR", [Question(f"{a} OR {b}", None, None) for a, b in pairs], Action.RELEVANT),
        kind("relevance, prefix", [Question(f"{s}*", None, None) for s in some(stems)], Action.RELEVANT),
        kind("read a thread", [Question(one, one, None) for one in some(taken.message_ids)], Action.THREAD),
        kind("read a message", [Question(one, one, None) for one in some(taken.message_ids)], Action.MESSAGE),
        kind("statistics by sender", [Question("", "*", None)], Action.STATISTICS),
    ]  # fmt: skip
    return [one for one in kinds if one.questions]


def _same(text: str) -> Question:
    return Question(text, text, text)


def _prefixed(prefix: str, word: str) -> Question:
    return _same(f"{prefix}:{word}")


def _ordered(counts: Counter[str]) -> list[str]:
    """Most frequent first; ties in the order of the alphabet, so that every run asks the same."""
    return [word for word, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0]))]


def _between(counts: Counter[str], size: int, least: float, most: float) -> list[str]:
    return [word for word in _ordered(counts) if least * size <= counts[word] <= most * size]
