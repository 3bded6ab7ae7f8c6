"""An archive whose messages have vectors that a test knows."""

from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from integration.archives import ALL, Archive
from integration.mailmaker import NOON, mail, placed
from mailquery.domain.queries import Query
from mailquery.repositories.records import Visibility
from mailquery.repositories.sqlite.compile import compile_query
from mailquery.repositories.sqlite.people_index import PeopleIndex
from mailquery.repositories.sqlite.scope import Scope
from mailquery.repositories.sqlite.vectors.repository import SqliteVectors

MODEL = "random/1"
Rows = NDArray[np.float32]


def unit(rows: Rows) -> Rows:
    made: Rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return made


class Filled:
    """An archive of `count` messages with one to three chunks each, and the vectors as they were before they were
    stored. Every second message is of the account "work"; every tenth has the word "rare"."""

    def __init__(self, archive: Archive, count: int, dimensions: int = 96) -> None:
        self.archive = archive
        self.vectors = SqliteVectors(archive.database)
        random = np.random.default_rng(7)
        self.chunks = [
            unit(random.standard_normal((1 + number % 3, dimensions)).astype(np.float32)) for number in range(count)
        ]
        self.questions = unit(random.standard_normal((20, dimensions)).astype(np.float32))
        self.mails = [
            mail(f"Message {number}", "rare" if number % 10 == 0 else "", date=NOON + timedelta(seconds=number))
            for number in range(count)
        ]

    async def store(self) -> None:
        entries = [
            (each, [placed(each, account="work" if number % 2 else "home")]) for number, each in enumerate(self.mails)
        ]
        await self.archive.add(*entries)
        await self.embed()

    async def embed(self, model: str = MODEL, batch: int = 700) -> None:
        while pending := await self.vectors.pending(model, batch):
            assert await self.vectors.add(model, [(each.sequence, self.chunks[each.sequence - 1]) for each in pending])

    async def nearest(
        self, question: Rows, query: Query, visible: Visibility = ALL, *, limit: int = 10, model: str = MODEL
    ) -> list[tuple[int, float]]:
        """Numbers of messages, each with its cosine."""

        def read(connection):  # type: ignore[no-untyped-def]
            scope = Scope(connection, visible)
            selection = compile_query(connection, query, scope, PeopleIndex())
            found = self.vectors.index.nearest(connection, model, question, selection, limit)
            numbers = dict(connection.execute("SELECT id, sequence - 1 FROM messages"))
            return [(numbers[row], cosine) for row, cosine in found]

        return await self.archive.database.read(read)

    def exact(self, question: Rows, members: list[int], limit: int = 10) -> list[int]:
        cosines = {number: float((self.chunks[number] @ question).max()) for number in members}
        return sorted(members, key=lambda number: -cosines[number])[:limit]
