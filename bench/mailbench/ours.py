"""mailquery's layers inside this process."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from mcp import Client

from mailbench.peers import LIMIT
from mailbench.questions import Action
from mailquery.application import Application
from mailquery.bootstrap import open_application
from mailquery.domain.handles import message_handle
from mailquery.domain.queries import WithMessageId
from mailquery.query.parser import parse
from mailquery.repositories.groups import GroupBy
from mailquery.repositories.records import MessageRow, Sort, Visibility
from mailquery.repositories.sqlite.archive import open_archive
from mailquery.repositories.sqlite.messages import SqliteMessages
from mailquery.repositories.sqlite.search import SqliteSearch
from mailquery.services.filters import Filters
from mailquery.serving import Serving
from mailquery.settings import Settings
from mcpkit.database.sqlite import Database

_EVERYTHING = Visibility()


class Level(StrEnum):
    """How much of the product answers."""

    REPOSITORY = "repository"  # query text to rows, as a peer's library does it
    SERVICE = "service"  # with snippets, coverage and cursor
    TOOL = "tool"  # the MCP tool through an in-memory client, JSON and validation included


class NotAnswered(Exception):
    """A tool gave an error in place of an answer."""


@dataclass(slots=True)
class Ours:
    """An open archive, asked at every level."""

    settings: Settings
    application: Application
    database: Database
    search: SqliteSearch
    messages: SqliteMessages
    client: Client
    _rows: dict[str, MessageRow]

    @classmethod
    @contextlib.asynccontextmanager
    async def open(cls, home: Path) -> AsyncIterator["Ours"]:
        """The archive in `home`."""
        settings = Settings(home=home)  # the defaults: no file and no variable of the user's
        async with contextlib.AsyncExitStack() as stack:
            application = await stack.enter_async_context(open_application(settings))
            database = await stack.enter_async_context(await open_archive(settings.archive_path))
            client = await stack.enter_async_context(Client(Serving(application).server()))
            yield cls(settings, application, database, SqliteSearch(database), SqliteMessages(database), client, {})

    async def ask(self, level: Level, query: str, action: Action) -> int:
        """How many messages match, or how many things were given."""
        match action:
            case Action.NEWEST | Action.RELEVANT:
                return await self._search(level, query, Sort.NEWEST if action is Action.NEWEST else Sort.RELEVANCE)
            case Action.STATISTICS:
                return await self._statistics(level)
            case Action.THREAD:
                return await self._thread(level, await self.row(query))
            case Action.MESSAGE:
                return await self._message(level, await self.row(query))

    async def total(self, term: str) -> int:
        """How many messages a word or a substring of unspaced text finds."""
        page = await self.search.search(self._tree(term), _EVERYTHING, sort=Sort.NEWEST, limit=1)
        return page.total.value

    async def row(self, message_id: str) -> MessageRow:
        """The message with a Message-ID; remembered, so that asking for it again takes no time."""
        if message_id not in self._rows:
            page = await self.search.search(WithMessageId(message_id), _EVERYTHING, sort=Sort.NEWEST, limit=1)
            self._rows[message_id] = page.rows[0]
        return self._rows[message_id]

    def _tree(self, query: str) -> Any:
        return parse(query, zone=self.settings.zone, now=datetime.now(UTC)).tree

    async def _search(self, level: Level, query: str, sort: Sort) -> int:
        if level is Level.REPOSITORY:
            # Rankings are remembered for the pages that follow; each question is to be ranked anew.
            search = SqliteSearch(self.database) if sort is Sort.RELEVANCE else self.search
            page = await search.search(self._tree(query), _EVERYTHING, sort=sort, limit=LIMIT)
            return page.total.value
        if level is Level.SERVICE:
            found = await self.application.services.search_messages(
                _EVERYTHING, Filters(query=query), sort=sort, limit=LIMIT
            )
            return found.total.value
        result = await self._call("search_messages", {"query": query, "sort": sort.value, "limit": LIMIT})
        return int(result["total"])

    async def _statistics(self, level: Level) -> int:
        if level is Level.REPOSITORY:
            counted = await self.search.statistics(
                self._tree(""), _EVERYTHING, group_by=GroupBy.SENDER, zone=self.settings.zone, limit=LIMIT
            )
            return len(counted.groups)
        if level is Level.SERVICE:
            shown = await self.application.services.mail_statistics(
                _EVERYTHING, Filters(), group_by=GroupBy.SENDER, limit=LIMIT
            )
            return len(shown.groups)
        result = await self._call("mail_statistics", {"group_by": "sender", "limit": LIMIT})
        return len(result["groups"])

    async def _thread(self, level: Level, row: MessageRow) -> int:
        if level is Level.REPOSITORY:
            return len(await self.messages.thread(row.thread_key, _EVERYTHING))
        if level is Level.SERVICE:
            return len((await self.application.services.read_thread(_EVERYTHING, message_handle(row.key))).messages)
        return len((await self._call("read_thread", {"id": message_handle(row.key)}))["messages"])

    async def _message(self, level: Level, row: MessageRow) -> int:
        if level is Level.REPOSITORY:
            return int(await self.messages.get(row.key, _EVERYTHING) is not None)
        if level is Level.SERVICE:
            return int(bool(await self.application.services.read_message(_EVERYTHING, message_handle(row.key))))
        return int(bool(await self._call("read_message", {"id": message_handle(row.key)})))

    async def _call(self, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
        result = await self.client.call_tool(tool, arguments)
        if result.is_error or result.structured_content is None:
            raise NotAnswered(f"{tool} {arguments}: {result.content}")
        return dict(result.structured_content)
