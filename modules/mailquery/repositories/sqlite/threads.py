"""Which thread a message belongs to (after RFC 5256, section 3, and https://www.jwz.org/doc/threading.html).

Every Message-ID that was seen, a message's own or one that it refers to, belongs to one thread; a message that knows
ids of two threads shows that they are one. So a parent that arrives late finds its children, in any order.
"""

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b

from mailquery.domain.messages import ParsedMessage

_MOST_REFERENCES = 64  # the first and the nearest of a longer list are used
_MOST_JOINED = 8  # threads that one message can join: no honest one joins more, and a hostile one must not join all
_SHORTEST_WITHOUT_AT = 16
_SUBJECT_WINDOW = 90 * 86_400  # seconds


def message_id_hash(message_id: str) -> int | None:
    """64 bits for a Message-ID; None for what is none, such as a word of an old In-Reply-To phrase."""
    if "@" not in message_id and len(message_id) < _SHORTEST_WITHOUT_AT:
        return None
    return hash64(message_id, b"message")


def hash64(text: str, purpose: bytes) -> int:
    """64 bits, signed as SQLite's integers are."""
    digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8, person=purpose).digest()
    return int.from_bytes(digest, "big", signed=True)


def _gmail_hash(gmail: str) -> int:
    return hash64(gmail, b"gmail")


@dataclass(slots=True)
class Links:
    """What a message says about its thread, as hashes; `references` has the nearest first."""

    own: int | None
    references: list[int]
    gmail: str

    @classmethod
    def of(cls, message: ParsedMessage, gmail: str) -> "Links":
        nearest_first = [*message.in_reply_to[:_MOST_REFERENCES], *reversed(message.references)]
        if len(nearest_first) > _MOST_REFERENCES:
            nearest_first = [*nearest_first[: _MOST_REFERENCES - 1], nearest_first[-1]]
        hashes = dict.fromkeys(message_id_hash(reference) for reference in nearest_first)
        return cls(message_id_hash(message.message_id), [h for h in hashes if h is not None], gmail)

    def hashes(self) -> Iterable[int]:
        if self.own is not None:
            yield self.own
        yield from self.references
        if self.gmail:
            yield _gmail_hash(self.gmail)


@dataclass(slots=True)
class _Thread:
    messages: int
    gmail: str | None
    stored: bool
    changed: bool = False


