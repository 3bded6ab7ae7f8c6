"""An archive with its four repositories."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from mailquery.domain.queries import Everything, Query
from mailquery.repositories.prepared import NewPlacement, PreparedMessage
from mailquery.repositories.records import SearchPage, Sort, Visibility
from mailquery.repositories.sqlite.archive import Archive as StoredArchive
from mailquery.repositories.sqlite.directory import SqliteDirectory
from mailquery.repositories.sqlite.imports import SqliteImports
from mailquery.repositories.sqlite.messages import SqliteMessages
from mailquery.repositories.sqlite.search import SqliteSearch

ALL = Visibility()


@dataclass
class Archive:
    database: StoredArchive
    imports: SqliteImports = field(init=False)
    search: SqliteSearch = field(init=False)
    messages: SqliteMessages = field(init=False)
    directory: SqliteDirectory = field(init=False)

    def __post_init__(self) -> None:
        self.imports = SqliteImports(self.database)
        self.search = SqliteSearch(self.database)
        self.messages = SqliteMessages(self.database)
        self.directory = SqliteDirectory(self.database)

    async def add(self, *entries: tuple[PreparedMessage, Iterable[NewPlacement]], finish: bool = True) -> int:
        """Imports messages with their placements in one batch."""
        async with self.imports.writing():
            added = await self.imports.add(
                [message for message, _ in entries], [p for _, placements in entries for p in placements], []
            )
            if finish:
                mailboxes = {p.mailbox for _, placements in entries for new in placements for p in new.placements}
                for account in {new.account for _, placements in entries for new in placements}:
                    await self.imports.finished(account, sorted(mailboxes))
        return added

    async def find(
        self, query: Query, visible: Visibility = ALL, *, sort: Sort = Sort.NEWEST, limit: int = 100
    ) -> SearchPage:
        return await self.search.search(query, visible, sort=sort, limit=limit)

    async def find_all(self) -> SearchPage:
        return await self.find(Everything(), limit=10_000)

    async def rows(self, query: Query, visible: Visibility = ALL) -> list[int]:
        return [row.row for row in (await self.find(query, visible)).rows]
