"""What an afternoon gives, to compare with: the reciprocal rank fusion of plain BM25 and plain word vectors, untuned.

Three lists are fused: messages with all of the words (which count twice), with any of them, and by meaning (the nearest
of a message's chunks of about 160 words, without quoted lines and URLs). Fields are applied before anything is ranked.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np

from mailbench.known_items import Mail
from mailbench.plain_bm25 import PlainBM25, free_words
from mailquery.embedding.interfaces import Embedder

_K = 60  # of the method's authors: Cormack, Clarke and Buettcher, SIGIR 2009
_LISTED = 1_000  # messages of each list
_CHUNK_WORDS = 160
_URL = re.compile(r"(?:https?|ftp)://\S+|www\.\S+")


class RankFusion:
    def __init__(self, plain: PlainBM25, embedder: Embedder) -> None:
        self._plain = plain
        self._embedder = embedder
        self._ids: list[str] = []
        self._owners = np.zeros(0, np.intp)
        self._chunks = np.zeros((0, embedder.dimensions or 0), np.float32)

    async def read(self, mails: Sequence[Mail]) -> None:
        self._ids = [mail.message_id for mail in mails]
        texts = [(owner, text) for owner, mail in enumerate(mails) for text in _cut(mail)]
        self._owners = np.array([owner for owner, _ in texts], np.intp)
        self._chunks = await self._embedder.embed([text for _, text in texts])

    async def find(self, query: str, limit: int) -> list[str]:
        """Message-IDs, best first."""
        every, some = (self._plain.ranked(query, joint, _LISTED) for joint in ("AND", "OR"))
        scores: dict[str, float] = defaultdict(float)
        for weight, found in ((2, every), (1, some), (1, await self._nearest(query))):
            for rank, identifier in enumerate(found, 1):
                scores[identifier] += weight / (_K + rank)
        return sorted(scores, key=lambda identifier: -scores[identifier])[:limit]

    async def _nearest(self, query: str) -> list[str]:
        words = free_words(query)
        if not words:
            return []
        cosines = np.full(len(self._ids), -1.0, np.float32)
        np.maximum.at(cosines, self._owners, self._chunks @ (await self._embedder.embed([words]))[0])
        allowed = self._plain.allowed(query)
        nearest = (self._ids[at] for at in np.argsort(-cosines, kind="stable"))
        return [identifier for identifier in nearest if allowed is None or identifier in allowed][:_LISTED]


def _cut(mail: Mail) -> Iterator[str]:
    own = "\n".join(line for line in mail.text.splitlines() if not line.startswith(">"))
    words = _URL.sub(" ", own).split()
    for start in range(0, max(len(words), 1), _CHUNK_WORDS):
        yield f"{mail.subject}\n{' '.join(words[start : start + _CHUNK_WORDS])}"