class ThreadJoiner:
    """Places messages into threads within one transaction; `flush` writes what came out of it."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._by_hash: dict[int, int] = {}
        self._new_hashes: set[int] = set()
        self._threads: dict[int, _Thread] = {}
        self._joined: dict[int, int] = {}  # a thread that was joined to another, and to which

    def load(self, links: Sequence[Links]) -> None:
        """Reads what is known about the messages' ids."""
        hashes = json.dumps(list({h for link in links for h in link.hashes()}))
        known = self._connection.execute(
            "SELECT k.hash, coalesce(a.thread, k.thread) FROM json_each(?) j JOIN thread_keys k ON k.hash = j.value"
            " LEFT JOIN thread_aliases a ON a.old = k.thread",
            (hashes,),
        ).fetchall()
        self._by_hash.update(known)
        self.load_threads(thread for _, thread in known)

    def load_threads(self, keys: Iterable[int]) -> None:
        missing = json.dumps([key for key in set(keys) if key not in self._threads])
        for key, messages, gmail in self._connection.execute(
            "SELECT t.key, t.messages, t.gmail FROM json_each(?) j JOIN threads t ON t.key = j.value", (missing,)
        ):
            self._threads[key] = _Thread(messages, gmail, stored=True)

    def place(self, key: int, links: Links) -> int:
        """The thread of a new message with the public key `key`; `find` gives the final one after all are placed."""
        gmail_hash = _gmail_hash(links.gmail) if links.gmail else None
        candidates = [gmail_hash, links.own, *links.references]
        thread: int | None = None
        joined = 0
        for candidate in candidates:
            other = self._by_hash.get(candidate) if candidate is not None else None
            if other is None or (other := self.find(other)) == thread:
                continue
            gmail = self._threads[other].gmail
            if links.gmail and gmail is not None and gmail != links.gmail:
                continue
            if thread is None:
                thread = other
            elif joined < _MOST_JOINED and (both := self.join(thread, other)) is not None:
                thread = both
                joined += 1
        if thread is None:
            thread = self._own(key)
        state = self._threads[thread]
        state.messages += 1
        state.changed = True
        if links.gmail:
            state.gmail = links.gmail
        self._remember(links, gmail_hash, thread)
        return thread

    def _own(self, key: int) -> int:
        """The thread that goes by the message's own key. It is there already where the message was removed before, and
        may have been joined to another since."""
        thread = self.find(current_thread(self._connection, key))
        self.load_threads([thread])
        self._threads.setdefault(thread, _Thread(0, None, stored=False))
        return thread

    def _remember(self, links: Links, gmail_hash: int | None, thread: int) -> None:
        for value in (gmail_hash, links.own):  # where a message lies is its own matter, whoever referred to it
            if value is not None and self._by_hash.get(value) != thread:
                self._by_hash[value] = thread
                self._new_hashes.add(value)
        for value in links.references:
            if value not in self._by_hash:
                self._by_hash[value] = thread
                self._new_hashes.add(value)

    def find(self, thread: int) -> int:
        while (into := self._joined.get(thread)) is not None:
            thread = into
        return thread

    def join(self, one: int, other: int) -> int | None:
        """Joins the smaller of two threads to the larger and gives that one; None where Gmail keeps them apart."""
        first, second = self._threads[one], self._threads[other]
        if first.gmail is not None and second.gmail is not None and first.gmail != second.gmail:
            return None
        if (first.messages, -one) < (second.messages, -other):
            one, other, first, second = other, one, second, first
        first.messages += second.messages
        first.gmail = first.gmail if first.gmail is not None else second.gmail
        first.changed = True
        self._joined[other] = one
        return one

    def flush(self) -> None:
        for loser in self._joined:
            if self._threads[loser].stored:
                self._move(loser, self.find(loser))
        self._connection.executemany(
            "INSERT OR REPLACE INTO thread_keys (hash, thread) VALUES (?, ?)",
            sorted((value, self.find(self._by_hash[value])) for value in self._new_hashes),
        )
        self._connection.executemany(
            "INSERT OR REPLACE INTO threads (key, messages, gmail) VALUES (?, ?, ?)",
            [
                (key, thread.messages, thread.gmail)
                for key, thread in self._threads.items()
                if thread.changed and key not in self._joined
            ],
        )

    def _move(self, loser: int, winner: int) -> None:
        execute = self._connection.execute
        execute("UPDATE messages SET thread = ? WHERE thread = ?", (winner, loser))
        execute("UPDATE thread_aliases SET thread = ? WHERE thread = ?", (winner, loser))
        execute("INSERT OR REPLACE INTO thread_aliases (old, thread) VALUES (?, ?)", (loser, winner))
        execute("DELETE FROM threads WHERE key = ?", (loser,))


def current_thread(connection: sqlite3.Connection, key: int) -> int:
    """The thread that goes by `key` now: itself, or the one that it was joined to."""
    row = connection.execute("SELECT thread FROM thread_aliases WHERE old = ?", (key,)).fetchone()
    return key if row is None else row[0]


def join_by_subject(connection: sqlite3.Connection) -> None:
    """The last resort: a reply by its subject that names no message goes to the thread of the nearest message before
    it that has the same base subject, if that is no older than 90 days.

    Looks at the messages added since the last time and at what they can be the origin of, so the result does not
    depend on the order in which they were added.
    """
    (done,) = connection.execute("SELECT value FROM facts WHERE name = 'subjects_threaded'").fetchone()
    (newest,) = connection.execute("SELECT coalesce(max(sequence), 0) FROM messages").fetchone()
    if newest == done:
        return
    orphans = connection.execute(
        "SELECT id, thread, date, key, subject_hash FROM messages WHERE orphan = 1 AND subject_hash IN"
        " (SELECT subject_hash FROM messages WHERE sequence > ? AND subject_hash IS NOT NULL)",
        (done,),
    ).fetchall()
    joiner = ThreadJoiner(connection)
    for row, thread, date, key, subject in orphans:
        origin = connection.execute(
            "SELECT thread FROM messages WHERE subject_hash = ? AND date BETWEEN ? AND ? AND (date, key) < (?, ?)"
            " ORDER BY date DESC, key DESC LIMIT 1",
            (subject, date - _SUBJECT_WINDOW, date, date, key),
        ).fetchone()
        if origin is None:
            continue
        joiner.load_threads({thread, origin[0]})
        mine, its = joiner.find(thread), joiner.find(origin[0])
        if mine == its or joiner.join(mine, its) is not None:
            connection.execute("UPDATE messages SET orphan = 0 WHERE id = ?", (row,))
    joiner.flush()
    connection.execute("UPDATE facts SET value = ? WHERE name = 'subjects_threaded'", (newest,))
