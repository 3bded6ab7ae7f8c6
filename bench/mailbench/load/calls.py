"""What is called: searches of all kinds, reads, threads and statistics, with words and ids out of the archive."""

import json
import random
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from mailbench.cache import Archive, bench_folder
from mailbench.commands import home_of
from mailbench.questions import Sample, sample
from mailquery.domain.handles import message_handle, thread_handle

_SEED = 11
SHARES = {"search_messages": 60, "read_message": 25, "read_thread": 10, "mail_statistics": 5}
"""The mix, in percent."""

AGAIN = {"search_messages": 2_000, "read_message": 2_000, "read_thread": 800, "mail_statistics": 120}
"""How many different calls of each kind there are where calls are made again."""

ONCE = {"search_messages": 60_000, "read_message": 40_000, "read_thread": 12_000, "mail_statistics": 6_000}
"""And where hardly one is made twice."""

_GROUPINGS = ("sender", "domain", "recipient", "mailbox", "hour", "month", "year")


@dataclass(frozen=True, slots=True)
class ToolCall:
    tool: str
    arguments: dict[str, Any]

    @property
    def key(self) -> str:
        return json.dumps([self.tool, self.arguments], ensure_ascii=False, sort_keys=True)


@dataclass(frozen=True, slots=True)
class Words:
    """What an archive is asked for: its words by how usual they are, people, phrases, mailboxes, years, and ids."""

    common: Sequence[str]
    rare: Sequence[str]
    unspaced: Sequence[str]  # of scripts without spaces
    senders: Sequence[str]
    names: Sequence[str]
    phrases: Sequence[str]
    mailboxes: Sequence[str]
    years: Sequence[int]
    messages: Sequence[str]
    threads: Sequence[str]


def words_of(archive: Archive) -> Words:
    taken = _sampled(archive)
    ordered = [word for word, count in taken.words.most_common() if 3 <= len(word) <= 20 and count > 1]
    rare = sorted(word for word, count in taken.words.items() if count == 1 and len(word) > 3)
    unspaced = [word for word, _ in (taken.pairs + taken.longer).most_common(3_000)]
    unspaced += [run[:6] for run, _ in taken.thai.most_common(500)]
    connection = sqlite3.connect(f"{(home_of(archive) / 'archive.db').as_uri()}?mode=ro", uri=True)
    try:
        messages = [message_handle(key) for (key,) in connection.execute("SELECT key FROM messages ORDER BY key")]
        threads = [
            thread_handle(key) for (key,) in connection.execute("SELECT DISTINCT thread FROM messages ORDER BY thread")
        ]
    finally:
        connection.close()
    return Words(
        common=ordered[: len(ordered) // 20],
        rare=[*ordered[len(ordered) // 20 :], *rare],
        unspaced=unspaced,
        senders=[sender for sender, _ in taken.senders.most_common(400)],
        names=[name for name, count in taken.names.most_common(400) if count > 2],
        phrases=[" ".join(triple) for triple in taken.triples],
        mailboxes=[box or "inbox" for box in taken.mailboxes],
        years=sorted(year for year, count in taken.years.items() if count > taken.size * 0.02),
        messages=messages,
        threads=threads,
    )


def _sampled(archive: Archive) -> Sample:
    """The archive's own words, which reading it for takes a while."""
    kept = bench_folder() / f"load-words-{archive.maildir.parent.name}.json"
    if not kept.exists():
        kept.write_text(json.dumps(sample(archive.maildir).as_json(), ensure_ascii=False), encoding="utf-8")
    return Sample.of_json(json.loads(kept.read_text(encoding="utf-8")))


def pools(words: Words, sizes: dict[str, int]) -> dict[str, list[ToolCall]]:
    """Different calls of each kind, the same ones in every run; fewer where the archive has not so many."""
    rng = random.Random(_SEED)
    made = {
        "search_messages": _searches(words, rng),
        "read_message": ({"id": each} for each in _shuffled(words.messages, rng)),
        "read_thread": ({"id": each} for each in _shuffled(words.threads, rng)),
        "mail_statistics": _statistics(words, rng),
    }
    return {tool: _different(tool, arguments, sizes[tool]) for tool, arguments in made.items()}


def _different(tool: str, arguments: Iterator[dict[str, Any]], count: int) -> list[ToolCall]:
    found: dict[str, ToolCall] = {}
    for tried, each in enumerate(arguments):
        call = ToolCall(tool, each)
        found[call.key] = call
        if len(found) == count or tried > 20 * count:
            break
    return list(found.values())


def _shuffled(values: Sequence[str], rng: random.Random) -> Iterator[str]:
    return iter(rng.sample(values, len(values)))


def _searches(words: Words, rng: random.Random) -> Iterator[dict[str, Any]]:
    """As assistants ask: mostly words, often with a sender or a time, in no fixed proportion to how common they are."""
    pick = rng.choice

    def word() -> str:
        return pick((words.common, words.rare, words.rare)[rng.randrange(3)])

    def year() -> dict[str, str]:
        first = pick(words.years)
        return {"after": f"{first}-01-01", "before": f"{first + 1}-01-01"}

    def month() -> str:
        return f"{pick(words.years)}-{rng.randint(1, 12):02}"

    forms = [
        lambda: {"query": word()},
        lambda: {"query": f"{word()} {word()}"},
        lambda: {"query": f"{word()} {word()} {word()}"},
        lambda: {"query": word(), "sort": "newest"},
        lambda: {"query": f"{word()} OR {word()}"},
        lambda: {"query": f"{word()} -{word()}", "sort": "newest"},
        lambda: {"query": f'"{pick(words.phrases)}"'},
        lambda: {"query": pick(words.unspaced)},
        lambda: {"query": f"{pick(words.unspaced)} {pick(words.unspaced)}", "sort": "newest"},
        lambda: {"query": f"{word()[:4]}*", "sort": "newest"},
        lambda: {"query": f"from:{pick(words.senders)} {word()}"},
        lambda: {"query": f"from:{pick(words.names)} on:{month()}"},
        lambda: {"from": pick(words.senders), **year()},
        lambda: {"query": word(), **year()},
        lambda: {"query": f"subject:{word()}"},
        lambda: {"query": f"has:attachment {word()}"},
        lambda: {"query": f"is:unread {word()}"},
        lambda: {"query": f"in:{pick(words.mailboxes)} {word()}", "sort": "newest"},
    ]  # fmt: skip
    while True:
        yield pick(forms)()


def _statistics(words: Words, rng: random.Random) -> Iterator[dict[str, Any]]:
    while True:
        first = rng.choice(words.years)
        when = {"after": f"{first}-01-01", "before": f"{first + rng.randint(1, 3)}-{rng.randint(1, 12):02}-01"}
        who = rng.choice(({}, {"from": rng.choice(words.senders)}, {"query": rng.choice(words.rare)}))
        yield {"group_by": rng.choice(_GROUPINGS), **when, **who}
