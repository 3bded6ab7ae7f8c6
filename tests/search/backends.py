"""What the case table and the random archives run against: each engine behind one small interface."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Protocol

from integration.archives import Archive
from integration.truth import Known
from mailquery.domain.mailboxes import MailboxRole
from mailquery.domain.queries import Everything, Query
from mailquery.repositories.records import Sort, Visibility
from mailquery.repositories.sqlite.archive import open_archive

MOST = 1_000


class Backend(Protocol):
    async def store(self, known: Sequence[Known]) -> None:
        """Imports the messages, and sets the `thread` of each as the engine gave it."""
        ...

    async def find(self, query: Query, visible: Visibility, sort: Sort = Sort.NEWEST) -> list[int]:
        """The keys of the messages that match, in that order. What lacks words is not among them, and says so."""
        ...


class Sqlite:
    def __init__(self, archive: Archive) -> None:
        self._archive = archive

    async def store(self, known: Sequence[Known]) -> None:
        await self._archive.add(*((entry.message, entry.placements) for entry in known))
        roles = {place: role for entry in known for place, role in entry.roles.items()}
        async with self._archive.imports.writing():
            for account, mailbox in {place for entry in known for place in entry.mailboxes()} & roles.keys():
                await self._archive.imports.set_role(account, mailbox, MailboxRole(roles[account, mailbox]))
        threads = {row.key: row.thread_key for row in (await self._archive.find(Everything(), limit=MOST)).rows}
        for entry in known:
            entry.thread = threads[entry.key]

    async def find(self, query: Query, visible: Visibility, sort: Sort = Sort.NEWEST) -> list[int]:
        page = await self._archive.find(query, visible, sort=sort, limit=MOST)
        lacking = [bool(standing.missing) for standing in page.standings] or [False] * len(page.rows)
        assert lacking.count(True) == page.near
        assert (page.total.value, page.total.exact) == (lacking.count(False), True)
        return [row.key for row, lacks in zip(page.rows, lacking, strict=True) if not lacks]


@asynccontextmanager
async def sqlite(folder: Path) -> AsyncIterator[Backend]:
    async with await open_archive(folder / "archive.db", readers=1) as database:
        yield Sqlite(Archive(database))


BACKENDS: dict[str, Callable[[Path], AbstractAsyncContextManager[Backend]]] = {"sqlite": sqlite}
