"""A message as texts short enough that each means one thing, and that a model reads to its end."""

import re
from collections.abc import Iterator

from mailquery.domain.messages import Body, SpanKind

# How messages are cut is a part of each embedder's name: a change embeds every message anew.
VERSION = 1
CHUNK_WORDS = 160
MOST_CHUNKS = 64  # of one message: about 10,000 words

_SUBJECT_WORDS = 40
_PIECE_CHARS = 64  # a longer word is cut: it is text without spaces, or nothing that anybody reads
_WORD_CHARS = 8  # a word of more characters counts as several
_WIDE_CHARS = 3  # and a character of a script without spaces as so many of Latin's
_MOST_BODY_CHARS = MOST_CHUNKS * CHUNK_WORDS * 64

_URL = re.compile(r"(?:https?|ftp)://\S+|www\.\S+|mailto:\S+", re.IGNORECASE)
_HAS_TEXT = re.compile(r"[^\W_]")
_WIDE = re.compile(r"[\u0e00-\u0eff\u1100-\u11ff\u2e80-\ud7ff\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff]")


def chunk_texts(subject: str, body: Body) -> list[str]:
    """The texts to embed for a message, at most `MOST_CHUNKS`: the subject, and behind it about `CHUNK_WORDS` words of
    what the sender wrote. Quoted history, signatures and URLs are left out. Empty where there is no text at all."""
    title = " ".join(_words(subject)[:_SUBJECT_WORDS])
    own = "\n".join(body.text[s.start : s.end] for s in body.spans if s.kind is SpanKind.TEXT)
    words = _words(own[:_MOST_BODY_CHARS])
    if not words:
        return [title] if title else []
    return [f"{title}\n{chunk}" if title else chunk for chunk in _cut(words)]


def _words(text: str) -> list[str]:
    """Words and pieces of long ones. What has no letter and no digit (rulers, smileys, bullets) says nothing."""
    words: list[str] = []
    for word in _URL.sub(" ", text).split():
        if not _HAS_TEXT.search(word):
            continue
        if len(word) <= _PIECE_CHARS:
            words.append(word)
        else:
            words.extend(word[start : start + _PIECE_CHARS] for start in range(0, len(word), _PIECE_CHARS))
    return words


def _cut(words: list[str]) -> Iterator[str]:
    """Chunks of about equal size, so that no short rest stands by itself."""
    sizes = [_size(word) for word in words]
    total = sum(sizes)
    count = -(-total // CHUNK_WORDS)
    room = total / count
    made = used = start = 0
    for end, size in enumerate(sizes, 1):
        used += size
        if used >= room * (made + 1) or end == len(words):
            yield " ".join(words[start:end])
            made, start = made + 1, end
            if made == MOST_CHUNKS:
                return


def _size(word: str) -> int:
    if word.isascii():
        return 1 + (len(word) - 1) // _WORD_CHARS
    wide = len(_WIDE.findall(word))
    return 1 + (len(word) - 1 + wide * (_WIDE_CHARS - 1)) // _WORD_CHARS
